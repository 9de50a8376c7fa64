"""Random views of a clip, for a whole batch at once, before modalities and rounding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import Skeleton
from spikewatt.data.prepare import resample
from spikewatt.train.recipe import Augmentation

Floats = npt.NDArray[np.float32]


def _rotations(settings: Augmentation, size: int, rng: np.random.Generator) -> Floats:
    """Rotation matrices about y, then x, then z, (N, 3, 3)."""
    total = np.eye(3)[None]
    for axis, bound in ((1, settings.yaw), (0, settings.tilt), (2, settings.tilt)):
        angle = rng.uniform(-bound, bound, size)
        a, b = (k for k in range(3) if k != axis)
        turn = np.repeat(np.eye(3)[None], size, axis=0)
        turn[:, a, a] = turn[:, b, b] = np.cos(angle)
        turn[:, a, b], turn[:, b, a] = -np.sin(angle), np.sin(angle)
        total = turn @ total
    return total.astype(np.float32)


def random_crops(
    joints: Floats, lengths: npt.NDArray[np.int64], crop_min: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Start and stop of a crop of each clip, in frames, (N,) each."""
    kept = np.maximum(lengths * rng.uniform(crop_min, 1, len(joints)), 1)
    start = (lengths - kept) * rng.uniform(0, 1, len(joints))
    return start, start + kept


def _mirror(joints: Floats, skeleton: Skeleton, chance: float, rng: np.random.Generator) -> Floats:
    flip = rng.uniform(size=len(joints)) < chance
    bodies = joints.shape[2] // skeleton.size
    mirrored = [b * skeleton.size + j for b in range(bodies) for j in skeleton.mirrored]
    flipped = joints[flip][:, :, mirrored] * np.float32([-1, 1, 1])
    joints[flip] = flipped
    return joints


def augment(
    batch: tuple[Floats, npt.NDArray[np.int64], int],
    skeleton: Skeleton,
    settings: Augmentation,
    rng: np.random.Generator,
) -> Floats:
    """Cropped, resized, turned, scaled, noisy clips.

    batch: prepared joints (N, L, bodies x V, 3), their lengths in frames (N,), frames wanted.
    Returns (N, frames, bodies x V, 3).
    """
    joints, lengths, frames = batch
    start, stop = random_crops(joints, lengths, settings.crop_min, rng)
    x = resample(joints, start, stop, frames)
    x = np.einsum("nij,ntvj->ntvi", _rotations(settings, len(x), rng), x)
    x *= rng.uniform(1 - settings.scale, 1 + settings.scale, (len(x), 1, 1, 1)).astype(np.float32)
    x += rng.normal(0, settings.noise, x.shape).astype(np.float32)
    return _mirror(x, skeleton, settings.mirror, rng) if settings.mirror else x
