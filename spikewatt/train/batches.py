"""Clips as batches: prepared once, augmented every epoch, always the same for a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode import Encoder, EventEncoder, SkeletonEncoder, VideoEncoder
from spikewatt.train.augment import Chance, augment, features, views
from spikewatt.train.inputs import to_clips
from spikewatt.train.recipe import Recipe


@dataclass(frozen=True)
class Share:
    """The part of each batch that a process trains on: every `ranks`-th clip from `rank` on."""

    device: torch.device | str = "cpu"
    rank: int = 0
    ranks: int = 1

    def of(self, size: int) -> slice:
        """Which clips of a batch; of one that is too small, the first."""
        return slice(self.rank, None, self.ranks) if size > self.rank else slice(0, 1)

    def weight(self, size: int) -> float:
        """What this part's mean counts in the mean over ranks, which then is the batch's."""
        own = len(range(size)[self.of(size)]) if size > self.rank else 0
        return self.ranks * own / size


@dataclass(frozen=True, eq=False)
class Batch:
    """clips (N, ...) and labels (N,) on the device. size: of the whole batch. weight: see Share."""

    clips: torch.Tensor
    labels: torch.Tensor
    size: int
    weight: float = 1.0


class TrainingClips(Protocol):
    """The training split, as batches."""

    labels: torch.Tensor

    def epoch(self, seed: int, epoch: int, share: Share) -> Iterator[Batch]:
        """Augmented batches of one epoch, decided by seed and epoch alone."""
        ...


def training_clips(dataset: AnyDataset, encoder: Encoder, recipe: Recipe) -> TrainingClips:
    """The training split of a data set, ready for this encoder."""
    return _KINDS[dataset.kind](dataset.train, encoder, recipe)


def batches(clips: TrainingClips, recipe: Recipe) -> int:
    """Batches in an epoch."""
    return -(-len(clips.labels) // recipe.batch_size)


def plain_batches(clips: Sequence[Any], encoder: Encoder, size: int) -> Iterator[torch.Tensor]:
    """Clips (N, ...) as they are, every batch from all over the sequence, `size` or fewer each."""
    count = -(-len(clips) // size)
    for first in range(count):
        yield to_clips(encoder.encode_all(clips[first::count]), encoder)


def _shuffled(clips: Any, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of each batch."""
    order = rng.permutation(len(clips.labels))
    size = clips.recipe.batch_size
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _labels(clips: Sequence[Any]) -> torch.Tensor:
    return torch.tensor([c.label for c in clips])


def _batch(x: torch.Tensor, labels: torch.Tensor, rows: np.ndarray, share: Share) -> Batch:
    own = labels[rows[share.of(len(rows))]].to(share.device)
    return Batch(x, own, len(rows), share.weight(len(rows)))


class JointClips:
    """Clips of joints, repaired, centred, scaled and turned once; then augmented as bodies."""

    def __init__(self, clips: Sequence[Any], encoder: SkeletonEncoder, recipe: Recipe) -> None:
        prepared = [encoder.prepare_persons(c).swapaxes(0, 1) for c in clips]  # (T, M, V, 3)
        self.lengths = np.array([len(p) for p in prepared])
        bodies = encoder.persons * encoder.skeleton.size
        self.joints = torch.zeros(len(clips), int(self.lengths.max()), bodies, 3)
        for row, clip in zip(self.joints.numpy(), prepared, strict=True):
            row[: len(clip)] = clip.reshape(len(clip), bodies, 3)
        self.labels = _labels(clips)
        self.encoder, self.recipe = encoder, recipe

    def epoch(self, seed: int, epoch: int, share: Share) -> Iterator[Batch]:
        """Batches (N, C, V, T), or (N, M, C, V, T) of several persons."""
        chance = Chance.of_epoch(seed, epoch, share.device)
        for rows in _shuffled(self, chance.rng):
            yield _batch(self._augmented(rows, chance, share), self.labels, rows, share)

    def _augmented(self, rows: np.ndarray, chance: Chance, share: Share) -> torch.Tensor:
        own, settings = share.of(len(rows)), self.recipe.augment
        drawn = views(self.lengths[rows], settings, chance.rng).of(own)
        shape = (len(rows), self.recipe.frames, *self.joints.shape[2:])
        noise = torch.randn(shape, generator=chance.noise, device=share.device)
        joints = self.joints[rows[own]].to(share.device, non_blocking=True)
        skeleton, persons = self.encoder.skeleton, self.encoder.persons
        x = augment(joints, drawn, noise[own] * settings.noise, skeleton)
        if persons > 1:
            x = x.unflatten(2, (persons, skeleton.size)).transpose(1, 2)
        return features(x, self.encoder)


class EventClips:
    """Clips of events, encoded once; nothing is augmented."""

    def __init__(self, clips: Sequence[Any], encoder: EventEncoder, recipe: Recipe) -> None:
        self.stimuli = torch.as_tensor(encoder.encode_all(clips).astype(np.int16))
        self.labels, self.encoder, self.recipe = _labels(clips), encoder, recipe

    def epoch(self, seed: int, epoch: int, share: Share) -> Iterator[Batch]:
        """Batches (N, C, x, y, T)."""
        for rows in _shuffled(self, np.random.default_rng((seed, epoch))):
            own = self.stimuli[rows[share.of(len(rows))]].to(share.device, non_blocking=True)
            yield _batch(to_clips(own, self.encoder), self.labels, rows, share)


class FilmClips:
    """Clips of images, decoded and resized once; each epoch cuts out another square."""

    def __init__(self, clips: Sequence[Any], encoder: VideoEncoder, recipe: Recipe) -> None:
        self.films = [encoder.prepare(c) for c in clips]
        self.labels, self.encoder, self.recipe = _labels(clips), encoder, recipe

    def epoch(self, seed: int, epoch: int, share: Share) -> Iterator[Batch]:
        """Batches (N, C, x, y, T)."""
        rng = np.random.default_rng((seed, epoch))
        for rows in _shuffled(self, rng):
            squares = [self.encoder.square(self.films[r], rng) for r in rows]  # of all ranks alike
            cut = [self.encoder.features(s) for s in squares[share.of(len(rows))]]
            images = torch.as_tensor(np.stack(cut), device=share.device)  # (N, C, H, W, T)
            clips = images.float().transpose(2, 3).contiguous()
            yield _batch(clips, self.labels, rows, share)


_KINDS: dict[str, Any] = {"skeleton": JointClips, "events": EventClips, "video": FilmClips}
