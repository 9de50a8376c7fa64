"""Clips of several persons for a network that sees one at a time: each person is a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spikewatt.data.clips import Clip
from spikewatt.data.encode_skeleton import SkeletonEncoder, to_lava
from spikewatt.data.records import Ints, check_version, reading


def one_by_one(features: Ints) -> Ints:
    """(N, M, C, V, T) of persons as (N M, 1, C, V, T), a clip's persons one after another."""
    return features.reshape(-1, 1, *features.shape[2:])


@dataclass(frozen=True, eq=False)
class PersonsEncoder:
    """The base encoder's integers, each person of a clip a sample of its own."""

    base: SkeletonEncoder

    KIND: ClassVar[str] = "skeleton-persons"
    VERSION: ClassVar[int] = 1

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

    @property
    def limit(self) -> int:
        """No integer is larger."""
        return self.base.limit

    def encode(self, clip: Clip) -> Ints:
        """The stimulus of a clip's first person, (V, 1, C, frames) in Lava's order."""
        return np.asarray(self.encode_all([clip])[0])

    def encode_all(self, clips: Sequence[Clip]) -> Ints:
        """The stimuli of clips, (N M, V, 1, C, frames)."""
        stimuli = self.base.encode_all(clips)  # (N, V, M, C, T)
        return to_lava(one_by_one(np.moveaxis(stimuli, 1, -2)))

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `encoder_from_dict` makes the same encoder."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "base": self.base.to_dict(),
            "limit": self.limit,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> PersonsEncoder:
        """The encoder of a record; raises SpikewattError for another version or broken fields."""
        check_version(record, cls.KIND, (cls.VERSION,))
        with reading(cls.KIND):
            return cls(SkeletonEncoder.from_dict(record["base"]))
