"""Northwestern-UCLA Multiview Action 3D, skeletons as published in JSON, cross-view split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.graph import NW_UCLA20
from spikewatt.data.prepare import rotate
from spikewatt.errors import SpikewattError

CLASSES = (
    "pick up with one hand",
    "pick up with two hands",
    "drop trash",
    "walk around",
    "sit down",
    "stand up",
    "donning",
    "doffing",
    "throw",
    "carry",
)
CLIPS = "all_sqe"
LISTS = {"train": "train.json", "test": "val.json"}
# The camera looks down: in walking training clips the feet lie on planes y = 0.21 z + c (view 1)
# and y = 0.26 z + c (view 2). The training views' mean levels all clips, so that y
# points up; the test view has 0.34.
CAMERA_PITCH = 0.23  # radians
_EXPECTED = f"skeletons[T][{NW_UCLA20.size}][3] in metres and a label of 1 to {len(CLASSES)}"


def find_folder(path: Path) -> Path:
    """The folder that holds `all_sqe`: the path, one folder below it, or the one above it."""
    if not path.is_dir():
        raise SpikewattError(
            f"nw-ucla: {path} is no folder. Give the folder with {LISTS['train']}, "
            f"{LISTS['test']} and {CLIPS}/, as published: nw-ucla:DIR."
        )
    for folder in (path, path.parent, *sorted(p for p in path.iterdir() if p.is_dir())):
        if (folder / CLIPS).is_dir() and (folder != path.parent or path.name == CLIPS):
            return folder
    raise SpikewattError(
        f"nw-ucla: {path} holds no folder {CLIPS}/ with the clips' JSON files, nor does a folder "
        f"in it. Unpack the published archive and give the folder with {CLIPS}/."
    )


def _read_json(file: Path, expected: str) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SpikewattError(
            f"nw-ucla: {file} cannot be read as JSON ({error}); expected {expected}. "
            "Unpack the published archive again."
        ) from error


def clip_names(folder: Path, split: str) -> list[str]:
    """Names of the clips of a split, from its list, or by view (v03 is the test) without one."""
    file = folder / LISTS[split]
    if not file.exists():
        stems = sorted(p.stem for p in (folder / CLIPS).glob("*.json"))
        return [s for s in stems if s.endswith("_v03") == (split == "test")]
    expected = 'a list of {"file_name": ..., "label": ...}'
    entries = _read_json(file, expected)
    try:
        return [str(entry["file_name"]) for entry in entries]
    except (TypeError, KeyError) as error:
        raise SpikewattError(
            f"nw-ucla: {file} has an unknown layout; expected {expected}. "
            "Unpack the published archive again."
        ) from error


def read_clip(file: Path) -> Clip:
    """One clip's file; raises SpikewattError that names the file and what was expected."""
    content = _read_json(file, _EXPECTED)
    try:
        label = int(content["label"])
        with np.errstate(over="ignore"):  # too large for float32: inf, a joint that was not seen
            joints = np.asarray(content["skeletons"], dtype=np.float32)
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise SpikewattError(f"nw-ucla: {file}: {error!r}; expected {_EXPECTED}.") from error
    _check(file, label, joints)
    return Clip(rotate(joints, CAMERA_PITCH, axis=0)[None], label - 1, file.stem)


def _check(file: Path, label: int, joints: npt.NDArray[np.float32]) -> None:
    if joints.ndim != 3 or joints.shape[1:] != (NW_UCLA20.size, 3) or not len(joints):
        found = f"skeletons of shape {joints.shape}"
    elif not 1 <= label <= len(CLASSES):
        found = f"label {label}"
    elif not (np.isfinite(joints).all(axis=-1) & joints.any(axis=-1)).any():
        found = "no joint that was seen"
    else:
        return
    raise SpikewattError(f"nw-ucla: {file} has {found}; expected {_EXPECTED}.")


def _read_split(folder: Path, split: str) -> tuple[tuple[Clip, ...], list[str]]:
    clips: list[Clip] = []
    skipped: list[str] = []
    for name in clip_names(folder, split):
        try:
            clips.append(read_clip(folder / CLIPS / f"{name}.json"))
        except SpikewattError as error:
            skipped.append(f"skipped {split} clip {name}: {error}")
    if not clips:
        reason = skipped[0] if skipped else "its list is empty"
        raise SpikewattError(
            f"nw-ucla: {folder} has no usable {split} clip ({len(skipped)} skipped; {reason}). "
            f"Expected 1020 training and 464 test clips in {CLIPS}/."
        )
    return tuple(clips), skipped


def load_nw_ucla(path: Path) -> Dataset[Clip]:
    """The 1020 training clips (views 1 and 2) and 464 test clips (view 3) below a folder."""
    folder = find_folder(path)
    train, train_report = _read_split(folder, "train")
    test, test_report = _read_split(folder, "test")
    report = (*train_report, *test_report)
    return Dataset("nw-ucla", NW_UCLA20, CLASSES, train, test, report)
