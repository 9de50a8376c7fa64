"""Shift-GCN: shifts of joints and frames around 1x1 convolutions (Cheng et al., CVPR 2020).

Joints: y[c, v] = x[c, (v + c) mod V], times 1 + tanh(M[c, v]), a 1x1 convolution, and back with
(v - c) mod V; a norm for each joint and channel, residual, ReLU. Frames: norm, shift by a learned
fractional number of frames, 1x1 convolution, ReLU, another shift (with the stride), norm.
The mask starts at M = 0. 693,107 parameters belong to 60 classes; 2,816 of them are shifts along
the joints that the authors' layer has and never moves (`over_joints`).
`FourStreamShiftGcn` weighs the logits of joints, bones and the motion of both (0.6, 0.6, 0.4, 0.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from spikewatt.data.graph import NTU25, Skeleton
from spikewatt.train.blocks.ann.graph import GraphLayer
from spikewatt.train.blocks.ann.layered import (
    Layer,
    LayeredNet,
    SpatioTemporal,
    Streams,
    ten_layers,
)
from spikewatt.train.blocks.ann.shift import FixedShift, JointShift, PlaneShift
from spikewatt.train.blocks.ann.temporal import frame_conv
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=60, frames=300, persons=2)  # 693,107 parameters


@dataclass(frozen=True)
class Options:
    """Switches of the network; the defaults are the paper's.

    joint_shift: non-local, local (neighbours only) or none. mask: learn M. learned_frames:
    adaptive temporal shifts; otherwise a third of the channels each by -1, 0, 1 frames.
    step, over_joints: see PlaneShift.
    """

    joint_shift: str = "non-local"
    mask: bool = True
    learned_frames: bool = True
    step: float | None = 0.01
    over_joints: bool = True
    width: int = 64
    dropout: float = 0.0


class JointNorm(nn.BatchNorm1d):
    """Batch normalisation of each channel at each joint: (N, C, F, V) -> same."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Statistics over samples and frames."""
        n, c, f, v = input.shape
        flat = input.transpose(2, 3).reshape(n, c * v, f)
        return super().forward(flat).view(n, c, v, f).transpose(2, 3)


class ShiftGraphConv(nn.Module):
    """Shift joints, mask, 1x1 convolution, shift back."""

    def __init__(self, shape: Layer, skeleton: Skeleton, options: Options) -> None:
        super().__init__()
        kind = options.joint_shift
        self.shift_in = JointShift(skeleton, shape.channels_in, kind, direction=1)
        mask = torch.zeros(shape.channels_in, 1, skeleton.size)
        self.mask = nn.Parameter(mask) if options.mask else None
        self.conv = frame_conv(shape.channels_in, shape.channels_out)
        nn.init.normal_(self.conv.weight, std=math.sqrt(1 / shape.channels_out))
        self.shift_out = JointShift(skeleton, shape.channels_out, kind, direction=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        y = self.shift_in(x)
        if self.mask is not None:
            y = y * (torch.tanh(self.mask) + 1)
        return self.shift_out(self.conv(y))


def _frame_shift(channels: int, stride: int, options: Options) -> nn.Module:
    if options.learned_frames:
        return PlaneShift(channels, stride, options.step, options.over_joints)
    return FixedShift(channels, stride)


def _temporal(channels: int, stride: int, options: Options) -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        _frame_shift(channels, 1, options),
        frame_conv(channels, channels),
        nn.ReLU(),
        _frame_shift(channels, stride, options),
        nn.BatchNorm2d(channels),
    )


def _layer(shape: Layer, skeleton: Skeleton, options: Options) -> nn.Module:
    conv = ShiftGraphConv(shape, skeleton, options)
    norm = JointNorm(shape.channels_out * skeleton.size)
    graph = GraphLayer(conv, shape.channels_in, shape.channels_out, norm)
    temporal = _temporal(shape.channels_out, shape.stride, options)
    return SpatioTemporal(graph, temporal, shape.residual())


class ShiftGcn(LayeredNet):
    """One stream of Shift-GCN."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "shift-gcn")
        shapes = ten_layers(task.channels, options.width)
        blocks = [_layer(shape, task.skeleton, options) for shape in shapes]
        super().__init__(task, blocks, shapes[-1].channels_out, options.dropout)


class FourStreamShiftGcn(Streams):
    """Joints, bones and their motions, weighed; task.channels = 12."""

    def __init__(self, task: Task, options: Options) -> None:
        build = partial(ShiftGcn, options=options)
        super().__init__(build, skeleton_task(task, "shift-gcn-4s"), weights=(0.6, 0.6, 0.4, 0.4))
