"""What a network is built for: the shape of its clips, and how many classes they have."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from spikewatt.data.graph import Skeleton
from spikewatt.errors import SpikewattError


@dataclass(frozen=True)
class SkeletonTask:
    """Clips of joints, (N, channels, V, frames), or (N, M, channels, V, frames) of M persons.

    channels: three coordinates for each modality, modality by modality.
    """

    skeleton: Skeleton
    classes: int
    channels: int = 3
    frames: int = 64
    persons: int = 1


@dataclass(frozen=True)
class VideoTask:
    """Clips of images or of event frames, (N, channels, height, width, frames)."""

    classes: int
    channels: int = 3
    height: int = 224
    width: int = 224
    frames: int = 16


Task = SkeletonTask | VideoTask


def fold_persons(x: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Persons into the batch: (N, M, C, V, F) -> (N M, C, V, F) and M; four axes stay, M = 1."""
    return (x.flatten(0, 1), x.shape[1]) if x.dim() == 5 else (x, 1)


def unfold_persons(x: torch.Tensor, persons: int) -> torch.Tensor:
    """Mean over persons of what was computed for each: (N M, ...) -> (N, ...)."""
    return x if persons == 1 else x.unflatten(0, (-1, persons)).mean(dim=1)


def skeleton_task(task: Task, model: str) -> SkeletonTask:
    """The task of a network that reads joints; SpikewattError for another one."""
    if not isinstance(task, SkeletonTask):
        raise SpikewattError(f"Model {model} reads skeletons; this data set holds video or events.")
    return task


def video_task(task: Task, model: str) -> VideoTask:
    """The task of a network that reads images; SpikewattError for another one."""
    if not isinstance(task, VideoTask):
        raise SpikewattError(f"Model {model} reads video or events; this data set holds skeletons.")
    return task
