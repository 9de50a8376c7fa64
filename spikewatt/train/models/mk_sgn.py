"""MK-SGN: spiking graph convolutions with attention over joints (arXiv 2404.10210).

A clip of F frames is repeated over S steps: frames are space, steps are the neurons' time.

    block, P in:  H  = LIF(BN(sum over k of W_k (P A_k) + b_k)) + LIF(down P)
                  H' = H + LIF(0.125 Q K^T V),  q, k, v = LIF(BN(1x1 LIF(H)))
                  P' = LIF(BN(conv over 5 frames of H')) + residual(P)

Six blocks, attention within a frame over the joints. Several modalities are coded apart and
fused by weights (blocks/fusion.py). H[t] = 0.25 V[t-1] + X[t], rectangular surrogate.

TABLE has 1,885,044 parameters and 2.496 GMAC a step, both persons, (Q K^T) V in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.data.graph import NTU25, Skeleton
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.graph_conv import Graph, SpikingGraphConv, shared_degree
from spikewatt.train.blocks.membrane import reached_at
from spikewatt.train.blocks.spiking_attention import Attention, SpikingAttention
from spikewatt.train.blocks.spiking_frame import COORDINATES, FrameOptions, SpikingFrame
from spikewatt.train.blocks.spiking_layer import BuildNeuron
from spikewatt.train.blocks.temporal_conv import SpikingTemporalConv
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=60, persons=2)


@dataclass(frozen=True)
class Options(FrameOptions):
    """Switches of the network; the defaults are the paper's.

    channels, strides: one entry a block. kernel: frames of the temporal convolution.
    learnable_graph: A is learned, from the skeleton on. attention: off leaves H' = H.
    heads: one, with which 0.125 puts the sums near the threshold; more heads leave it silent.
    tokens_first: (Q K^T) V, else Q (K^T V): the same spikes; the first has fewer products where
    there are fewer joints than channels of a head.
    """

    channels: tuple[int, ...] = (64, 64, 128, 128, 256, 256)
    strides: tuple[int, ...] = (1, 1, 2, 1, 2, 1)
    kernel: int = 5
    learnable_graph: bool = True
    attention: bool = True
    heads: int = 1
    scale: float = 0.125
    tokens_first: bool = True

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.strides) or not self.channels:
            raise SpikewattError(
                f"mk-sgn has {len(self.channels)} channels and {len(self.strides)} strides; it "
                "needs one of each per block, and at least one block."
            )

    def mixing(self) -> Attention:
        """The attention between joints."""
        return Attention(self.heads, self.scale, tokens_first=self.tokens_first)


class AttentiveGraphConv(nn.Module):
    """SA-SGC: H' = H + attention(LIF(H))."""

    def __init__(self, convolution: SpikingGraphConv, channels: int, options: Options) -> None:
        super().__init__()
        neuron = options.membrane().build
        self.convolution = convolution
        self.entry = neuron(reached_at(1.0))
        self.attention = SpikingAttention(channels, options.mixing(), neuron)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V, S) -> (N, C, F, V, S)."""
        h = self.convolution(x)
        return h + self.attention(self.entry(h))


class SpikingBlock(nn.Module):
    """A graph convolution, then a temporal one with a residual around both."""

    def __init__(
        self, graph: nn.Module, channels: tuple[int, int], neuron: BuildNeuron, kernel=5, stride=1
    ) -> None:
        super().__init__()
        self.graph = graph
        self.temporal = SpikingTemporalConv(channels, neuron, kernel, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V, S) -> (N, C out, ceil(F / stride), V, S)."""
        return self.temporal(self.graph(x), x)


def _block(
    skeleton: Skeleton, channels: tuple[int, int], stride: int, options: Options
) -> SpikingBlock:
    neuron = options.membrane().build
    bones = Graph(shared_degree(skeleton), learnable=options.learnable_graph)
    graph: nn.Module = SpikingGraphConv(bones, *channels, neuron)
    if options.attention:
        graph = AttentiveGraphConv(graph, channels[1], options)
    return SpikingBlock(graph, channels, neuron, options.kernel, stride)


class MkSgn(SpikingFrame):
    """The network of one modality, or of several: task.channels is 3 x modalities."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "mk-sgn")
        before = (COORDINATES, *options.channels)
        pairs = zip(before, options.channels, strict=False)
        blocks = [
            _block(task.skeleton, pair, stride, options)
            for pair, stride in zip(pairs, options.strides, strict=True)
        ]
        super().__init__(task, options, blocks, options.channels[-1])
