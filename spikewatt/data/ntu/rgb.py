"""NTU RGB+D as video: SsssCcccPpppRrrrAaaa_rgb.avi, 1920 x 1080, the cross-subject split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikewatt.data.class_names import NTU120
from spikewatt.data.clips import Dataset
from spikewatt.data.folders import Split, check_folder, gather
from spikewatt.data.ntu.names import PROTOCOLS, recording
from spikewatt.data.video_file import VideoClip, said_frames
from spikewatt.errors import SpikewattError

NEEDS = "a folder with SsssCcccPpppRrrrAaaa_rgb.avi files"
_PROTOCOL = PROTOCOLS["ntu60-xsub"]


def _split(folder: Path) -> Iterator[tuple[Split, Path]]:
    for file in sorted(folder.rglob("*_rgb.avi")):
        try:
            found = recording(file.stem)
        except SpikewattError:
            yield "train", file  # read_clip says what is wrong with it
            continue
        if found.action <= _PROTOCOL.actions:
            yield _PROTOCOL.split(found), file


def read_clip(file: Path) -> VideoClip:
    """The clip of a file that can be opened; raises SpikewattError for any other."""
    label = recording(file.stem).action - 1
    said_frames(file)
    return VideoClip(file, label, file.stem.removesuffix("_rgb"))


def load_ntu_rgb(path: Path) -> Dataset[VideoClip]:
    """The videos of the 60 actions, cross-subject."""
    name = "ntu-rgb-xsub"
    found = gather(name, _split(check_folder(name, path, NEEDS)), read_clip, NEEDS)
    classes = NTU120[: _PROTOCOL.actions]
    return Dataset(name, None, classes, found.train, found.test, found.report, kind="video")
