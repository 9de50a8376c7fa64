"""Graphs of several reaches, over joints and over windows of frames (MS-G3D, arXiv 2003.14111)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from spikewatt.train.blocks.ann.adjacency import Array
from spikewatt.train.blocks.ann.temporal import Frames, MultiScaleTemporal, Scales, residual

MASK_START = 1e-6


class MultiScaleGraph(nn.Module):
    """relu(BN(W [x (A_0 + M_0), ..., x (A_K + M_K)] + b))."""

    def __init__(self, adjacency: Array, channels_in: int, channels_out: int, mask: bool) -> None:
        super().__init__()
        fixed = torch.as_tensor(adjacency)
        self.register_buffer("adjacency", fixed)
        start = torch.empty_like(fixed).uniform_(-MASK_START, MASK_START)
        self.mask = nn.Parameter(start) if mask else None
        self.conv = nn.Conv2d(len(fixed) * channels_in, channels_out, 1)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, nodes) -> (N, C out, F, nodes)."""
        edges = self.adjacency if self.mask is None else self.adjacency + self.mask
        heard = torch.einsum("kts,ncfs->nkcft", edges, x).flatten(1, 2)
        return torch.relu(self.norm(self.conv(heard)))


def unfold_windows(x: torch.Tensor, window: Frames) -> torch.Tensor:
    """Frames around every stride-th frame: (N, C, F, V) -> (N, C, ceil(F / stride), window V).

    Frames of a window follow each other along the last axis; zeros stand outside the clip.
    """
    padded = F.pad(x, (0, 0, window.padding, window.padding))
    spans = padded.unfold(2, 2 * window.padding + 1, window.stride)[..., :: window.dilation]
    return spans.movedim(-1, -2).flatten(3)


class WindowGraph(nn.Module):
    """G3D: a graph convolution over the nodes of windows, and one that joins their frames."""

    def __init__(self, graph: MultiScaleGraph, channels_out: int, window: Frames) -> None:
        super().__init__()
        self.window, self.graph = window, graph
        inner = graph.conv.out_channels
        self.join = nn.Conv3d(inner, channels_out, (1, window.kernel, 1))
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, ceil(F / stride), V); no activation."""
        nodes = self.graph(unfold_windows(x, self.window))
        joined = self.join(nodes.unflatten(3, (self.window.kernel, -1)))
        return self.norm(joined.squeeze(3))


class MultiScaleLayer(nn.Module):
    """Multi-scale temporal convolution, kernel 3, with a residual; no activation."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        branches = Scales(kernel=3, dilations=(1, 2, 3, 4), stride=stride)
        self.scales = MultiScaleTemporal(channels_in, channels_out, branches)
        self.residual = residual(channels_in, channels_out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, ceil(F / stride), V)."""
        return self.scales(x) + self.residual(x)
