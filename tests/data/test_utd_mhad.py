"""UTD-MHAD: the published files, and some with something wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from spikewatt.data.datasets import load
from spikewatt.data.encode import SkeletonEncoder
from spikewatt.errors import SpikewattError


def test_the_published_split(utd_folder: Path) -> None:
    dataset = load(f"utd-mhad:{utd_folder}")
    assert (len(dataset.train), len(dataset.test), dataset.report) == (431, 430, ())
    for clips, odd in ((dataset.train, 1), (dataset.test, 0)):
        for clip in clips:
            action, subject, _ = (int(part[1:]) for part in clip.name.split("_"))
            assert (clip.label, subject % 2) == (action - 1, odd)
            assert clip.joints.shape[::2] == (1, 20)
            assert 41 <= clip.joints.shape[1] <= 125
    assert len(dataset.classes) == len({c.label for c in dataset.train}) == 27
    clip = dataset.test[3]
    (file,) = utd_folder.rglob(f"{clip.name}_skeleton.mat")
    expected = loadmat(file)["d_skel"].astype(np.float32)
    assert np.array_equal(clip.joints[0, 5], expected[:, :, 5])


def test_y_is_up_and_the_body_has_its_sides(utd_folder: Path) -> None:
    dataset = load(f"utd-mhad:{utd_folder}")
    names = dataset.graph.joints
    prepared = [SkeletonEncoder(dataset.graph).prepare(c) for c in dataset.test[::10]]
    mean = np.mean([x.mean(axis=0) for x in prepared], axis=0)
    assert mean[names.index("head"), 1] > mean[names.index("spine"), 1] + 1
    assert mean[names.index("left foot"), 1] < mean[names.index("left hip"), 1] - 1
    assert mean[names.index("left shoulder"), 0] < 0 < mean[names.index("right shoulder"), 0]


def test_broken_files_are_reported(tmp_path: Path) -> None:
    good = {"d_skel": np.random.default_rng(0).normal(size=(20, 3, 7))}
    savemat(tmp_path / "a1_s1_t1_skeleton.mat", good)
    savemat(tmp_path / "a27_s2_t1_skeleton.mat", good)
    savemat(tmp_path / "a28_s1_t1_skeleton.mat", good)
    savemat(tmp_path / "a2_s1_t1_skeleton.mat", {"other": 1})
    savemat(tmp_path / "a3_s1_t1_skeleton.mat", {"d_skel": np.zeros((25, 3, 7))})
    (tmp_path / "a4_s1_t1_skeleton.mat").write_text("no matlab")
    whole = (tmp_path / "a1_s1_t1_skeleton.mat").read_bytes()
    (tmp_path / "a5_s2_t1_skeleton.mat").write_bytes(whole[:-100])
    (tmp_path / "a6_s2_t1_skeleton.mat").write_bytes(b"")
    dataset = load(f"utd-mhad:{tmp_path}")
    assert [c.name for c in (*dataset.train, *dataset.test)] == ["a1_s1_t1", "a27_s2_t1"]
    assert [line.split(":")[0].split()[-1] for line in dataset.report] == [
        f"a{k}_s{s}_t1_skeleton" for k, s in ((28, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2))
    ]


def test_no_clip_at_all(tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match=r"utd-mhad: no usable clip .*_skeleton\.mat"):
        load(f"utd-mhad:{tmp_path}")
    with pytest.raises(SpikewattError, match="is no folder"):
        load(f"utd-mhad:{tmp_path / 'nowhere'}")
