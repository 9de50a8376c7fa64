"""The pattern of most spiking layers: a linear map, a normalisation, a population."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikewatt.train.blocks.norm import StepNorm

# threshold -> a population of its own
BuildNeuron = Callable[[float], nn.Module]


class SpikingLayer(nn.Module):
    """y = neuron(norm(conv(x))), three submodules, so that the norm folds and the rest lowers."""

    def __init__(self, conv: nn.Module, channels: int, neuron: nn.Module) -> None:
        super().__init__()
        self.conv, self.norm, self.neuron = conv, StepNorm(channels), neuron

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, ..., T) -> (N, channels, ..., T) spikes."""
        return self.neuron(self.norm(self.conv(x)))
