"""The small network that MK-SGN's tables call ST-GCN (arXiv 2404.10210).

Ten layers of relu(BN(sum over k of W_k (x A_k)) + residual) and a temporal convolution of kernel
5. The A_k are learned, start as the identity, and have unit length over the sources of a target.
It is the plain network that CTR-GCN (arXiv 2107.12213) is compared with, and has two thirds of
the parameters of the network in ST-GCN's own paper, which is `st_gcn`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.train.blocks.ann.adjacency import average_sources
from spikewatt.train.blocks.ann.graph import GraphLayer, SubsetConv
from spikewatt.train.blocks.ann.layered import Layer, LayeredNet, SpatioTemporal, ten_layers
from spikewatt.train.blocks.ann.temporal import Frames, TemporalConv
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=120, persons=2)  # 2,108,322 parameters


@dataclass(frozen=True)
class Options:
    """Switches of the network; the defaults are the published ones.

    kernel: frames that a temporal convolution sees. subsets: how many adjacency matrices.
    adaptive: learn them; otherwise they are the skeleton's three, each averaged over its sources
    (a fixed identity would never mix joints), and `subsets` must be 3.
    """

    kernel: int = 5
    subsets: int = 3
    adaptive: bool = True
    width: int = 64
    dropout: float = 0.0


class LearnedGraphConv(nn.Module):
    """sum over k of W_k (x A_k / |A_k|), A_k learned from the identity."""

    def __init__(self, channels_in: int, channels_out: int, joints: int, subsets: int) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(torch.eye(joints).repeat(subsets, 1, 1))
        self.subsets = SubsetConv(channels_in, channels_out, subsets)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        length = self.adjacency.norm(dim=2, keepdim=True) + 1e-4
        return self.subsets(x, self.adjacency / length)


class FixedGraphConv(nn.Module):
    """sum over k of W_k (x A_k) on the skeleton's own bones."""

    def __init__(self, channels_in: int, channels_out: int, task: SkeletonTask) -> None:
        super().__init__()
        bones = average_sources(task.skeleton.partitions())
        self.register_buffer("adjacency", torch.as_tensor(bones))
        self.subsets = SubsetConv(channels_in, channels_out, len(bones))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        return self.subsets(x, self.adjacency)


def _layer(shape: Layer, task: SkeletonTask, options: Options) -> nn.Module:
    sizes = (shape.channels_in, shape.channels_out)
    if options.adaptive:
        conv = LearnedGraphConv(*sizes, task.skeleton.size, options.subsets)
    else:
        conv = FixedGraphConv(*sizes, task)
    frames = Frames(options.kernel, shape.stride)
    temporal = TemporalConv(shape.channels_out, shape.channels_out, frames)
    return SpatioTemporal(GraphLayer(conv, *sizes), temporal, shape.residual())


class SmallStGcn(LayeredNet):
    """Plain ten-layer graph network with learned adjacency."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "small-st-gcn")
        shapes = ten_layers(task.channels, options.width)
        blocks = [_layer(shape, task, options) for shape in shapes]
        super().__init__(task, blocks, shapes[-1].channels_out, options.dropout)
