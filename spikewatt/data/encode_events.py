"""Event clips as integers: events counted per pixel, polarity and step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spikewatt.data.clips import EventClip, Events
from spikewatt.data.records import Ints, check_settings, check_version, reading


@dataclass(frozen=True)
class EventEncoder:
    """Events of a step counted per pixel and polarity, clipped to `limit`; 1 gives binary spikes.

    `size` is (width, height) of the frames: a pixel of the sensor goes to column
    x * width // sensor width, and so do rows, so a smaller size adds neighbours together. The
    recording, first to last event, is cut into `frames` steps of equal length; with `step_us` a
    step has that length and the events after the last step are left out.
    """

    size: tuple[int, int]
    frames: int = 16
    limit: int = 7
    step_us: int = 0  # 0: the recording's length decides

    KIND: ClassVar[str] = "events"
    VERSION: ClassVar[int] = 1
    CHANNELS: ClassVar[int] = 2  # darker, brighter

    def __post_init__(self) -> None:
        rules = {
            f"size {self.size} (two numbers of 1 or more)": len(self.size) == 2
            and min(self.size) >= 1,
            f"frames {self.frames} (1 or more)": self.frames >= 1,
            f"limit {self.limit} (1 or more)": self.limit >= 1,
            f"step_us {self.step_us} (0 or more)": self.step_us >= 0,
        }
        check_settings(self.KIND, rules)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the stimulus in Lava's order: (width, height, 2)."""
        return *self.size, self.CHANNELS

    def steps(self, events: Events) -> Ints:
        """The step of each event; `frames` or more for those after the last step."""
        t = events["t_us"] - (events["t_us"][0] if len(events) else 0)
        if self.step_us:
            return np.asarray(np.minimum(t // self.step_us, self.frames), dtype=np.int32)
        length = t[-1] + 1 if len(t) else 1
        return np.asarray(t * self.frames // length, dtype=np.int32)

    def encode(self, clip: EventClip) -> Ints:
        """The stimulus of a clip, (width, height, 2, frames) in Lava's order."""
        events, (width, height) = clip.events, self.size
        step = self.steps(events)
        kept = events[step < self.frames]
        x = kept["x"].astype(np.int64) * width // clip.size[0]
        y = kept["y"].astype(np.int64) * height // clip.size[1]
        place = (x, y, kept["p"].astype(np.int64), step[step < self.frames])
        shape = (*self.shape, self.frames)
        flat = np.ravel_multi_index(place, shape)
        counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
        return np.minimum(counts, self.limit).astype(np.int32)

    def encode_all(self, clips: Sequence[EventClip]) -> Ints:
        """The stimuli of clips, (N, width, height, 2, frames)."""
        out = np.zeros((len(clips), *self.shape, self.frames), dtype=np.int32)
        for row, clip in zip(out, clips, strict=True):
            row[...] = self.encode(clip)
        return out

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `encoder_from_dict` makes the same encoder."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "size": list(self.size),
            "frames": self.frames,
            "limit": self.limit,
            "step_us": self.step_us,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> EventEncoder:
        """The encoder of a record; raises SpikewattError for another version or broken fields."""
        check_version(record, cls.KIND, (cls.VERSION,))
        with reading(cls.KIND):
            width, height = (int(s) for s in record["size"])
            return cls(
                size=(width, height),
                frames=int(record["frames"]),
                limit=int(record["limit"]),
                step_us=int(record["step_us"]),
            )
