"""Spiking coding of MK-SGN, arXiv 2404.10210: a clip repeated over the steps, then spikes."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer


def repeat_steps(x: torch.Tensor, steps: int) -> torch.Tensor:
    """The same values at every step (the paper's PCM): (N, C, ...) -> (N, C, ..., steps)."""
    return x.unsqueeze(-1).expand(*x.shape, steps)


class SpikingCoding(nn.Module):
    """LIF(BN(Conv2d 3x3 over frames and joints)) of the repeated clip."""

    def __init__(self, channels: int, steps: int, neuron: BuildNeuron) -> None:
        super().__init__()
        self.steps = steps
        conv = nn.Conv3d(channels, channels, kernel_size=(3, 3, 1), padding=(1, 1, 0))
        self.layer = SpikingLayer(conv, channels, neuron(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, F, V) values -> (N, C, F, V, S) spikes."""
        return self.layer(repeat_steps(x, self.steps))
