"""Clips as batches: prepared once, augmented every epoch, always the same for a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode import Encoder, EventEncoder, SkeletonEncoder, VideoEncoder
from spikewatt.train.augment import augment
from spikewatt.train.inputs import to_clips
from spikewatt.train.recipe import Recipe

Batch = tuple[torch.Tensor, torch.Tensor]  # clips (N, ...), labels (N,)


class TrainingClips(Protocol):
    """The training split, as batches."""

    labels: torch.Tensor

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Augmented batches of one epoch, decided by seed and epoch alone."""
        ...


def training_clips(dataset: AnyDataset, encoder: Encoder, recipe: Recipe) -> TrainingClips:
    """The training split of a data set, ready for this encoder."""
    return _KINDS[dataset.kind](dataset.train, encoder, recipe)


def batches(clips: TrainingClips, recipe: Recipe) -> int:
    """Batches in an epoch."""
    return -(-len(clips.labels) // recipe.batch_size)


def _shuffled(clips: Any, seed: int, epoch: int) -> Iterator[tuple[np.ndarray, Any]]:
    """Rows of each batch, and the epoch's generator for what is drawn beside them."""
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(clips.labels))
    size = clips.recipe.batch_size
    for start in range(0, len(order), size):
        yield order[start : start + size], rng


def _labels(clips: Sequence[Any]) -> torch.Tensor:
    return torch.tensor([c.label for c in clips])


class JointClips:
    """Clips of joints, repaired, centred, scaled and turned once; then augmented as bodies."""

    def __init__(self, clips: Sequence[Any], encoder: SkeletonEncoder, recipe: Recipe) -> None:
        prepared = [encoder.prepare_persons(c).swapaxes(0, 1) for c in clips]  # (T, M, V, 3)
        self.lengths = np.array([len(p) for p in prepared])
        bodies = encoder.persons * encoder.skeleton.size
        self.joints = np.zeros((len(clips), self.lengths.max(), bodies, 3), dtype=np.float32)
        for row, clip in zip(self.joints, prepared, strict=True):
            row[: len(clip)] = clip.reshape(len(clip), bodies, 3)
        self.labels = _labels(clips)
        self.encoder, self.recipe = encoder, recipe

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Batches (N, C, V, T), or (N, M, C, V, T) of several persons."""
        persons, skeleton = self.encoder.persons, self.encoder.skeleton
        for rows, rng in _shuffled(self, seed, epoch):
            batch = (self.joints[rows], self.lengths[rows], self.recipe.frames)
            joints = augment(batch, skeleton, self.recipe.augment, rng)
            if persons > 1:
                split = joints.reshape(*joints.shape[:2], persons, skeleton.size, 3)
                joints = split.swapaxes(1, 2)
            features = self.encoder.features(joints)
            yield torch.as_tensor(features, dtype=torch.float32), self.labels[rows]


class EventClips:
    """Clips of events, encoded once; nothing is augmented."""

    def __init__(self, clips: Sequence[Any], encoder: EventEncoder, recipe: Recipe) -> None:
        self.stimuli = encoder.encode_all(clips).astype(np.int16)
        self.labels, self.encoder, self.recipe = _labels(clips), encoder, recipe

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Batches (N, C, x, y, T)."""
        for rows, _ in _shuffled(self, seed, epoch):
            yield to_clips(self.stimuli[rows], self.encoder), self.labels[rows]


class FilmClips:
    """Clips of images, decoded and resized once; each epoch cuts out another square."""

    def __init__(self, clips: Sequence[Any], encoder: VideoEncoder, recipe: Recipe) -> None:
        self.films = [encoder.prepare(c) for c in clips]
        self.labels, self.encoder, self.recipe = _labels(clips), encoder, recipe

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Batches (N, C, x, y, T)."""
        for rows, rng in _shuffled(self, seed, epoch):
            cut = [self.encoder.features(self.encoder.square(self.films[r], rng)) for r in rows]
            images = torch.as_tensor(np.stack(cut), dtype=torch.float32)  # (N, C, H, W, T)
            yield images.transpose(2, 3).contiguous(), self.labels[rows]


_KINDS: dict[str, Any] = {"skeleton": JointClips, "events": EventClips, "video": FilmClips}
