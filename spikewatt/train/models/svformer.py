"""SVFormer: a spiking transformer for video, frames as steps (Yu et al., IJCAI 2024).

    stage i:  x = PE_i(x), then S_i blocks        PE = [PLIF] -> conv k = p + 2, stride p -> TDBN
    local:    x = x + TDBN(1x1 DW5x5 1x1 PLIF(x))               LFE, the first stages
    global:   x = x + TDBN(W PLIF(q (k^T v) / 8))               GSA, the later stages
    both:     x = x + MLP(x), twice PLIF -> linear -> TDBN, C -> 2C -> C
    LP:       TDBN(1x1 DW3x3 PLIF(PE_3(x))), joined to the last stage's output, LP first
    head:     PLIF -> convolution over all places and steps, in pairs of channels -> BN -> linear

Shortcuts carry membrane potentials. PLIF: one learned time constant a layer, ATan surrogate,
reset without gradient. TDBN: `TimeDependentNorm`. Pixels: (x / 255 - 0.45) / 0.225.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.local_features import LocalExtractor, LocalPath
from spikewatt.train.blocks.mlp import SpikingMlp
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.patches import PatchEmbedding
from spikewatt.train.blocks.residual import Parts, Residual
from spikewatt.train.blocks.tdbn import TimeDependentNorm
from spikewatt.train.blocks.token_attention import GlobalAttention
from spikewatt.train.neuron import ATan, lif, plif
from spikewatt.train.task import Task, VideoTask, video_task

TABLE = VideoTask(classes=101, channels=3, height=224, width=224, frames=16)


@dataclass(frozen=True)
class Options:
    """SVFormer-base; the paper's ablations are switches.

    blocks, channels, strides: of each stage. local_stages: how many stages from the front are
    local (LFE); the others are global (GSA). time_norm: TDBN, else batch norms that steps share.
    local_path: LP. learn_tau: PLIF, else LIF with this tau (steps).
    """

    blocks: tuple[int, ...] = (1, 1, 3, 1)
    channels: tuple[int, ...] = (128, 256, 384, 512)
    strides: tuple[int, ...] = (4, 2, 2, 2)
    local_stages: int = 2
    time_norm: bool = True
    local_path: bool = True
    head_dim: int = 64
    mlp_ratio: int = 2
    learn_tau: bool = True
    tau: float = 2.0
    threshold: float = 1.0

    def parts(self, frames: int) -> Parts:
        """Neurons and norms for clips of so many frames."""
        make = plif if self.learn_tau else lif
        neuron = partial(make, tau=self.tau, threshold=self.threshold, surrogate=ATan(2.0))
        norm = partial(TimeDependentNorm, steps=frames) if self.time_norm else StepNorm
        return Parts(neuron, norm)


# by the paper's names; 3stg is the one for DVS128 Gesture, 128 x 128 events
VARIANTS = {
    "base": Options(),
    "ss": Options(blocks=(1, 1, 2, 1)),
    "st": Options(channels=(64, 128, 256, 512)),
    "dp": Options(blocks=(1, 2, 4, 2)),
    "wd": Options(channels=(128, 256, 512, 768)),
    "3stg": Options(
        blocks=(1, 2, 1),
        channels=(64, 128, 256),
        strides=(4, 2, 2),
        local_stages=1,
        local_path=False,
    ),
}


class Stage(nn.Module):
    """PE, then blocks of two residual branches: local or global mixing, and an MLP."""

    def __init__(self, index: int, channels: tuple[int, int], parts: Parts, o: Options) -> None:
        super().__init__()
        self.embed = PatchEmbedding(channels, o.strides[index], parts, spikes=index > 0)
        branches: list[nn.Module] = []
        for _ in range(o.blocks[index]):
            branches.append(_mixing(index, channels[1], parts, o))
            branches.append(SpikingMlp(channels[1], o.mlp_ratio, parts, "membrane"))
        self.blocks = nn.Sequential(*(Residual(b) for b in branches))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, H, W, T) -> (N, C out, H / stride, W / stride, T) potentials."""
        return self.blocks(self.embed(x))


def _mixing(index: int, channels: int, parts: Parts, o: Options) -> nn.Module:
    if index < o.local_stages:
        return LocalExtractor(channels, parts)
    return GlobalAttention(channels, o.head_dim, parts)


class TimeHead(nn.Module):
    """PLIF -> a convolution whose kernel is the whole clip, in groups -> batch norm -> linear."""

    def __init__(
        self, size: tuple[int, int, int], channels: int, groups: int, task: VideoTask, parts: Parts
    ) -> None:
        super().__init__()
        self.neuron = parts.neuron()
        self.conv = nn.Conv3d(channels, channels, size, groups=groups)
        self.norm = nn.BatchNorm3d(channels)
        self.linear = nn.Linear(channels, task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W, T) potentials -> (N, classes)."""
        return self.linear(self.norm(self.conv(self.neuron(x))).flatten(1))


class SvFormer(nn.Module):
    """(N, C, H, W, T) frames -> (N, classes) logits.

    Raises SpikewattError for a task without images, sides that are not whole patches of the last
    stage (32 pixels), and clips of another shape than the task's.
    """

    def __init__(self, task: Task, options: Options) -> None:
        super().__init__()
        self.task = task = video_task(task, "svformer")
        _check(task, options)
        parts = options.parts(task.frames)
        self.stages = nn.ModuleList(
            Stage(i, pair, parts, options)
            for i, pair in enumerate(pairwise((task.channels, *options.channels)))
        )
        before, last = options.channels[-2:]
        self.local_path = LocalPath(before, last, parts) if options.local_path else None
        shrink = math.prod(options.strides)
        size = (task.height // shrink, task.width // shrink, task.frames)
        channels = 2 * last if options.local_path else last
        self.head = TimeHead(size, channels, last, task, parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of clips of the task's shape."""
        task = self.task
        wanted = (task.channels, task.height, task.width, task.frames)
        if tuple(x.shape[1:]) != wanted:
            raise SpikewattError(
                f"svformer was built for clips (C, H, W, frames) = {wanted} and got "
                f"{tuple(x.shape[1:])}. Resize and cut the clips, or build it for their shape."
            )
        *early, before, last = self.stages
        for stage in early:
            x = stage(x)
        embedded = before.embed(x)
        x = last(before.blocks(embedded))
        if self.local_path is not None:
            x = torch.cat([self.local_path(embedded), x], dim=1)
        return self.head(x)


def _check(task: VideoTask, options: Options) -> None:
    """Stages agree, and sides are whole patches."""
    lengths = {len(options.blocks), len(options.channels), len(options.strides)}
    if len(lengths) != 1 or len(options.blocks) < 2:
        raise SpikewattError(
            f"svformer: blocks {options.blocks}, channels {options.channels} and strides "
            f"{options.strides} need one entry a stage, two stages or more."
        )
    patch = math.prod(options.strides)
    if task.height < 1 or task.width < 1 or task.height % patch or task.width % patch:
        raise SpikewattError(
            f"svformer: frames of {task.height} x {task.width} pixels; both sides must be "
            f"multiples of {patch}, the patch of the last stage. Crop or resize the frames."
        )
