"""NTU RGB+D: published samples and arrays, rules of the splits, denoising, broken files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from spikewatt.data.datasets import load
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.ntu.actors import actors, centred, denoised, padded, unpadded
from spikewatt.data.ntu.names import PROTOCOLS, XSUB60, XSUB120, recording
from spikewatt.data.ntu.skeleton_file import Body, read_bodies
from spikewatt.errors import SpikewattError

RNG = np.random.default_rng(0)


def test_the_splits_have_the_published_sizes() -> None:
    assert (len(XSUB60), len(XSUB120)) == (20, 53)
    found = recording("S017C003P020R002A060")
    assert (found.setup, found.camera, found.subject) == (17, 3, 20)
    assert (found.repetition, found.action) == (2, 60)
    assert {name: p.split(found) for name, p in PROTOCOLS.items()} == {
        "ntu60-xsub": "test",
        "ntu60-xview": "train",
        "ntu120-xsub": "test",
        "ntu120-xset": "test",
    }
    for wrong in ("S001C001P001R001", "x", "S001C001P001R001A0011"):
        with pytest.raises(SpikewattError, match="SsssCcccPpppRrrrAaaa"):
            recording(wrong)


@pytest.mark.parametrize(
    ("name", "train"), [("ntu60-xsub", 8), ("ntu60-xview", 9), ("ntu120-xsub", 8)]
)
def test_samples_are_split_by_their_names(ntu_folder: Path, name: str, train: int) -> None:
    dataset = load(f"{name}:{ntu_folder}")
    assert (len(dataset.train), len(dataset.test)) == (train, 15 - train)
    assert len(dataset.classes) == PROTOCOLS[name].actions
    for split, clips in (("train", dataset.train), ("test", dataset.test)):
        for clip in clips:
            found = recording(clip.name)
            assert PROTOCOLS[name].split(found) == split
            assert clip.label == found.action - 1
    for line, file in zip(
        dataset.report, ("S005C002P013R002A056", "S012C001P008R002A030"), strict=True
    ):
        assert file in line
        assert "the file is cut short" in line


def by_lines(file: Path) -> dict[str, np.ndarray]:
    """Joints of each body, by another way: the lines of 12 columns, 25 to a body's header."""
    bodies: dict[str, list[list[str]]] = {}
    for line in file.read_text().splitlines():
        words = line.split()
        if len(words) == 10:
            now = bodies.setdefault(words[0], [])
        elif len(words) == 12:
            now.append(words[:3])
    return {k: np.array(v, dtype=np.float32).reshape(-1, 25, 3) for k, v in bodies.items()}


def test_samples_are_the_files_joints_about_the_first_spine(ntu_folder: Path) -> None:
    dataset = load(f"ntu60-xview:{ntu_folder}")
    for clip in (*dataset.train, *dataset.test):
        people = by_lines(ntu_folder / "skeleton" / f"{clip.name}.skeleton")
        # bodies of the samples are there throughout; one of them is a piece of furniture
        wide = {k: np.ptp(x[..., 0], 1) > 0.8 * np.ptp(x[..., 1], 1) for k, x in people.items()}
        if len(people) > 1:
            people = {k: x for k, x in people.items() if wide[k].mean() < 0.69754}
        spread = {k: x.reshape(-1, 3).var(axis=0).sum() for k, x in people.items()}
        first = sorted(people, key=lambda k: -spread[k])
        expected = np.stack([people[k] for k in first]) - people[first[0]][0, 1]
        assert clip.joints.shape == expected.shape
        assert np.abs(clip.joints - expected).max() <= 1e-9  # the joint at the origin
        assert clip.joints[0, 0, 1].tolist() == [0, np.float32(1e-9), 0]
    assert {len(c.joints) for c in (*dataset.train, *dataset.test)} == {1, 2}


@pytest.mark.parametrize(("file", "part"), [("NTU60_CS.npz", "test"), ("NTU60_CV.npz", "train")])
def test_published_arrays_do_not_change_in_the_last_stage(
    ntu_folder: Path, file: str, part: str
) -> None:
    arrays = np.load(ntu_folder / file)[f"x_{part}"]
    assert len(arrays) == 11
    for row in arrays:
        joints = unpadded(row)
        assert np.array_equal(centred(joints), joints)
        assert np.array_equal(padded(centred(joints), len(row)), row)
        moved = np.where(joints.any(axis=(2, 3), keepdims=True), joints + np.float32(0.5), 0)
        assert np.allclose(centred(moved.astype(np.float32)), joints, atol=1e-6)


def test_published_arrays_as_clips(ntu_folder: Path) -> None:
    path = ntu_folder / "NTU60_CS.npz"
    dataset = load(f"ntu60-xsub:{path}")
    assert (len(dataset.train), len(dataset.test)) == (0, 11)
    assert dataset.report == ("there are no training clips",)
    arrays = np.load(path)
    for clip, x, y in zip(dataset.test, arrays["x_test"], arrays["y_test"], strict=True):
        assert y[clip.label] == 1
        assert np.abs(padded(clip.joints, len(x)) - x).max() <= 1e-9
        assert clip.joints[0, 0, 1].any()  # the origin was seen
    got = SkeletonEncoder(dataset.graph, persons=2).encode_all(dataset.test)
    assert got.shape == (11, 25, 2, 12, 16)
    assert got.any(axis=(1, 3, 4)).all()


def body(start: int, frames: int, motion: float = 0.1, width: float = 0.3) -> Body:
    """Somebody upright who sways."""
    x = RNG.uniform(0, 1, (1, 25, 3)) * (width, 1.8, 0.2)
    sway = motion * np.sin(np.arange(frames))[:, None, None]
    return Body(start, (x + sway + (0.1, 0.2, 3)).astype(np.float32))


