"""Attention by masks (Spike-driven Transformer, arXiv 2307.01694): ANDs and a sum over tokens."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.attention import mask_sum
from spikewatt.train.blocks.pointwise import Pointwise


class MaskMixer(nn.Module):
    """mask[c] = LIF(sum over tokens of k[c] AND v[c]), y = q AND mask.

    mix_heads: a learned heads x heads map between the sum and its neurons, the identity at first.
    """

    def __init__(self, heads: int, neuron: nn.Module, mix_heads: bool) -> None:
        super().__init__()
        self.heads = heads
        self.heads_map = Pointwise(heads, heads, bias=False) if mix_heads else nn.Identity()
        if mix_heads:
            nn.init.dirac_(self.heads_map.weight)
        self.neuron = neuron

    def mask(self, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """(N, C, tokens, T) spikes, twice -> (N, C, 1, T) spikes."""
        summed = mask_sum(k, v).unflatten(1, (self.heads, -1))
        return self.neuron(self.heads_map(summed).flatten(1, 2))

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Three of (N, C, tokens, T) spikes -> (N, C, tokens, T) spikes."""
        return q * self.mask(k, v)
