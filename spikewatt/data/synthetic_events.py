"""`synthetic-events`: the scenes of `synthetic` before an event camera.

A pixel reports an event whenever its log intensity has moved by `THRESHOLD` from where it was at
its last event. The scene is drawn `FINE` times a frame; between two drawings a pixel's log
intensity moves linearly, which gives each event its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Dataset, EventClip, Events, events_of
from spikewatt.data.prepare import resample
from spikewatt.data.render import VIEWS_DEGREES, draw, look
from spikewatt.data.synthetic import CLASSES, check_seed, scene

Floats: TypeAlias = npt.NDArray[np.float32]

SIZE = 32  # pixels
FINE = 2  # drawings a frame
FRAME_US = 50_000  # scenes have 20 frames a second
THRESHOLD = 0.2  # of the natural logarithm of the intensity
DARK = 0.05  # intensity below which the sensor sees little
NOISE_HZ = 0.1  # events of a pixel that nothing caused, a second
CLOTHES, WALL = (0.02, 0.3), (0.5, 0.8)  # dark before light: a moving limb is seen
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def changes(intensity: Floats, step_us: int) -> Events:
    """Events of intensities (F, H, W), 0 to 1, that are `step_us` microseconds apart."""
    level = np.log(intensity + DARK)
    reference = level[0].copy()
    found: list[list[npt.NDArray[np.int64]]] = []
    for k in range(1, len(level)):
        count = np.trunc((level[k] - reference) / THRESHOLD).astype(np.int64)
        row, column = np.nonzero(count)
        many = np.abs(count[row, column])
        pixel = np.repeat(np.arange(len(row)), many)
        nth = np.arange(len(pixel)) - np.repeat(np.cumsum(many) - many, many) + 1
        sign = np.sign(count[row, column])[pixel]
        crossed = reference[row, column][pixel] + sign * nth * THRESHOLD
        before, after = (level[i][row, column][pixel] for i in (k - 1, k))
        share = np.clip((crossed - before) / np.where(after == before, 1, after - before), 0, 1)
        t_us = ((k - 1 + share) * step_us).astype(np.int64)
        found.append([column[pixel], row[pixel], (sign > 0).astype(np.int64), t_us])
        reference += (count * THRESHOLD).astype(np.float32)
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)] if found else [[]] * 4
    return events_of(*columns)


def _with_noise(events: Events, length_us: int, size: int, rng: np.random.Generator) -> Events:
    count = int(rng.poisson(NOISE_HZ * size * size * length_us * 1e-6))
    x, y = rng.integers(size, size=(2, count))
    noise = events_of(x, y, rng.integers(2, size=count), rng.integers(length_us, size=count))
    both = np.concatenate([events, noise])
    return events_of(*(both[name] for name in ("x", "y", "p", "t_us")))


@dataclass(frozen=True)
class _Recorded:
    """How to record scene `number` of a split again."""

    seed: int
    split: str
    number: int

    def __call__(self) -> Events:
        acted = scene(self.seed, self.split, self.number, VIEWS_DEGREES)
        seen = look(SIZE, acted.rng, CLOTHES, WALL)
        frames = len(acted.joints)
        fine = resample(acted.joints.astype(np.float32), 0, frames, (frames - 1) * FINE + 1)
        grey = np.clip(draw(fine.astype(np.float64), seen) @ _GREY, 0, 1)
        events = changes(grey, FRAME_US // FINE)
        return _with_noise(events, (frames - 1) * FRAME_US, SIZE, acted.rng)


def _clip(seed: int, split: str, number: int) -> EventClip:
    source = _Recorded(seed, split, number)
    return EventClip(source, number % len(CLASSES), f"{split}_{number:04d}", (SIZE, SIZE))


def generate(seed: int = 0, train: int = 192, test: int = 64) -> Dataset[EventClip]:
    """The data set of a seed; clips are recorded when they are asked for.

    Raises SpikewattError for a negative seed.
    """
    check_seed("synthetic-events", seed)
    clips = {
        split: tuple(map(partial(_clip, seed, split), range(count)))
        for split, count in (("train", train), ("test", test))
    }
    return Dataset("synthetic-events", None, CLASSES, clips["train"], clips["test"], kind="events")
