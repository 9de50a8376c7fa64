"""Graph convolutions over joints. Tensors are (N, C, F, V), adjacency [target, source]."""

from __future__ import annotations

import math

import torch
from torch import nn

from spikewatt.train.blocks.ann.temporal import frame_conv, residual


def gather(x: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
    """y[t] = sum over sources s of A[t, s] x[s].

    x (N, C, F, V), adjacency (V, V), or (N, V, V) with one for each clip.
    """
    n, c, f, v = x.shape
    return torch.matmul(x.reshape(n, c * f, v), adjacency.transpose(-1, -2)).view(n, c, f, -1)


class SubsetConv(nn.Module):
    """y = sum over subsets k of W_k (x A_k) + b_k."""

    def __init__(self, channels_in: int, channels_out: int, subsets: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(frame_conv(channels_in, channels_out) for _ in range(subsets))
        for conv in self.convs:  # small, so that learned adjacency moves as fast as the weights
            nn.init.normal_(conv.weight, std=math.sqrt(2 / (conv.weight.numel() * subsets)))

    def forward(self, x: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
        """x (N, C in, F, V), adjacency (K, V, V) or (K, N, V, V) -> (N, C out, F, V)."""
        pairs = zip(self.convs, adjacency, strict=True)
        return sum(conv(gather(x, a)) for conv, a in pairs)


class GraphLayer(nn.Module):
    """relu(norm(convolution(x)) + residual(x)), the residual a 1x1 where channels change.

    The norm starts with a gain of almost 0, so that the layer starts as its residual.
    """

    def __init__(
        self,
        convolution: nn.Module,
        channels_in: int,
        channels_out: int,
        norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.BatchNorm2d(channels_out) if norm is None else norm
        if norm is None:
            nn.init.constant_(self.norm.weight, 1e-6)
        self.residual = residual(channels_in, channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, F, V)."""
        return torch.relu(self.norm(self.convolution(x)) + self.residual(x))
