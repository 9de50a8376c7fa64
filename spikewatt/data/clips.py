"""Clips and data sets as every loader returns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import Skeleton
from spikewatt.errors import SpikewattError

Kind: TypeAlias = Literal["skeleton", "video", "events"]
Images: TypeAlias = npt.NDArray[np.uint8]
Events: TypeAlias = npt.NDArray[np.void]

# column, row, polarity (0 darker, 1 brighter), microseconds since the recording's start
EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("p", np.int8), ("t_us", np.int64)])


class Labelled(Protocol):
    """What every clip has."""

    @property
    def label(self) -> int: ...  # 0-based

    @property
    def name(self) -> str: ...


AnyClip = TypeVar("AnyClip", bound=Labelled, covariant=True)


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording: joints (persons M, frames T, joints V, 3) float32 in metres, and its class.

    A joint that was not seen is NaN, or 0 in all three coordinates.
    """

    joints: npt.NDArray[np.float32]
    label: int  # 0-based
    name: str


class Film(Labelled, Protocol):
    """A clip of images, decoded or drawn when it is asked for them."""

    def images(self, count: int) -> Images:
        """`count` frames that lie evenly over the clip, (count, H, W, 3) RGB, 0 to 255."""
        ...


@dataclass(frozen=True, eq=False)
class EventClip:
    """One recording of an event camera; `source` gives its events when they are asked for.

    `size` is the sensor's (width, height) in pixels.
    """

    source: Callable[[], Events]
    label: int
    name: str
    size: tuple[int, int]

    @property
    def events(self) -> Events:
        """All events in order of time, structured as `EVENT`; read or made anew each time."""
        return self.source()


def events_of(x: npt.ArrayLike, y: npt.ArrayLike, p: npt.ArrayLike, t_us: npt.ArrayLike) -> Events:
    """Columns, rows, polarities and microseconds as one structured array, in order of time."""
    columns = [np.asarray(c) for c in (x, y, p, t_us)]
    out = np.empty(len(columns[0]), dtype=EVENT)
    for name, column in zip(("x", "y", "p", "t_us"), columns, strict=True):
        out[name] = column
    return np.asarray(out[np.argsort(out["t_us"], kind="stable")])


def check_pixels(events: Events, size: tuple[int, int], subject: str) -> Events:
    """The events, if all lie on a sensor of this (width, height); raises SpikewattError."""
    limits = {"x": size[0], "y": size[1], "p": 2}
    for name, limit in limits.items():
        if len(events) and (events[name].min() < 0 or events[name].max() >= limit):
            raise SpikewattError(
                f"{subject} has events of {name} from {events[name].min()} to "
                f"{events[name].max()}; the limit is {limit - 1}. Unpack the archive again."
            )
    return events


@dataclass(frozen=True, eq=False)
class Dataset(Generic[AnyClip]):
    """A data set with its split; `report` says what was skipped and why, a line each.

    `skeleton` is None for video and events. Clips are `Clip`, `Film` or `EventClip`, by `kind`.
    """

    name: str
    skeleton: Skeleton | None
    classes: tuple[str, ...]
    train: tuple[AnyClip, ...]
    test: tuple[AnyClip, ...]
    report: tuple[str, ...] = ()
    kind: Kind = "skeleton"

    @property
    def graph(self) -> Skeleton:
        """The skeleton of the joints; raises SpikewattError for video and events."""
        if self.skeleton is None:
            raise SpikewattError(
                f"Data set {self.name!r} holds {self.kind} and no skeletons. Use a model for "
                f"{self.kind}, or skeleton data; see `spikewatt datasets`."
            )
        return self.skeleton


AnyDataset: TypeAlias = Dataset[Any]
