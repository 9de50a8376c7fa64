"""Clips as batches: prepared once, augmented every epoch, always the same for a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.encode import Encoder, SkeletonEncoder
from spikewatt.train.augment import augment
from spikewatt.train.recipe import Recipe
from spikewatt.train.task import SkeletonTask, Task


def to_clips(stimuli: np.ndarray) -> torch.Tensor:
    """Stimuli (N, V, 1, C, T) in Lava's order to clips (N, C, V, T), float32."""
    return torch.as_tensor(stimuli[:, :, 0].swapaxes(1, 2), dtype=torch.float32).contiguous()


def to_places(clips: torch.Tensor) -> torch.Tensor:
    """Clips (N, C, V, T) as a quantised network takes them, (N, C, x, y, T)."""
    return clips.unsqueeze(3)


def fitted_encoder(dataset: Dataset, recipe: Recipe) -> SkeletonEncoder:
    """The data's encoder; gains are measured on the training clips."""
    encoder = SkeletonEncoder(
        dataset.skeleton,
        modalities=recipe.modalities,
        frames=recipe.frames,
        align_view=recipe.align_view,
    )
    return encoder.fit_gains(dataset.train)


def task_of(encoder: Encoder, classes: int) -> Task:
    """What a network behind this encoder is built for."""
    assert isinstance(encoder, SkeletonEncoder)
    return SkeletonTask(encoder.skeleton, classes, encoder.channels, encoder.frames)


class TrainingClips:
    """The training split; clips are repaired, centred, scaled and turned once."""

    def __init__(self, clips: Sequence[Clip], encoder: SkeletonEncoder, recipe: Recipe) -> None:
        prepared = [encoder.prepare(c) for c in clips]
        self.lengths = np.array([len(p) for p in prepared])
        shape = (len(clips), self.lengths.max(), encoder.skeleton.size, 3)
        self.joints = np.zeros(shape, dtype=np.float32)
        for row, clip in zip(self.joints, prepared, strict=True):
            row[: len(clip)] = clip
        self.labels = torch.tensor([c.label for c in clips])
        self.encoder, self.recipe = encoder, recipe

    def epoch(self, seed: int, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Augmented batches (N, C, V, T), (N,) of one epoch, decided by seed and epoch alone."""
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(self.joints))
        for start in range(0, len(order), self.recipe.batch_size):
            rows = order[start : start + self.recipe.batch_size]
            batch = (self.joints[rows], self.lengths[rows], self.recipe.frames)
            joints = augment(batch, self.encoder.skeleton, self.recipe.augment, rng)
            features = self.encoder.features(joints)
            yield torch.as_tensor(features, dtype=torch.float32), self.labels[rows]

    def batches(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.joints) // self.recipe.batch_size)
