"""AGCN, one stream of 2s-AGCN (Shi et al., CVPR 2019, arXiv 1805.07694).

y = relu(BN(sum over k of W_k (x (A_k + B_k + C_k))) + residual), with A_k the skeleton's subsets,
each averaged over its sources, B_k learned freely from 1e-6, and C_k[t, s] the softmax over s of
<phi_k x_t, theta_k x_s> / (C' F), a graph of each clip's own. Temporal convolution of kernel 9.
The biases of theta cannot matter, since a softmax forgets what is common to its entries.
`TwoStreamAgcn` adds the logits of a network for joints and one for bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from spikewatt.data.graph import NTU25, Skeleton
from spikewatt.train.blocks.ann.adjacency import average_sources
from spikewatt.train.blocks.ann.graph import GraphLayer, SubsetConv
from spikewatt.train.blocks.ann.layered import (
    Layer,
    LayeredNet,
    SpatioTemporal,
    Streams,
    ten_layers,
)
from spikewatt.train.blocks.ann.temporal import Frames, TemporalConv, frame_conv
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=120, frames=300, persons=2)  # 3,484,930 parameters


@dataclass(frozen=True)
class Options:
    """Switches of the network; the defaults are the paper's.

    physical, learned, by_clip: the parts A, B and C of the adjacency. embed: C' is the layer's
    output channels over this.
    """

    kernel: int = 9
    physical: bool = True
    learned: bool = True
    by_clip: bool = True
    embed: int = 4
    width: int = 64
    dropout: float = 0.0


class ClipGraph(nn.Module):
    """C[t, s] = softmax over s of <phi x_t, theta x_s> / (C' F)."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.theta = frame_conv(channels_in, channels)
        self.phi = frame_conv(channels_in, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, V, V), rows that sum to one."""
        source, target = self.theta(x).flatten(1, 2), self.phi(x).flatten(1, 2)
        likeness = torch.matmul(target.transpose(1, 2), source) / source.shape[1]
        return torch.softmax(likeness, dim=-1)


class AdaptiveGraphConv(nn.Module):
    """sum over k of W_k (x (A_k + B_k + C_k))."""

    def __init__(self, shape: Layer, skeleton: Skeleton, options: Options) -> None:
        super().__init__()
        bones = torch.as_tensor(average_sources(skeleton.partitions()))
        self.register_buffer("physical", bones * options.physical)
        free = torch.full_like(bones, 1e-6)
        self.learned = nn.Parameter(free) if options.learned else None
        inner = shape.channels_out // options.embed
        clips = [ClipGraph(shape.channels_in, inner) for _ in bones] if options.by_clip else []
        self.by_clip = nn.ModuleList(clips)
        self.subsets = SubsetConv(shape.channels_in, shape.channels_out, len(bones))

    def adjacency(self, x: torch.Tensor) -> torch.Tensor:
        """(K, V, V), or (K, N, V, V) with a graph for each clip."""
        fixed = self.physical if self.learned is None else self.physical + self.learned
        if not self.by_clip:
            return fixed
        return fixed[:, None] + torch.stack([graph(x) for graph in self.by_clip])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        return self.subsets(x, self.adjacency(x))


def _layer(shape: Layer, skeleton: Skeleton, options: Options) -> nn.Module:
    conv = AdaptiveGraphConv(shape, skeleton, options)
    graph = GraphLayer(conv, shape.channels_in, shape.channels_out)
    frames = Frames(options.kernel, shape.stride)
    temporal = TemporalConv(shape.channels_out, shape.channels_out, frames)
    return SpatioTemporal(graph, temporal, shape.residual())


class Agcn(LayeredNet):
    """One stream of 2s-AGCN."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "agcn")
        shapes = ten_layers(task.channels, options.width)
        blocks = [_layer(shape, task.skeleton, options) for shape in shapes]
        super().__init__(task, blocks, shapes[-1].channels_out, options.dropout)


class TwoStreamAgcn(Streams):
    """2s-AGCN: logits of the joints' network plus those of the bones'; task.channels = 6."""

    def __init__(self, task: Task, options: Options) -> None:
        build = partial(Agcn, options=options)
        super().__init__(build, skeleton_task(task, "2s-agcn"), weights=(1.0, 1.0))
