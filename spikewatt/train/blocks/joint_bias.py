"""A learned current of each joint and channel: on a chip the bias of its neuron, without events."""

from __future__ import annotations

import torch
from torch import nn


class JointBias(nn.Module):
    """y = x + b[c, v], zero at first: weights that joints share can then tell the joints apart."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, joints))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> same."""
        return x + self.bias[:, :, None]
