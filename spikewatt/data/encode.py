"""Encoders: from a clip to the integers that enter the network, one frame a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode_events import EventEncoder
from spikewatt.data.encode_persons import PersonsEncoder
from spikewatt.data.encode_range import RangeEncoder
from spikewatt.data.encode_skeleton import DEFAULT_GAINS, SkeletonEncoder
from spikewatt.data.encode_video import VideoEncoder
from spikewatt.data.records import Ints
from spikewatt.errors import unknown_name

__all__ = [
    "DEFAULT_GAINS",
    "ENCODERS",
    "Encoder",
    "EventEncoder",
    "Ints",
    "PersonsEncoder",
    "RangeEncoder",
    "SkeletonEncoder",
    "VideoEncoder",
    "default_encoder",
    "encoder_from_dict",
]


class Encoder(Protocol):
    """What every encoder offers: a shape, the stimulus of a clip, and a record of itself."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # Lava's order, without time

    @property
    def frames(self) -> int: ...  # T

    @property
    def limit(self) -> int: ...  # no integer is larger

    def encode(self, clip: Any) -> Ints: ...  # (*shape, T)

    def encode_all(self, clips: Sequence[Any]) -> Ints: ...  # (N, *shape, T)

    def to_dict(self) -> dict[str, Any]: ...


ENCODERS: dict[str, Callable[[Mapping[str, Any]], Encoder]] = {
    SkeletonEncoder.KIND: SkeletonEncoder.from_dict,
    EventEncoder.KIND: EventEncoder.from_dict,
    PersonsEncoder.KIND: PersonsEncoder.from_dict,
    RangeEncoder.KIND: RangeEncoder.from_dict,
    VideoEncoder.KIND: VideoEncoder.from_dict,
}


def encoder_from_dict(record: Mapping[str, Any]) -> Encoder:
    """The encoder of a network file's record; raises SpikewattError for an unknown kind."""
    kind = str(record.get("kind"))
    if kind not in ENCODERS:
        raise unknown_name("encoder", kind, list(ENCODERS))
    return ENCODERS[kind](record)


def _for_events(dataset: AnyDataset, frames: int) -> Encoder:
    return EventEncoder((*dataset.train, *dataset.test)[0].size, frames=frames)


_BY_KIND: dict[str, Callable[[AnyDataset, int], Encoder]] = {
    "skeleton": lambda dataset, frames: SkeletonEncoder(dataset.graph, frames=frames),
    "events": _for_events,
    "video": lambda dataset, frames: VideoEncoder(frames=frames),
}


def default_encoder(dataset: AnyDataset, frames: int = 16) -> Encoder:
    """The encoder of a data set's kind with default settings and this many frames."""
    return _BY_KIND[dataset.kind](dataset, frames)
