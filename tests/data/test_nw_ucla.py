"""NW-UCLA: the published files, and files of the same format with something wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from spikewatt.data.clips import Dataset
from spikewatt.data.datasets import load
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.nw_ucla import CAMERA_PITCH
from spikewatt.data.prepare import rotate
from spikewatt.errors import SpikewattError


def test_the_published_split(nw_ucla: Dataset) -> None:
    assert (len(nw_ucla.train), len(nw_ucla.test)) == (1020, 464)
    assert nw_ucla.report == ()
    assert {c.name[-3:] for c in nw_ucla.train} == {"v01", "v02"}
    assert {c.name[-3:] for c in nw_ucla.test} == {"v03"}
    folders = ("a01", "a02", "a03", "a04", "a05", "a06", "a08", "a09", "a11", "a12")
    for clip in (*nw_ucla.train, *nw_ucla.test):
        assert clip.joints.dtype == np.float32
        assert clip.joints.shape[::2] == (1, 20)
        assert clip.name[:3] == folders[clip.label]
    lengths = [c.joints.shape[1] for c in (*nw_ucla.train, *nw_ucla.test)]
    assert (min(lengths), max(lengths)) == (1, 201)


def test_joints_are_the_files_with_the_camera_levelled(
    nw_ucla: Dataset, nw_ucla_folder: Path
) -> None:
    clip = nw_ucla.test[17]
    content = json.loads((nw_ucla_folder / "all_sqe" / f"{clip.name}.json").read_text())
    back = rotate(clip.joints[0].astype(np.float64), -CAMERA_PITCH, axis=0)
    assert np.allclose(back, content["skeletons"], atol=1e-5)
    assert clip.label == content["label"] - 1


def test_the_parent_folder_and_the_clips_folder_do_too(nw_ucla_folder: Path) -> None:
    for path in (nw_ucla_folder.parent, nw_ucla_folder / "all_sqe"):
        assert len(load(f"nw-ucla:{path}").test) == 464


def test_y_is_up_and_the_default_gains_fit(nw_ucla: Dataset) -> None:
    frames = np.concatenate([c.joints[0] for c in nw_ucla.train])
    trunk = np.median(frames[:, 2] - frames[:, 0], axis=0)
    assert trunk[1] > 0.95 * np.linalg.norm(trunk)
    encoder = SkeletonEncoder(nw_ucla.skeleton)
    values = np.abs(encoder.encode_all(nw_ucla.train))
    assert (values == encoder.limit).mean() < 0.01
    measured = encoder.fit_gains(nw_ucla.train).gain
    assert np.allclose(measured, encoder.gain, rtol=0.1)


def skeletons(frames: int) -> list[list[list[float]]]:
    x = np.random.default_rng(frames).normal(size=(frames, 20, 3))
    return x.tolist()  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three training and two test clips as published."""
    root = tmp_path / "nw"
    (root / "all_sqe").mkdir(parents=True)
    for split, names in (("train", ("a", "b", "c")), ("val", ("d", "e"))):
        entries = [{"file_name": n, "length": 3, "label": 4} for n in names]
        (root / f"{split}.json").write_text(json.dumps(entries))
        for entry in entries:
            content = entry | {"skeletons": skeletons(3)}
            (root / "all_sqe" / f"{entry['file_name']}.json").write_text(json.dumps(content))
    return root


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read as JSON"),
        ("[1, 2]", "TypeError"),
        ("[" * 100_000, "cannot be read as JSON"),
        ('{"label": 4}', "'skeletons'"),
        (json.dumps({"label": 4, "skeletons": []}), r"shape \(0,\)"),
        (json.dumps({"label": 4, "skeletons": [[[1, 2, 3]] * 25]}), r"shape \(1, 25, 3\)"),
        (json.dumps({"label": 4, "skeletons": [[[1, 2, 3]] * 20, [[1, 2]]]}), "ValueError"),
        (json.dumps({"label": 11, "skeletons": skeletons(2)}), "label 11"),
        (json.dumps({"label": float("inf"), "skeletons": skeletons(2)}), "OverflowError"),
        (json.dumps({"label": 4, "skeletons": [[[0, 0, 0]] * 20]}), "no joint that was seen"),
    ],
    ids=range(10),
)
def test_a_broken_clip_is_reported_and_skipped(folder: Path, text: str, reason: str) -> None:
    (folder / "all_sqe" / "b.json").write_text(text)
    dataset = load(f"nw-ucla:{folder}")
    assert [c.name for c in dataset.train] == ["a", "c"]
    (line,) = dataset.report
    assert "b.json" in line
    assert "expected skeletons[T][20][3]" in line
    assert re.search(reason, line)


def test_a_missing_clip_is_reported(folder: Path) -> None:
    (folder / "all_sqe" / "e.json").unlink()
    dataset = load(f"nw-ucla:{folder}")
    assert [c.name for c in dataset.test] == ["d"]
    assert "e.json" in dataset.report[0]


def test_no_usable_clip_is_an_error(folder: Path) -> None:
    for name in ("d", "e"):
        (folder / "all_sqe" / f"{name}.json").write_text("oh")
    with pytest.raises(SpikewattError, match=r"no usable test clip .2 skipped; .*d.json"):
        load(f"nw-ucla:{folder}")


@pytest.mark.parametrize("text", ["no json", '{"a": 1}', '[{"name": "a"}]', "[3]"])
def test_a_broken_list_is_an_error(folder: Path, text: str) -> None:
    (folder / "val.json").write_text(text)
    with pytest.raises(SpikewattError, match=r"val\.json .*expected a list of"):
        load(f"nw-ucla:{folder}")


def test_without_lists_the_views_decide(folder: Path) -> None:
    (folder / "train.json").unlink()
    (folder / "val.json").unlink()
    for old, new in (("a", "a01_v01"), ("b", "a02_v02"), ("c", "a01_v03"), ("d", "a02_v03")):
        (folder / "all_sqe" / f"{old}.json").rename(folder / "all_sqe" / f"{new}.json")
    (folder / "all_sqe" / "e.json").unlink()
    dataset = load(f"nw-ucla:{folder}")
    assert [c.name for c in dataset.train] == ["a01_v01", "a02_v02"]
    assert [c.name for c in dataset.test] == ["a01_v03", "a02_v03"]


def test_a_wrong_path_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match="is no folder"):
        load(f"nw-ucla:{tmp_path / 'nowhere'}")
    with pytest.raises(SpikewattError, match="is no folder"):
        load(f"nw-ucla:{folder / 'train.json'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpikewattError, match="all_sqe"):
        load(f"nw-ucla:{tmp_path / 'empty'}")
