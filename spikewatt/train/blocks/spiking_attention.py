"""Self-attention between joints on spikes, as in SA-SGC (MK-SGN, arXiv 2404.10210)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.attention import Attend
from spikewatt.train.blocks.membrane import reached_at
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer


@dataclass(frozen=True)
class Attention:
    """heads; scale of Q K^T V; threshold of the spikes that leave; bias of the 1x1s.

    tokens_first: (Q K^T) V, in whose order papers count, else Q (K^T V). The spikes are the same.
    """

    heads: int = 1
    scale: float = 0.125
    threshold: float = 1.0
    bias: bool = True
    tokens_first: bool = True


class SpikingAttention(nn.Module):
    """LIF(scale Q K^T V), q, k, v = LIF(BN(1x1 x)); no output projection.

    The sums are whole multiples of `scale`, so the last population fires at its threshold, too.
    """

    def __init__(self, channels: int, attention: Attention, neuron: BuildNeuron) -> None:
        super().__init__()
        if channels % attention.heads:
            raise SpikewattError(
                f"{attention.heads} heads cannot share {channels} channels. Take a divisor."
            )
        self.query, self.key, self.value = (
            SpikingLayer(Pointwise(channels, channels, attention.bias), channels, neuron(1.0))
            for _ in range(3)
        )
        self.attend = Attend(attention.heads, attention.scale, attention.tokens_first)
        self.neuron = neuron(reached_at(attention.threshold))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, ..., V, T) -> (N, C, ..., V, T) spikes; joints attend within a place and step."""
        return self.neuron(self.attend(self.query(x), self.key(x), self.value(x)))
