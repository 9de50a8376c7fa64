"""What enters a network: an encoder fitted to the data, and the shapes that networks read.

A clip, as a float network reads it, is (N, C, V, T), of several persons (N, M, C, V, T), or for
images (N, C, x, y, T). A quantised network reads places: (N, C, x, y, T) of the stimulus, and
each person of a clip as a sample of its own, one after another.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode import (
    Encoder,
    EventEncoder,
    PersonsEncoder,
    RangeEncoder,
    SkeletonEncoder,
    VideoEncoder,
)
from spikewatt.train.blocks.joint_range import JointRange
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
    encoder = _base(encoder)
    if isinstance(encoder, SkeletonEncoder):
        e = encoder
        return SkeletonTask(e.skeleton, classes, e.channels, e.frames, e.persons)
    width, height, channels = encoder.shape
    return VideoTask(classes, channels, width, height, encoder.frames)


def _base(encoder: Encoder) -> Encoder:
    """The encoder of what a float network reads."""
    return encoder.base if isinstance(encoder, RangeEncoder | PersonsEncoder) else encoder


def traced_shapes(encoder: Encoder) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of a clip and of its stimulus, as `lower` takes them: persons are the clip's first axis."""
    encoder = _base(encoder)
    if not isinstance(encoder, SkeletonEncoder):
        x, y, channels = encoder.shape
        return (1, channels, x, y, encoder.frames), encoder.shape
    joints, channels = encoder.skeleton.size, encoder.channels
    clip = (encoder.persons, channels, joints, encoder.frames)
    return clip, encoder.shape if encoder.repeat else (joints, 1, channels)


def deployed_encoder(net: nn.Module, encoder: Encoder) -> Encoder:
    """The encoder of a trained network's integer form, with what it leaves to the host."""
    host = next((m for m in net.modules() if isinstance(m, JointRange) and m.min_max), None)
    if not isinstance(encoder, SkeletonEncoder):
        return encoder
    if host is None:
        return PersonsEncoder(encoder) if encoder.persons > 1 else encoder
    gain, shift = (v.cpu().numpy() for v in host.affine())
    return RangeEncoder(encoder, gain, shift)


def to_clips(stimuli: np.ndarray, encoder: Encoder) -> torch.Tensor:
    """Stimuli (N, *shape, T) in Lava's order as clips, float32."""
    x = torch.as_tensor(stimuli, dtype=torch.float32)
    encoder = _base(encoder)
    if not isinstance(encoder, SkeletonEncoder):
        return x.permute(0, 3, 1, 2, 4).contiguous()
    if encoder.repeat:
        return x[..., 0].permute(0, 3, 2, 1).contiguous()
    persons = x.permute(0, 2, 3, 1, 4)
    return (persons if encoder.persons > 1 else persons[:, 0]).contiguous()


def to_places(clips: torch.Tensor, encoder: Encoder) -> torch.Tensor:
    """Clips as a quantised network takes them, (N, C, x, y, T)."""
    if isinstance(encoder, RangeEncoder):
        ranged = torch.as_tensor(encoder.ranged(clips.cpu().numpy()), dtype=torch.float32)
        return _one_by_one(ranged).to(clips.device)
    if isinstance(encoder, PersonsEncoder):
        return _one_by_one(clips)
    if not isinstance(encoder, SkeletonEncoder):
        return clips
    if encoder.repeat:
        frames = clips.transpose(2, 3).unsqueeze(-1)
        return frames.expand(*frames.shape[:-1], encoder.repeat).contiguous()
    return clips.permute(0, 2, 3, 1, 4).contiguous() if clips.dim() == 5 else clips.unsqueeze(3)


def _one_by_one(clips: torch.Tensor) -> torch.Tensor:
    """(N, M, C, V, T) or (N, C, V, T) -> (N M, C, V, 1, T)."""
    return (clips.flatten(0, 1) if clips.dim() == 5 else clips).unsqueeze(3)
