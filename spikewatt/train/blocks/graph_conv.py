"""Graph convolution over joints, and the spiking unit around it.

Tensors are (N, C, ..., V, T): joints next to last, steps last. Adjacency is [k, target, source],
as `Skeleton.partitions` has it. Papers that write X A_k hold it transposed: their axis 1, the
sources, is our last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from spikewatt.data.graph import Skeleton
from spikewatt.train.blocks.ann.adjacency import symmetric
from spikewatt.train.blocks.membrane import reached_at
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer

L2_EPSILON = 1e-4


def shared_degree(skeleton: Skeleton) -> npt.NDArray[np.float32]:
    """D^-1/2 (A + I) D^-1/2 as the sum of its self, inward and outward parts, (3, V, V)."""
    partitions = skeleton.partitions()
    return np.asarray((partitions > 0) * symmetric(partitions.sum(axis=0)), dtype=np.float32)


@dataclass(frozen=True)
class Graph:
    """Which joint hears which: adjacency (K, V, V), [k, target, source].

    learnable: a parameter that starts there. unit_length: the sources of each target are divided
    by their L2 norm (Signal-SGN, arXiv 2408.01701).
    """

    adjacency: npt.NDArray[np.float32]
    learnable: bool = True
    unit_length: bool = False


class GraphConv(nn.Module):
    """y = sum over k of W_k (x A_k) + b_k."""

    def __init__(self, graph: Graph, channels_in: int, channels_out: int) -> None:
        super().__init__()
        start = torch.as_tensor(graph.adjacency, dtype=torch.float).clone()
        self.unit_length = graph.unit_length
        if graph.learnable:
            self.adjacency = nn.Parameter(start)
        else:
            self.register_buffer("adjacency", start)
        self.convs = nn.ModuleList(Pointwise(channels_in, channels_out) for _ in start)

    def weights(self) -> torch.Tensor:
        """The adjacency that is used, (K, V, V)."""
        if not self.unit_length:
            return self.adjacency
        length = torch.linalg.vector_norm(self.adjacency, dim=-1, keepdim=True)
        return self.adjacency / (length + L2_EPSILON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, ..., V, T) -> (N, C out, ..., V, T)."""
        subsets = self.weights()
        # one product for all subsets: (..., T, V) x (V, K V)
        heard = nn.functional.linear(x.transpose(-1, -2), subsets.flatten(0, 1))
        parts = heard.unflatten(-1, subsets.shape[:2]).unbind(-2)
        return sum(
            conv(part.transpose(-1, -2)) for conv, part in zip(self.convs, parts, strict=True)
        )


class SpikingGraphConv(nn.Module):
    """H = LIF(BN(sum over k of W_k (x A_k) + b_k)) + LIF(down x): 0, 1 or 2 spikes.

    down: 1x1 and BN where the channels change, else the identity.
    """

    def __init__(
        self, graph: Graph, channels_in: int, channels_out: int, neuron: BuildNeuron
    ) -> None:
        super().__init__()
        conv = GraphConv(graph, channels_in, channels_out)
        self.layer = SpikingLayer(conv, channels_out, neuron(1.0))
        if channels_in == channels_out:
            self.shortcut = neuron(reached_at(1.0))
        else:
            down = Pointwise(channels_in, channels_out)
            self.shortcut = SpikingLayer(down, channels_out, neuron(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, ..., V, T) -> (N, C out, ..., V, T)."""
        return self.layer(x) + self.shortcut(x)
