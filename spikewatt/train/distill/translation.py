"""The feature translation module (FTM): teachers' features to spikes of the student's shape."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.coding import SpikingCoding
from spikewatt.train.blocks.spiking_layer import BuildNeuron


class FeatureTranslation(nn.Module):
    """Depthwise 3x3 -> 1x1 -> BN -> repeat over the steps -> Conv2d -> BN -> LIF.

    Training only; its spikes are what the student's block is matched with.
    """

    def __init__(
        self, channels_in: int, channels_out: int, steps: int, neuron: BuildNeuron
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)
        self.norm = nn.BatchNorm2d(channels_out)
        self.coding = SpikingCoding(channels_out, steps, neuron)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) features -> (N, C out, F, V, S) spikes."""
        return self.coding(self.norm(self.pointwise(self.depthwise(x))))
