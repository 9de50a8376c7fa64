"""Video clips as integers: standardised colours as signed graded spikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spikewatt.data.clips import Film, Images
from spikewatt.data.images import crop, shorter_side
from spikewatt.data.records import Ints, check_settings, check_version, reading

MEAN, STD = 0.45, 0.225  # of colours in [0, 1], as video recognition uses them


@dataclass(frozen=True)
class VideoEncoder:
    """Frames as signed graded spikes: round((colour - 0.45) / 0.225 * gain), within +-limit.

    `frames` images lie evenly over the clip; the shorter side is resized to `short_side`, then a
    square of `size` is cut out: the middle one, or one that a random generator chooses.
    """

    frames: int = 16
    size: int = 224
    short_side: int = 0  # 0: size * 8 / 7, as 256 for 224
    gain: float = 25.0  # white is 2.44 spreads above the mean: 61
    limit: int = 63

    KIND: ClassVar[str] = "video"
    VERSION: ClassVar[int] = 1
    CHANNELS: ClassVar[int] = 3  # red, green, blue

    def __post_init__(self) -> None:
        if not self.short_side:
            object.__setattr__(self, "short_side", self.size * 8 // 7)
        rules = {
            f"frames {self.frames} (1 or more)": self.frames >= 1,
            f"size {self.size} (1 or more)": self.size >= 1,
            f"short_side {self.short_side} (size or more)": self.short_side >= self.size,
            f"gain {self.gain} (a number above 0)": bool(np.isfinite(self.gain) and self.gain > 0),
            f"limit {self.limit} (1 or more)": self.limit >= 1,
        }
        check_settings(self.KIND, rules)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the stimulus in Lava's order: (width, height, 3)."""
        return self.size, self.size, self.CHANNELS

    @property
    def table(self) -> Ints:
        """The integer of each of the 256 colour values."""
        value = (np.arange(256) / 255 - MEAN) / STD * self.gain
        return np.asarray(np.clip(np.rint(value), -self.limit, self.limit), dtype=np.int32)

    def prepare(self, clip: Film) -> Images:
        """The clip's images (frames, H, W, 3) before the crop, the shorter side `short_side`."""
        return shorter_side(clip.images(self.frames), self.short_side)

    def square(self, prepared: Images, rng: np.random.Generator | None = None) -> Images:
        """Prepared images (..., H, W, 3) cut to (..., size, size, 3): the middle, or at random."""
        spare = [side - self.size for side in prepared.shape[-3:-1]]
        if rng is None:
            return crop(prepared, self.size, (spare[0] // 2, spare[1] // 2))
        row, column = (int(rng.integers(s + 1)) for s in spare)
        return crop(prepared, self.size, (row, column))

    def features(self, images: Images) -> Ints:
        """Integers of images (..., T, H, W, 3): (..., 3, H, W, T)."""
        return np.moveaxis(np.moveaxis(self.table[images], -1, -4), -3, -1)

    def encode(self, clip: Film, rng: np.random.Generator | None = None) -> Ints:
        """The stimulus of a clip, (size, size, 3, frames) in Lava's order (x, y, channel, time).

        `rng` chooses where the square is cut out, for training.
        """
        images = self.square(self.prepare(clip), rng)
        return np.ascontiguousarray(self.features(images).transpose(2, 1, 0, 3))

    def encode_all(self, clips: Sequence[Film], rng: np.random.Generator | None = None) -> Ints:
        """The stimuli of clips, (N, size, size, 3, frames)."""
        out = np.zeros((len(clips), *self.shape, self.frames), dtype=np.int32)
        for row, clip in zip(out, clips, strict=True):
            row[...] = self.encode(clip, rng)
        return out

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `encoder_from_dict` makes the same encoder."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "frames": self.frames,
            "size": self.size,
            "short_side": self.short_side,
            "gain": self.gain,
            "limit": self.limit,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> VideoEncoder:
        """The encoder of a record; raises SpikewattError for another version or broken fields."""
        check_version(record, cls.KIND, (cls.VERSION,))
        with reading(cls.KIND):
            return cls(
                frames=int(record["frames"]),
                size=int(record["size"]),
                short_side=int(record["short_side"]),
                gain=float(record["gain"]),
                limit=int(record["limit"]),
            )
