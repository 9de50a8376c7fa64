"""DVS128 Gesture: eleven gestures before an event camera of 128 x 128 pixels.

Either the published recordings (AEDAT 3.1, several gestures each, read through tonic), or the
arrays of one gesture each that tonic's own download unpacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from spikewatt.data.class_names import DVS128_GESTURE
from spikewatt.data.clips import Dataset, EventClip, Events, check_pixels, events_of
from spikewatt.data.folders import Gathered, Split, check_folder, checked, gather
from spikewatt.errors import SpikewattError

SIZE = (128, 128)  # pixels
NEEDS = (
    "a folder with trials_to_train.txt, trials_to_test.txt and the .aedat files with their "
    "_labels.csv, as published, or with tonic's ibmGestureTrain/ and ibmGestureTest/"
)
TRIALS: dict[Split, str] = {"train": "trials_to_train.txt", "test": "trials_to_test.txt"}
ARRAYS: dict[Split, str] = {"train": "ibmGestureTrain", "test": "ibmGestureTest"}


@dataclass(frozen=True)
class _Gesture:
    """A labelled part of a recording."""

    file: Path
    start_us: int
    stop_us: int

    def read(self) -> Events:
        events = _recording(self.file)
        first, last = np.searchsorted(events["t_us"], (self.start_us, self.stop_us))
        return np.asarray(events[first:last])


@lru_cache(maxsize=1)
def _recording(file: Path) -> Events:
    """A whole recording; the gestures of one file are read one after the other."""
    io = _tonic_io()
    try:
        version, start, _ = io.read_aedat_header_from_file(str(file))
        raw = io.get_aer_events_from_file(str(file), version, start)
    except (OSError, ValueError, AssertionError, UnboundLocalError, NotImplementedError) as error:
        raise SpikewattError(
            f"dvs128-gesture: {file} cannot be read ({error!r}); expected AEDAT 3.1."
        ) from error
    address = raw["address"]  # bits: 0 valid, 1 polarity, 2 to 16 row, 17 to 31 column
    x, y, p = (address >> 17) & 0x7FFF, (address >> 2) & 0x7FFF, (address >> 1) & 1
    return check_pixels(events_of(x, y, p, raw["timeStamp"]), SIZE, f"dvs128-gesture: {file}")


def _tonic_io() -> Any:
    try:
        from tonic import io
    except ImportError as error:
        raise SpikewattError(
            "dvs128-gesture: the published .aedat files are read through tonic, which is not "
            "installed. Install it with `pip install spikewatt[events]`."
        ) from error
    return io


def _gestures(folder: Path, trial: str) -> list[EventClip]:
    """The clips of one recording; SpikewattError if it or its labels are not usable."""
    file = folder / trial
    labels = file.with_name(f"{file.stem}_labels.csv")
    try:
        with file.open("rb") as stream:
            if not stream.read(10).startswith(b"#!AER-DAT3"):
                raise ValueError("no AEDAT 3 header")
        table = np.loadtxt(labels, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)
        if table.shape[1] != 3 or not ((table[:, 0] >= 1) & (table[:, 0] <= 11)).all():
            raise ValueError(f"{labels.name} does not hold class, start and end")
    except (OSError, ValueError) as error:
        raise SpikewattError(f"dvs128-gesture: {file} cannot be used: {error}.") from error
    return [
        EventClip(_Gesture(file, start, stop).read, label - 1, f"{file.stem}_{k:02d}", SIZE)
        for k, (label, start, stop) in enumerate(table.tolist())
    ]


def _published(folder: Path) -> Gathered[EventClip]:
    _tonic_io()
    clips: dict[Split, list[EventClip]] = {"train": [], "test": []}
    report = []
    for split, name in TRIALS.items():
        trials = (folder / name).read_text().split() if (folder / name).exists() else []
        for trial in trials:
            try:
                clips[split] += _gestures(folder, trial)
            except SpikewattError as error:
                report.append(f"skipped {split} recording {trial}: {error}")
    found = Gathered(tuple(clips["train"]), tuple(clips["test"]), tuple(report))
    return checked("dvs128-gesture", found, NEEDS)


def _read_array(file: Path) -> Events:
    """tonic's arrays: columns x, y, polarity, milliseconds."""
    raw = np.load(file)
    events = events_of(raw[:, 0], raw[:, 1], raw[:, 2], raw[:, 3].astype(np.int64) * 1000)
    return check_pixels(events, SIZE, f"dvs128-gesture: {file}")


def _array_clip(file: Path) -> EventClip:
    try:
        label, shape = int(file.stem), np.load(file, mmap_mode="r").shape
    except (OSError, ValueError, EOFError) as error:
        raise SpikewattError(f"dvs128-gesture: {file} cannot be read: {error}.") from error
    if len(shape) != 2 or shape[1] != 4 or not 0 <= label < len(DVS128_GESTURE):
        raise SpikewattError(f"dvs128-gesture: {file} has {shape}; expected LABEL.npy (events, 4).")
    return EventClip(partial(_read_array, file), label, f"{file.parent.name}_{file.stem}", SIZE)


def _array_files(folder: Path) -> Iterator[tuple[Split, Path]]:
    for split, name in ARRAYS.items():
        for file in sorted((folder / name).rglob("*.npy")):
            yield split, file


def load_dvs128(path: Path) -> Dataset[EventClip]:
    """The gestures of a folder; their events are read when they are asked for."""
    folder = check_folder("dvs128-gesture", path, NEEDS)
    if any((folder / name).exists() for name in TRIALS.values()):
        found = _published(folder)
    else:
        found = gather("dvs128-gesture", _array_files(folder), _array_clip, NEEDS)
    train, test, report = found.train, found.test, found.report
    return Dataset("dvs128-gesture", None, DVS128_GESTURE, train, test, report, kind="events")
