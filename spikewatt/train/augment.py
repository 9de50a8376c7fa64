"""Random views of a clip, for a whole batch at once and on its device, before rounding.

What is drawn for each clip (crop, angles, size, mirror) comes from a generator on the CPU, the
same for every device; noise comes from the device's own. Both are drawn for the whole batch,
whichever part of it a process augments: so that the clips do not depend on how many share it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from spikewatt.data.encode import SkeletonEncoder
from spikewatt.data.graph import Skeleton
from spikewatt.data.modalities import MODALITIES
from spikewatt.data.prepare import frames_between
from spikewatt.train.recipe import Augmentation


@dataclass(frozen=True)
class Chance:
    """Generators of one epoch: rng for what a clip draws, noise on the device."""

    rng: np.random.Generator
    noise: torch.Generator

    @classmethod
    def of_epoch(cls, seed: int, epoch: int, device: torch.device | str) -> Chance:
        """Decided by seed and epoch alone."""
        noise = torch.Generator(device)
        noise.manual_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]))
        return cls(np.random.default_rng((seed, epoch)), noise)


@dataclass(frozen=True, eq=False)
class Views:
    """What is drawn for each clip of a batch.

    crops: start and stop in frames, (2, N). turns: (N, 3, 3). sizes: (N,). flips: (N,), bool.
    """

    crops: np.ndarray
    turns: np.ndarray
    sizes: np.ndarray
    flips: np.ndarray

    def of(self, part: slice) -> Views:
        """Those of some clips."""
        return Views(self.crops[:, part], self.turns[part], self.sizes[part], self.flips[part])


def views(lengths: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> Views:
    """Draw for clips of these lengths in frames, (N,)."""
    count = len(lengths)
    crops = _crops(lengths, settings.crop_min, rng)
    turns = _rotations(settings, count, rng)
    sizes = rng.uniform(1 - settings.scale, 1 + settings.scale, count)
    return Views(crops, turns, sizes, rng.uniform(size=count) < settings.mirror)


def _crops(lengths: np.ndarray, crop_min: float, rng: np.random.Generator) -> np.ndarray:
    kept = np.maximum(lengths * rng.uniform(crop_min, 1, len(lengths)), 1)
    start = (lengths - kept) * rng.uniform(0, 1, len(lengths))
    return np.stack((start, start + kept))


def _rotations(settings: Augmentation, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rotation matrices about y, then x, then z, (N, 3, 3)."""
    total = np.eye(3)[None]
    for axis, bound in ((1, settings.yaw), (0, settings.tilt), (2, settings.tilt)):
        angle = rng.uniform(-bound, bound, size)
        a, b = (k for k in range(3) if k != axis)
        turn = np.repeat(np.eye(3)[None], size, axis=0)
        turn[:, a, a] = turn[:, b, b] = np.cos(angle)
        turn[:, a, b], turn[:, b, a] = -np.sin(angle), np.sin(angle)
        total = turn @ total
    return total


def augment(
    joints: torch.Tensor, drawn: Views, noise: torch.Tensor, skeleton: Skeleton
) -> torch.Tensor:
    """Cropped, resized, turned, scaled, noisy, mirrored clips, (N, frames, bodies x V, 3).

    joints: prepared ones (N, L, bodies x V, 3). noise: (N, frames, bodies x V, 3).
    """
    x = _resampled(joints, drawn.crops, noise.shape[1])
    turns = torch.as_tensor(drawn.turns, dtype=x.dtype, device=x.device)
    sizes = torch.as_tensor(drawn.sizes, dtype=x.dtype, device=x.device)
    x = torch.einsum("nij,ntvj->ntvi", turns, x) * sizes.view(-1, 1, 1, 1) + noise
    if not drawn.flips.any():
        return x
    flips = torch.as_tensor(drawn.flips, device=x.device).view(-1, 1, 1, 1)
    return torch.where(flips, _mirrored(x, skeleton), x)


def _resampled(joints: torch.Tensor, crops: np.ndarray, frames: int) -> torch.Tensor:
    """`data.prepare.resample`, a crop of its own for each clip."""
    between = frames_between(*crops, frames, joints.shape[1])
    low, high, share = (torch.as_tensor(part, device=joints.device) for part in between)
    rows = torch.arange(len(joints), device=joints.device)[:, None]
    a, b = joints[rows, low], joints[rows, high]
    return a + share[..., None, None] * (b - a)


def _mirrored(x: torch.Tensor, skeleton: Skeleton) -> torch.Tensor:
    bodies = x.shape[2] // skeleton.size
    order = [b * skeleton.size + j for b in range(bodies) for j in skeleton.mirrored]
    return x[:, :, order] * x.new_tensor([-1, 1, 1])


def features(joints: torch.Tensor, encoder: SkeletonEncoder) -> torch.Tensor:
    """`SkeletonEncoder.features` of a tensor (..., T, V, 3): (..., C, V, T) whole numbers."""
    pairs = zip(encoder.modalities, encoder.gain, strict=True)
    parts = [MODALITIES[name](joints, encoder.skeleton) * gain for name, gain in pairs]
    whole = torch.cat(parts, dim=-1).round().clamp(-encoder.limit, encoder.limit)
    return whole.movedim(-1, -3).transpose(-1, -2).contiguous()
