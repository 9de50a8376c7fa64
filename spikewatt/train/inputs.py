"""What enters a network: an encoder fitted to the data, and the shapes that networks read.

A clip, as a float network reads it, is (N, C, V, T), of several persons (N, M, C, V, T), or for
images (N, C, x, y, T). A quantised network reads places: (N, C, x, y, T) of the stimulus.
"""

from __future__ import annotations

import numpy as np
import torch

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode import Encoder, EventEncoder, SkeletonEncoder, VideoEncoder
from spikewatt.train.recipe import Recipe
from spikewatt.train.task import SkeletonTask, Task, VideoTask


def fitted_encoder(dataset: AnyDataset, recipe: Recipe, repeat: int = 0) -> Encoder:
    """The data's encoder; gains of joints are measured on the training clips.

    repeat: steps for which a network of frames as places sees a whole clip; 0: frames are steps.
    """
    return _ENCODERS[dataset.kind](dataset, recipe, repeat)


def _joints(dataset: AnyDataset, recipe: Recipe, repeat: int) -> Encoder:
    there = max(len(c.joints) for c in dataset.train)
    encoder = SkeletonEncoder(
        dataset.graph,
        modalities=recipe.modalities,
        frames=recipe.frames,
        align_view=recipe.align_view,
        persons=min(recipe.persons, there),
        repeat=repeat,
    )
    return encoder.fit_gains(dataset.train)


def _events(dataset: AnyDataset, recipe: Recipe, repeat: int) -> Encoder:
    return EventEncoder((recipe.size, recipe.size), frames=recipe.frames)


def _video(dataset: AnyDataset, recipe: Recipe, repeat: int) -> Encoder:
    return VideoEncoder(frames=recipe.frames, size=recipe.size)


_ENCODERS = {"skeleton": _joints, "events": _events, "video": _video}


def task_of(encoder: Encoder, classes: int) -> Task:
    """What a network behind this encoder is built for."""
    if isinstance(encoder, SkeletonEncoder):
        e = encoder
        return SkeletonTask(e.skeleton, classes, e.channels, e.frames, e.persons)
    width, height, channels = encoder.shape
    return VideoTask(classes, channels, width, height, encoder.frames)


def to_clips(stimuli: np.ndarray, encoder: Encoder) -> torch.Tensor:
    """Stimuli (N, *shape, T) in Lava's order as clips, float32."""
    x = torch.as_tensor(stimuli, dtype=torch.float32)
    if not isinstance(encoder, SkeletonEncoder):
        return x.permute(0, 3, 1, 2, 4).contiguous()
    if encoder.repeat:
        return x[..., 0].permute(0, 3, 2, 1).contiguous()
    persons = x.permute(0, 2, 3, 1, 4)
    return (persons if encoder.persons > 1 else persons[:, 0]).contiguous()


def to_places(clips: torch.Tensor, encoder: Encoder) -> torch.Tensor:
    """Clips as a quantised network takes them, (N, C, x, y, T)."""
    if not isinstance(encoder, SkeletonEncoder):
        return clips
    if encoder.repeat:
        frames = clips.transpose(2, 3).unsqueeze(-1)
        return frames.expand(*frames.shape[:-1], encoder.repeat).contiguous()
    return clips.permute(0, 2, 3, 1, 4).contiguous() if clips.dim() == 5 else clips.unsqueeze(3)
