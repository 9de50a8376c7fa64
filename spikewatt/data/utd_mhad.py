"""UTD-MHAD: Kinect skeletons of 20 joints in MATLAB files, cross-subject."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikewatt.data.class_names import UTD_MHAD
from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.folders import Split, check_folder, gather
from spikewatt.data.graph import UTD20
from spikewatt.errors import SpikewattError

NEEDS = "a folder with the a*_s*_t*_skeleton.mat files, as published"
_NAME = re.compile(r"a(\d+)_s(\d+)_t(\d+)_skeleton$")
_EXPECTED = f"d_skel ({UTD20.size}, 3, T) in metres"


def _split(folder: Path) -> Iterator[tuple[Split, Path]]:
    for file in sorted(folder.rglob("*_skeleton.mat")):
        match = _NAME.match(file.stem)
        yield "train" if match is None or int(match[2]) % 2 else "test", file


def read_clip(file: Path) -> Clip:
    """The clip of one file; raises SpikewattError for another name or content."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    match = _NAME.match(file.stem)
    if match is None or not 1 <= int(match[1]) <= len(UTD_MHAD):
        raise SpikewattError(f"utd-mhad: {file} has no name of the form a1_s1_t1_skeleton.mat.")
    broken = (OSError, ValueError, TypeError, KeyError, NotImplementedError, MatReadError)
    try:
        joints = np.asarray(loadmat(file)["d_skel"], dtype=np.float32)
    except (*broken, zlib.error, struct.error, IndexError) as error:
        raise SpikewattError(
            f"utd-mhad: {file} cannot be read ({error!r}); expected {_EXPECTED}."
        ) from error
    if joints.ndim != 3 or joints.shape[:2] != (UTD20.size, 3) or not joints.shape[2]:
        raise SpikewattError(f"utd-mhad: {file} has {joints.shape}; expected {_EXPECTED}.")
    name = file.stem.removesuffix("_skeleton")
    return Clip(np.ascontiguousarray(joints.transpose(2, 0, 1))[None], int(match[1]) - 1, name)


def load_utd_mhad(path: Path) -> Dataset[Clip]:
    """The 431 training clips (odd subjects) and 430 test clips (even subjects) of a folder."""
    folder = check_folder("utd-mhad", path, NEEDS)
    found = gather("utd-mhad", _split(folder), read_clip, NEEDS)
    return Dataset("utd-mhad", UTD20, UTD_MHAD, found.train, found.test, found.report)