def test_short_and_lying_bodies_are_noise() -> None:
    main, other = body(0, 30, 0.5), body(0, 30, 0.2)
    short, lying = body(0, 11, 2.0), body(0, 30, 2.0, width=4.0)
    assert denoised([short, other, lying, main]) == [main, other]
    assert denoised([short, body(0, 11)]) == []
    assert denoised([short, lying]) == [lying]  # the last one left is not noise
    assert denoised([body(0, 12, 0.1), main])[0] is main


def test_the_second_actor_is_who_overlaps_with_the_first() -> None:
    main, after, beside = body(0, 30, 0.9), body(30, 20, 0.5), body(5, 40, 0.3)
    got = actors([beside, after, main], 60)
    assert got.shape == (2, 50, 25, 3)  # the last ten frames have nobody
    assert np.array_equal(got[0, :30], main.joints)
    assert np.array_equal(got[0, 30:], after.joints)
    assert np.array_equal(got[1, 5:45], beside.joints)
    assert not got[1, :5].any()
    assert not got[1, 45:].any()


def test_a_body_alone_is_taken_as_it_is() -> None:
    short = body(3, 5)
    got = actors([short], 10)
    assert got.shape == (1, 10, 25, 3)
    assert np.array_equal(got[0, 3:8], short.joints)
    with pytest.raises(SpikewattError, match="more than 11 frames"):
        actors([short, body(0, 11)], 12)


def text_of(frames: list[list[str]], joints: int = 25) -> str:
    """A raw file of frames with these bodies; all numbers count up."""
    lines = [str(len(frames))]
    for t, names in enumerate(frames):
        lines.append(str(len(names)))
        for name in names:
            lines += [f"{name} 0 1 1 1 1 0 0.1 0.2 2", str(joints)]
            lines += [f"{t}.5 {j} {name} 0 0 0 0 0 0 0 0 2" for j in range(joints)]
    return "\n".join(lines)


def test_frames_without_anybody_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "S001C001P001R001A001.skeleton"
    file.write_text(text_of([[], ["7"], [], ["7", "8"], ["8"]]))
    bodies, frames = read_bodies(file)
    assert frames == 3
    assert [(b.start, len(b.joints)) for b in bodies] == [(0, 2), (1, 2)]
    assert bodies[1].joints[:, 0, 0].tolist() == [3.5, 4.5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cut short"),
        ("0", "no body"),
        ("2\n0\n0", "no body"),
        (text_of([["1"]])[:-40], "cut short"),
        (text_of([["1"]], joints=20), "20 joints"),
        ("one", "invalid literal"),
    ],
    ids=range(6),
)
def test_a_broken_file_is_reported_and_skipped(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "S001C001P001R001A001.skeleton").write_text(text_of([["1"]] * 3))
    (tmp_path / "S001C001P002R001A002.skeleton").write_text(text)
    dataset = load(f"ntu60-xsub:{tmp_path}")
    assert [c.name for c in dataset.train] == ["S001C001P001R001A001"]
    assert "S001C001P002R001A002" in dataset.report[0]
    assert reason in dataset.report[0]


def test_lists_of_missing_skeletons_and_actions_beyond_60(tmp_path: Path) -> None:
    for name in ("S001C001P001R001A001", "S001C001P003R001A002", "S018C001P001R001A061", "odd"):
        (tmp_path / f"{name}.skeleton").write_text(text_of([["1"]] * 3))
    (tmp_path / "NTU_RGBD_samples_with_missing_skeletons.txt").write_text("S001C001P003R001A002\n")
    dataset = load(f"ntu60-xsub:{tmp_path}")
    assert [c.name for c in (*dataset.train, *dataset.test)] == ["S001C001P001R001A001"]
    assert any("'odd' is no name" in line for line in dataset.report)
    assert dataset.report[-1] == "left out 1 clips of the list of samples with missing skeletons"
    assert len(load(f"ntu120-xset:{tmp_path}").train) == 1


def test_unusable_paths(tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match="no usable clip"):
        load(f"ntu60-xsub:{tmp_path}")
    with pytest.raises(SpikewattError, match=r"no folder and no \.npz"):
        load(f"ntu60-xsub:{tmp_path / 'nowhere'}")
    (tmp_path / "a.npz").write_text("no")
    with pytest.raises(SpikewattError, match="cannot be read"):
        load(f"ntu60-xsub:{tmp_path / 'a.npz'}")


@pytest.mark.parametrize(("width", "classes"), [(75, 60), (150, 120)])
def test_arrays_of_another_shape(tmp_path: Path, width: int, classes: int) -> None:
    file = tmp_path / "NTU60_CS.npz"
    x, y = np.ones((2, 5, width), dtype=np.float32), np.eye(classes)[:2]
    np.savez(file, x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(SpikewattError, match="60 actions"):
        load(f"ntu60-xsub:{file}")


def test_arrays_that_are_empty_or_without_a_label_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / "NTU60_CS.npz"
    x, y = np.ones((3, 5, 150), dtype=np.float64), np.eye(60)[:3]
    x[1], y[2] = 0, 0
    np.savez_compressed(file, x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    dataset = load(f"ntu60-xsub:{file}")
    assert [c.name for c in dataset.train] == ["train_00000"]
    assert len(dataset.report) == 2
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("note.txt", "more files do not matter")
    assert len(load(f"ntu60-xsub:{file}").test) == 1
