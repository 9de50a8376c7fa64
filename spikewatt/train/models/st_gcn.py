"""ST-GCN: spatial temporal graph convolution (Yan et al., AAAI 2018, arXiv 1801.07455).

Ten layers of relu(conv(relu(BN(sum over k of (W_k x + b_k) (A_k * M_k)))) + residual), the A_k the
neighbours by label (self, nearer to the root, further from it), divided by the degree, and M_k the
learned importance of each bone, one a layer, started at one. A is fixed. Input norm and weights
are the same for all persons.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.data.graph import NTU25
from spikewatt.train.blocks.ann.adjacency import labelled_neighbours
from spikewatt.train.blocks.ann.layered import (
    ClipNorm,
    Layer,
    LayeredNet,
    SpatioTemporal,
    ten_layers,
)
from spikewatt.train.blocks.ann.temporal import Frames, TemporalConv
from spikewatt.train.task import SkeletonTask, Task, skeleton_task

TABLE = SkeletonTask(NTU25, classes=60, frames=300, persons=2)  # 3,098,832 parameters


@dataclass(frozen=True)
class Options:
    """Switches of the network; the defaults are the paper's.

    strategy: how neighbours are labelled: uniform (one subset), distance (two), spatial (three).
    importance: learn M. dropout: behind each temporal convolution, during training.
    """

    kernel: int = 9
    strategy: str = "spatial"
    importance: bool = True
    dropout: float = 0.5
    width: int = 64


class LabelledGraphConv(nn.Module):
    """relu(BN(sum over k of (W_k x + b_k) (A_k * M_k)))."""

    def __init__(self, shape: Layer, adjacency: torch.Tensor, importance: bool) -> None:
        super().__init__()
        self.register_buffer("adjacency", adjacency)
        self.importance = nn.Parameter(torch.ones_like(adjacency)) if importance else None
        self.conv = nn.Conv2d(shape.channels_in, len(adjacency) * shape.channels_out, 1)
        self.norm = nn.BatchNorm2d(shape.channels_out)

    def edges(self) -> torch.Tensor:
        """A * M, (K, V, V)."""
        return self.adjacency if self.importance is None else self.adjacency * self.importance

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        edges = self.edges()
        sent = self.conv(x).unflatten(1, (len(edges), -1))
        return torch.relu(self.norm(torch.einsum("nkcfs,kts->ncft", sent, edges)))


def _layer(shape: Layer, adjacency: torch.Tensor, options: Options) -> nn.Module:
    graph = LabelledGraphConv(shape, adjacency, options.importance)
    frames = Frames(options.kernel, shape.stride)
    conv = TemporalConv(shape.channels_out, shape.channels_out, frames)
    temporal = nn.Sequential(conv, nn.Dropout(options.dropout))
    return SpatioTemporal(graph, temporal, shape.residual())


class StGcn(LayeredNet):
    """The network of ST-GCN's paper."""

    def __init__(self, task: Task, options: Options) -> None:
        task = skeleton_task(task, "st-gcn")
        adjacency = torch.as_tensor(labelled_neighbours(task.skeleton, options.strategy))
        shapes = ten_layers(task.channels, options.width)
        blocks = [_layer(shape, adjacency, options) for shape in shapes]
        super().__init__(task, blocks, shapes[-1].channels_out)
        self.input_norm = ClipNorm(task, persons_alike=True)
        self._start_small()

    def _start_small(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
