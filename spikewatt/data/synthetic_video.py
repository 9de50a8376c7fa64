"""`synthetic-video`: the scenes of `synthetic`, drawn into small images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikewatt.data.clips import Dataset, Images
from spikewatt.data.images import even_frames
from spikewatt.data.render import VIEWS_DEGREES, draw, look
from spikewatt.data.synthetic import CLASSES, check_seed, scene

SIZE = 64  # pixels
GRAIN = 0.01  # of the sensor, as a share of white


@dataclass(frozen=True)
class SyntheticVideo:
    """One scene as a video of `size` x `size` pixels; drawn anew whenever it is asked for."""

    seed: int
    split: str
    number: int
    label: int
    name: str
    size: int = SIZE

    def images(self, count: int) -> Images:
        """`count` frames that lie evenly over the scene, (count, size, size, 3) RGB."""
        acted = scene(self.seed, self.split, self.number, VIEWS_DEGREES)
        seen = look(self.size, acted.rng)
        at = even_frames(count, len(acted.joints))
        exact = draw(acted.joints[at], seen)
        noisy = exact + acted.rng.normal(0, GRAIN, exact.shape)
        return np.asarray(np.clip(np.rint(noisy * 255), 0, 255), dtype=np.uint8)


def _clip(seed: int, split: str, number: int) -> SyntheticVideo:
    label = number % len(CLASSES)
    return SyntheticVideo(seed, split, number, label, f"{split}_{number:04d}")


def generate(seed: int = 0, train: int = 192, test: int = 64) -> Dataset[SyntheticVideo]:
    """The data set of a seed; clips are drawn when they are asked for.

    Raises SpikewattError for a negative seed.
    """
    check_seed("synthetic-video", seed)
    clips = {
        split: tuple(_clip(seed, split, k) for k in range(count))
        for split, count in (("train", train), ("test", test))
    }
    return Dataset("synthetic-video", None, CLASSES, clips["train"], clips["test"], kind="video")
