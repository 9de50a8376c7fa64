"""Key points of pose networks: COCO and OpenPose files, made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikewatt.data.datasets import load
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.graph import COCO17, OPENPOSE25
from spikewatt.data.pose.formats import parse
from spikewatt.data.pose.keypoints import joints_of, tracked
from spikewatt.errors import SpikewattError


def person(joints: int, place: float = 100.0, seed: int = 0) -> np.ndarray:
    """Pixels and scores (joints, 3) of somebody about a place."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-30, 30, (joints, 2)) + place
    return np.column_stack([xy, rng.uniform(0.2, 1, joints)])


def openpose(*people: np.ndarray) -> dict[str, Any]:
    return {"version": 1.3, "people": [{"pose_keypoints_2d": p.ravel().tolist()} for p in people]}


def coco(*people: np.ndarray, image: int = 1) -> list[dict[str, Any]]:
    return [{"image_id": image, "keypoints": p.ravel().tolist(), "score": 0.9} for p in people]


def test_formats() -> None:
    a, b = person(25), person(25, 300, 1)
    for content, frames in (
        (openpose(a, b), 1),
        ([openpose(a, b), openpose(b)], 2),
        ({"frames": [openpose(a, b), openpose(), openpose(b)]}, 3),
    ):
        skeleton, got = parse(content)
        assert (skeleton, len(got)) == (OPENPOSE25, frames)
        assert np.array_equal(got[0], [a, b])
    a, b = person(17), person(17, 300, 1)
    skeleton, got = parse(coco(b, image=12) + coco(a, image=3) + coco(a, image=12))
    assert skeleton is COCO17
    assert np.array_equal(got[0], [a])
    assert np.array_equal(got[1], [b, a])
    content = {"images": [{"id": k} for k in (1, 2, 3)], "annotations": coco(a, image=3)}
    assert [len(f) for f in parse(content)[1]] == [0, 0, 1]
    for wrong in ({}, [], "x", [{"keypoints": [1, 2]}], openpose(person(20)), coco(person(25))):
        with pytest.raises((ValueError, KeyError, TypeError)):
            _ = [f[0] for f in parse(wrong)[1]]


def test_openposes_18_are_a_part_of_its_25() -> None:
    old = person(18)
    _, ((new,),) = parse(openpose(old))
    names = OPENPOSE25.joints
    assert np.array_equal(new[names.index("left ankle")], old[13])
    assert np.array_equal(new[names.index("right hip")], old[8])
    assert np.array_equal(new[names.index("left ear")], old[17])
    assert np.array_equal(new[names.index("hip centre")], (old[8] + old[11]) / 2)
    assert not new[19:].any()
    old[8, 2] = 0
    _, ((new,),) = parse(openpose(old))
    assert not new[names.index("hip centre")].any()


def test_persons_keep_their_places() -> None:
    near, far = ([person(17, p + t, t) for t in range(4)] for p in (100.0, 400.0))
    frames = [[near[0]], [far[1], near[1]], [far[2]], [near[3], far[3]]]
    got = tracked(frames, COCO17)
    assert got.shape == (2, 4, 17, 3)
    assert np.array_equal(got[0, [0, 1, 3]], [near[0], near[1], near[3]])
    assert np.array_equal(got[1, 1:], far[1:])
    assert not got[0, 2].any()
    assert not got[1, 0].any()


def test_coordinates_and_scores() -> None:
    persons = np.stack([[person(17, 100, t) for t in range(5)]])
    persons[0, 2, 4] = 0
    flat, scored = (joints_of(persons, COCO17, score) for score in (False, True))
    assert np.isnan(flat[0, 2, 4]).all()
    assert np.isnan(scored[0, 2, 4]).all()
    seen = persons[..., 2] > 0
    assert not flat[seen][:, 2].any()
    assert np.array_equal(scored[seen][:, 2], persons[seen][:, 2])
    unit = persons[0, 0, 0, 0] / flat[0, 0, 0, 0]
    assert np.allclose(flat[seen][:, :2] * unit, persons[seen][:, :2] * (1, -1))  # y upwards
    bigger = joints_of(persons * (3, 3, 1), COCO17)
    assert np.allclose(bigger, flat, equal_nan=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes; clips as one file each and as a folder of frames."""
    for split, group, name in (
        ("train", "wave", "a"),
        ("train", "sit", "b"),
        ("test", "wave", "c"),
    ):
        place = tmp_path / split / group
        place.mkdir(parents=True)
        frames = [openpose(person(25, 100 + t, t)) for t in range(6)]
        (place / f"{name}.json").write_text(json.dumps(frames))
    frames_of = tmp_path / "test" / "wave" / "d"
    frames_of.mkdir()
    for t in range(4):
        content = openpose(*([person(25, 100 + t, t)] if t else []))
        (frames_of / f"d_{t:03d}_keypoints.json").write_text(json.dumps(content))
    return tmp_path


def test_clips_of_a_folder(folder: Path) -> None:
    dataset = load(f"keypoints:{folder}")
    assert dataset.classes == ("sit", "wave")
    assert [(c.name, c.label) for c in dataset.train] == [("b", 0), ("a", 1)]
    assert [c.joints.shape for c in dataset.test] == [(1, 6, 25, 3), (1, 4, 25, 3)]
    assert dataset.graph is OPENPOSE25
    assert np.isnan(dataset.test[1].joints[0, 0]).all()
    got = SkeletonEncoder(dataset.graph).encode_all(dataset.test)
    assert got.any()
    scored = load(f"keypoints-score:{folder}")
    assert 0.2 <= np.nanmin(scored.test[0].joints[..., 2]) < 1
    assert SkeletonEncoder(scored.graph).encode(scored.test[0])[:, :, 2].any()


def test_frames_of_coco_without_anybody(tmp_path: Path) -> None:
    place = tmp_path / "train" / "wave" / "a"
    place.mkdir(parents=True)
    for t in range(3):
        content = coco(person(17)) if t == 1 else []
        (place / f"{t}.json").write_text(json.dumps(content))
    (clip,) = load(f"keypoints:{tmp_path}").train
    assert clip.joints.shape == (1, 3, 17, 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("{}", "neither COCO"),
        ("[]", "neither COCO"),
        (json.dumps([openpose(), openpose()]), "somebody"),
        (json.dumps(coco(person(17))), "coco-17, the clips before it openpose-25"),
        (json.dumps(openpose(person(20))), "20 key points"),
    ],
    ids=range(6),
)
def test_a_broken_clip_is_reported(folder: Path, text: str, reason: str) -> None:
    (folder / "train" / "wave" / "x.json").write_text(text)
    dataset = load(f"keypoints:{folder}")
    assert len(dataset.train) == 2
    (line,) = dataset.report
    assert "x.json" in line
    assert reason in line


def test_nothing_usable(tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match="train/CLASS/ and test/CLASS/"):
        load(f"keypoints:{tmp_path}")
