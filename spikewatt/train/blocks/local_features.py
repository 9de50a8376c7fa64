"""SVFormer's local parts: depthwise convolutions between channel mixings, without neurons inside.

The three linear maps of a branch are one linear map, so they lower to merged synapses.
"""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.residual import Parts


class Depthwise(nn.Conv3d):
    """k x k convolution of each channel by itself, at every step; padding k // 2."""

    def __init__(self, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            channels,
            channels,
            (kernel, kernel, 1),
            stride=(stride, stride, 1),
            padding=(kernel // 2, kernel // 2, 0),
            groups=channels,
        )


class LocalExtractor(nn.Module):
    """LFE: PLIF -> 1x1 -> depthwise 5x5 -> 1x1 -> norm."""

    def __init__(self, channels: int, parts: Parts) -> None:
        super().__init__()
        self.neuron = parts.neuron()
        self.mix = Pointwise(channels, channels)
        self.depthwise = Depthwise(channels, kernel=5)
        self.project = Pointwise(channels, channels)
        self.norm = parts.norm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W, T) potentials -> same."""
        return self.norm(self.project(self.depthwise(self.mix(self.neuron(x)))))


class LocalPath(nn.Module):
    """LP: PLIF -> depthwise 3x3, stride 2 -> 1x1 -> norm; goes around the last two stages."""

    def __init__(self, channels_in: int, channels_out: int, parts: Parts) -> None:
        super().__init__()
        self.neuron = parts.neuron()
        self.depthwise = Depthwise(channels_in, kernel=3, stride=2)
        self.project = Pointwise(channels_in, channels_out)
        self.norm = parts.norm(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, H, W, T) potentials -> (N, C out, H / 2, W / 2, T) potentials."""
        return self.norm(self.project(self.depthwise(self.neuron(x))))
