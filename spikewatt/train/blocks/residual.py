"""Residual branches of both kinds: spikes added to spikes, and potentials added to potentials.

Spikes (Spikformer, arXiv 2209.15425): a branch ends in a neuron, x + LIF(BN(W x)); sums are
integers. Membrane (MS-ResNet, arXiv 2112.08954): it starts with one, x + BN(W LIF(x)); sums are
potentials, and every neuron reads the sum of all branches before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.errors import unknown_name
from spikewatt.train.blocks.pointwise import Pointwise


@dataclass(frozen=True)
class Parts:
    """What a network is made of.

    neuron: makes a population, with `threshold=` if it is not the usual one. norm: makes the
    normalisation of so many channels.
    """

    neuron: Callable[..., nn.Module]
    norm: Callable[[int], nn.Module]


class Residual(nn.Module):
    """x + branch(x)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, ..., T) -> same."""
        return x + self.branch(x)


class LinearThenSpike(nn.Module):
    """LIF(norm(W x + b)): a stage of a spike residual."""

    def __init__(
        self, channels_in: int, channels_out: int, parts: Parts, bias: bool = True
    ) -> None:
        super().__init__()
        self.linear = Pointwise(channels_in, channels_out, bias)
        self.norm = parts.norm(channels_out)
        self.neuron = parts.neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, ..., T) spikes or their sums -> (N, C out, ..., T) spikes."""
        return self.neuron(self.norm(self.linear(x)))


class SpikeThenLinear(nn.Module):
    """norm(W LIF(x) + b): a stage of a membrane residual."""

    def __init__(
        self, channels_in: int, channels_out: int, parts: Parts, bias: bool = True
    ) -> None:
        super().__init__()
        self.neuron = parts.neuron()
        self.linear = Pointwise(channels_in, channels_out, bias)
        self.norm = parts.norm(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, ..., T) potentials -> (N, C out, ..., T) potentials."""
        return self.norm(self.linear(self.neuron(x)))


RESIDUALS: dict[str, type[LinearThenSpike] | type[SpikeThenLinear]] = {
    "spikes": LinearThenSpike,
    "membrane": SpikeThenLinear,
}


def residual_stage(kind: str) -> type[LinearThenSpike] | type[SpikeThenLinear]:
    """The stage of this kind of residual; SpikewattError with the known kinds."""
    if kind not in RESIDUALS:
        raise unknown_name("kind of residual", kind, list(RESIDUALS))
    return RESIDUALS[kind]
