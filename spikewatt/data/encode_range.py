"""Joints between 0 and 127 by frame: what a host computes in front of a network (Signal-SGN).

A norm of each coordinate of each joint, then min-max over the joints of a frame, which no
synapse does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip
from spikewatt.data.encode_persons import one_by_one
from spikewatt.data.encode_skeleton import SkeletonEncoder, to_lava
from spikewatt.data.records import Ints, check_version, reading

EPSILON = 1e-8


@dataclass(frozen=True, eq=False)
class RangeEncoder:
    """round(limit * (y - min) / (max - min)), y = gain x + shift, x the base encoder's integers.

    gain, shift: (C, V), or (M, C, V) of M persons. min and max are over the joints of a
    coordinate in one frame. Each person of a clip is a sample of its own, one after another.
    """

    base: SkeletonEncoder
    gain: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]
    limit: int = 127

    KIND: ClassVar[str] = "skeleton-range"
    VERSION: ClassVar[int] = 2  # version 1 had one person

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the stimulus in Lava's order: (joints, 1, channels)."""
        return self.base.skeleton.size, 1, self.base.channels

    @property
    def persons(self) -> int:
        """Samples of a clip."""
        return self.base.persons

    @property
    def frames(self) -> int:
        """T, frames of a clip."""
        return self.base.frames

    def ranged(self, features: npt.NDArray[Any]) -> Ints:
        """The base encoder's integers (..., C, V, T) as this encoder's; (..., M, C, V, T) of M."""
        y = features * self.gain[..., None].astype(np.float64) + self.shift[..., None]
        low, high = y.min(axis=-2, keepdims=True), y.max(axis=-2, keepdims=True)
        share = (y - low) / (high - low + EPSILON)
        return np.asarray(np.rint(self.limit * share), dtype=np.int32)

    def encode(self, clip: Clip) -> Ints:
        """The stimulus of a clip's first person, (V, 1, C, frames) in Lava's order."""
        return np.asarray(self.encode_all([clip])[0])

    def encode_all(self, clips: Sequence[Clip]) -> Ints:
        """The stimuli of clips, (N M, V, 1, C, frames)."""
        stimuli = self.base.encode_all(clips)  # (N, V, M, C, T)
        return to_lava(one_by_one(self.ranged(np.moveaxis(stimuli, 1, -2))))

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `encoder_from_dict` makes the same encoder."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "base": self.base.to_dict(),
            "gain": self.gain.tolist(),
            "shift": self.shift.tolist(),
            "limit": self.limit,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> RangeEncoder:
        """The encoder of a record; raises SpikewattError for another version or broken fields."""
        check_version(record, cls.KIND, (1, cls.VERSION))
        with reading(cls.KIND):
            base = SkeletonEncoder.from_dict(record["base"])
            gain, shift = (np.array(record[k], dtype=np.float32) for k in ("gain", "shift"))
            persons = (base.persons,) if base.persons > 1 else ()
            if not gain.shape == shift.shape == (*persons, base.channels, base.skeleton.size):
                raise ValueError(f"gain of shape {gain.shape}, shift of shape {shift.shape}")
            return cls(base, gain, shift, int(record["limit"]))
