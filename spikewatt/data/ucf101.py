"""UCF101: sports and daily actions, video files of 320 x 240, split 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from spikewatt.data.class_names import UCF101
from spikewatt.data.clips import Dataset
from spikewatt.data.folders import Split, check_folder, gather
from spikewatt.data.video_file import VideoClip, said_frames
from spikewatt.errors import SpikewattError

NEEDS = "a folder with the v_*.avi files, and trainlist01.txt and testlist01.txt if there are any"
LISTS: dict[Split, str] = {"train": "trainlist01.txt", "test": "testlist01.txt"}
TEST_GROUPS = range(1, 8)  # of split 1; the other 18 groups train
_NAME = re.compile(r"v_([A-Za-z]+)_g(\d\d)_c(\d\d)$")
_LABELS = {name.lower(): label for label, name in enumerate(UCF101)}  # names differ in case


def read_clip(file: Path) -> VideoClip:
    """The clip of a file that can be opened; raises SpikewattError for any other."""
    match = _NAME.match(file.stem)
    if match is None or match[1].lower() not in _LABELS:
        raise SpikewattError(f"ucf101: {file} has no name of the form v_Class_g01_c01.avi.")
    said_frames(file)
    return VideoClip(file, _LABELS[match[1].lower()], file.stem)


def _listed(folder: Path, files: dict[str, Path]) -> Iterator[tuple[Split, Path]]:
    for split, name in LISTS.items():
        for found in sorted(folder.rglob(name))[:1]:
            for line in found.read_text().splitlines():
                if line.strip():
                    file = Path(line.split()[0])
                    yield split, files.get(file.name, folder / file)


def _by_group(files: dict[str, Path]) -> Iterator[tuple[Split, Path]]:
    for file in files.values():
        match = _NAME.match(file.stem)
        yield "test" if match and int(match[2]) in TEST_GROUPS else "train", file


def load_ucf101(path: Path) -> Dataset[VideoClip]:
    """The clips of split 1, by its lists, or by its rule (groups 1 to 7 test) without them."""
    folder = check_folder("ucf101", path, NEEDS)
    files = {file.name: file for file in sorted(folder.rglob("v_*.avi"))}
    items = [*_listed(folder, files)] or [*_by_group(files)]
    found = gather("ucf101", items, read_clip, NEEDS)
    return Dataset("ucf101", None, UCF101, found.train, found.test, found.report, kind="video")
