"""The data sets by name: what each needs, where it comes from, and how it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikewatt.data import nw_ucla, synthetic
from spikewatt.data.clips import Dataset
from spikewatt.errors import SpikewattError, unknown_name


@dataclass(frozen=True)
class Source:
    """A data set that can be asked for; exactly one of the two loaders is there."""

    name: str
    title: str
    needs: str  # what the path must hold; empty for embedded data
    origin: str  # the published source
    split: str
    classes: tuple[str, ...]
    generate: Callable[[int], Dataset] | None = None  # seed -> data
    read: Callable[[Path], Dataset] | None = None  # path -> data

    @property
    def usage(self) -> str:
        """How it is written on the command line."""
        return self.name if self.read is None else f"{self.name}:PATH"


_SOURCES = (
    Source(
        name="synthetic",
        title="skeleton clips of a seeded kinematic body, generated on the spot",
        needs="",
        origin="made by spikewatt; the seed decides every number",
        split="480 training and 192 test clips, other bodies and other camera angles in the test",
        classes=synthetic.CLASSES,
        generate=synthetic.generate,
    ),
    Source(
        name="nw-ucla",
        title="Northwestern-UCLA Multiview Action 3D, Kinect skeletons of 20 joints",
        needs="a folder with train.json, val.json and all_sqe/*.json, as published",
        origin="Wang, Nie, Xia, Wu, Zhu: Cross-view action modeling, learning and recognition "
        "(CVPR 2014); the JSON files are those that skeleton-recognition papers share",
        split="cross-view: 1020 training clips (views 1 and 2), 464 test clips (view 3)",
        classes=nw_ucla.CLASSES,
        read=nw_ucla.load_nw_ucla,
    ),
)

DATASETS = {s.name: s for s in _SOURCES}


def describe(name: str) -> Source:
    """What is known of a data set; raises SpikewattError with the known names."""
    if name not in DATASETS:
        raise unknown_name("data set", name, list(DATASETS))
    return DATASETS[name]


def load(spec: str, seed: int = 0) -> Dataset:
    """The data set of `NAME` (embedded, made from the seed) or `NAME:PATH` (read from disk).

    Raises SpikewattError for an unknown name, a path too many or too few, and unusable files.
    """
    name, colon, path = spec.partition(":")
    source = describe(name)
    if source.generate is not None:
        if colon:
            raise SpikewattError(f"Data set {name!r} is embedded and takes no path; found {spec!r}")
        return source.generate(seed)
    assert source.read is not None
    if not path:
        raise SpikewattError(
            f"Data set {name!r} is read from disk and needs {source.needs}. Write {name}:PATH."
        )
    try:
        return source.read(Path(path).expanduser())
    except OSError as error:
        raise SpikewattError(
            f"Data set {name!r} cannot be read: {error}. It needs {source.needs}."
        ) from error
