"""Self-attention of spiking transformers: neurons on q, k and v, a way to mix them, a projection.

Sums: LIF(scale q (k^T v)), Spikformer's SSA (arXiv 2209.15425) and SVFormer's GSA (IJCAI 2024).
Masks are in `mask_attention`.
"""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.attention import Attend
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.residual import LinearThenSpike, Parts, residual_stage


class SumMixer(nn.Module):
    """LIF(scale q k^T v) by head.

    tokens_first: computes (q k^T) v, tokens x tokens values, instead of q (k^T v); on spikes the
    result is the same.
    """

    def __init__(
        self, heads: int, scale: float, neuron: nn.Module, tokens_first: bool = False
    ) -> None:
        super().__init__()
        self.attend = Attend(heads, scale, tokens_first)
        self.neuron = neuron

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Three of (N, C, tokens, T) spikes -> (N, C, tokens, T) spikes."""
        return self.neuron(self.attend(q, k, v))


class TokenAttention(nn.Module):
    """q, k, v = LIF(norm(W x)); norm(W mixer(q, k, v)), between neurons as the residual asks.

    residual: "spikes" (x are spikes, neurons last) or "membrane" (x are potentials, neurons
    first). bias: of q, k and v; the projection has one always.
    """

    def __init__(
        self, channels: int, mixer: nn.Module, parts: Parts, residual: str, bias: bool = True
    ) -> None:
        super().__init__()
        ends_in_spikes = residual_stage(residual) is LinearThenSpike
        self.entry = nn.Identity() if ends_in_spikes else parts.neuron()
        self.query = LinearThenSpike(channels, channels, parts, bias)
        self.key = LinearThenSpike(channels, channels, parts, bias)
        self.value = LinearThenSpike(channels, channels, parts, bias)
        self.mixer = mixer
        self.project = Pointwise(channels, channels)
        self.norm = parts.norm(channels)
        self.exit = parts.neuron() if ends_in_spikes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, *space, T) -> same; every place is a token, within its step."""
        spikes = self.entry(x.flatten(2, -2))
        mixed = self.mixer(self.query(spikes), self.key(spikes), self.value(spikes))
        return self.exit(self.norm(self.project(mixed))).view(x.shape)


class GlobalAttention(nn.Module):
    """SVFormer's GSA: PLIF -> one map to q, k, v -> norm -> PLIF each; sums; map -> norm.

    The scale is head_dim^-1/2. Raises SpikewattError where heads do not divide the channels.
    """

    def __init__(self, channels: int, head_dim: int, parts: Parts) -> None:
        super().__init__()
        if channels % head_dim:
            raise SpikewattError(
                f"Global attention over {channels} channels with heads of {head_dim}: "
                f"channels must be a multiple of {head_dim}."
            )
        self.entry = parts.neuron()
        self.qkv = Pointwise(channels, 3 * channels)
        self.qkv_norm = parts.norm(3 * channels)
        self.neurons = nn.ModuleList(parts.neuron() for _ in range(3))
        self.mixer = SumMixer(channels // head_dim, head_dim**-0.5, parts.neuron())
        self.project = Pointwise(channels, channels)
        self.norm = parts.norm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, *space, T) potentials -> same."""
        currents = self.qkv_norm(self.qkv(self.entry(x.flatten(2, -2)))).chunk(3, dim=1)
        q, k, v = (neuron(c) for neuron, c in zip(self.neurons, currents, strict=True))
        return self.norm(self.project(self.mixer(q, k, v))).view(x.shape)
