"""N-MNIST: digits before a moving event camera, in 5-byte events."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from spikewatt.data.clips import Dataset, EventClip, Events, check_pixels, events_of
from spikewatt.data.folders import Split, check_folder, gather
from spikewatt.errors import SpikewattError

CLASSES = tuple(str(digit) for digit in range(10))
SIZE = (34, 34)  # pixels
NEEDS = (
    "a folder with Train/0 to 9 and Test/0 to 9 as published, or with numbered .bs2 files and "
    "lists train*.txt and test*.txt of number and class"
)
EVENT_BYTES = 5  # x, y, 1 bit of polarity and 23 bits of microseconds
OVERFLOW_ROW, OVERFLOW_US = 240, 1 << 13  # an event of this row only says that time went on
FOLDERS: dict[Split, str] = {"train": "Train", "test": "Test"}


def read_events(file: Path) -> Events:
    """The events of a file; raises SpikewattError where a pixel lies outside of 34 x 34."""
    raw = np.fromfile(file, dtype=np.uint8).reshape(-1, EVENT_BYTES).astype(np.int64)
    x, y = raw[:, 0], raw[:, 1]
    t_us = ((raw[:, 2] & 127) << 16) | (raw[:, 3] << 8) | raw[:, 4]
    real = y != OVERFLOW_ROW
    t_us = t_us + OVERFLOW_US * np.cumsum(~real)
    events = events_of(x[real], y[real], raw[real, 2] >> 7, t_us[real])
    return check_pixels(events, SIZE, f"n-mnist: {file}")


def _clip(labels: dict[Path, int], file: Path) -> EventClip:
    """The clip of a file, whose events are read later; SpikewattError for a damaged one."""
    if not file.is_file():
        raise SpikewattError(f"n-mnist: {file} is not there. Unpack the published archive again.")
    size = file.stat().st_size
    if not size or size % EVENT_BYTES:
        raise SpikewattError(
            f"n-mnist: {file} has {size} bytes; expected events of {EVENT_BYTES}. Unpack it again."
        )
    return EventClip(partial(read_events, file), labels[file], file.stem, SIZE)


def _from_folders(folder: Path) -> Iterator[tuple[Split, Path, int]]:
    for split, name in FOLDERS.items():
        for label in range(10):
            for file in sorted((folder / name / str(label)).glob("*.b*")):
                yield split, file, label


def _from_lists(folder: Path) -> Iterator[tuple[Split, Path, int]]:
    for split in FOLDERS:
        for file in sorted(folder.glob(f"{split}*.txt")):
            for line in file.read_text().splitlines():
                if line.strip() and not line.startswith("#"):
                    number, label = _entry(file, line)
                    yield split, folder / f"{number}.bs2", label


def _entry(file: Path, line: str) -> tuple[int, int]:
    try:
        number, label = (int(word) for word in line.split())
    except ValueError:
        number, label = 0, -1
    if not 0 <= label < 10:
        raise SpikewattError(f"n-mnist: {file} has {line!r}; expected lines of number and class.")
    return number, label


def load_n_mnist(path: Path) -> Dataset[EventClip]:
    """The recordings of a folder; their events are read when they are asked for."""
    folder = check_folder("n-mnist", path, NEEDS)
    entries = [*_from_folders(folder)] or [*_from_lists(folder)]
    labels = {file: label for _, file, label in entries}
    items = ((split, file) for split, file, _ in entries)
    found = gather("n-mnist", items, partial(_clip, labels), NEEDS)
    return Dataset("n-mnist", None, CLASSES, found.train, found.test, found.report, kind="events")
