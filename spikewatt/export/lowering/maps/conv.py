"""Maps that convolve over places: kernels, 1 x 1 mixing, identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from spikewatt.network import Conv, Dense, IntArray, Shape, Synapses

Places = tuple[int, int]
ONE = (1, 1)


@dataclass(frozen=True, eq=False)
class ConvMap:
    """A convolution over places; weight (C out, C in / groups, kernel x, kernel y)."""

    weight: torch.Tensor
    stride: Places = ONE
    padding: Places = (0, 0)
    groups: int = 1

    @property
    def pointwise(self) -> bool:
        """Whether it mixes channels only."""
        return self.weight.shape[2:] == ONE and self.stride == ONE and self.padding == (0, 0)

    def places(self, source: Places) -> Places:
        """Places of the target."""
        return tuple(
            (n + 2 * p - k) // s + 1
            for n, p, k, s in zip(
                source, self.padding, self.weight.shape[2:], self.stride, strict=True
            )
        )  # type: ignore[return-value]

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, X, Y, T) -> (N, C out, X', Y', T) with this geometry and any weight."""
        return functional.conv3d(
            x, weight[..., None], None, (*self.stride, 1), (*self.padding, 0), 1, self.groups
        )

    def full(self) -> torch.Tensor:
        """The weight without groups, (C out, C in, kernel x, kernel y)."""
        if self.groups == 1:
            return self.weight
        out, per_group = self.weight.shape[:2]
        full = self.weight.new_zeros(out, per_group * self.groups, *self.weight.shape[2:])
        for g, rows in enumerate(torch.arange(out).chunk(self.groups)):
            full[rows, g * per_group : (g + 1) * per_group] = self.weight[rows]
        return full

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Synapses:
        """Synapses with integer weights of this map's weight shape; all-to-all is dense."""
        conv = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
        if self.groups == 1 and target[:2] == ONE and weight.shape[2:] == source[:2]:
            return Dense(conv.reshape(len(conv), -1))
        return Conv(conv, self.stride, self.padding, groups=self.groups)


def identity(channels: int) -> ConvMap:
    """Every channel to itself."""
    return ConvMap(torch.ones(channels, 1, 1, 1), groups=channels)


def is_scalar(m: object) -> bool:
    """Whether the map multiplies everything by one number."""
    if not isinstance(m, ConvMap) or not m.pointwise or m.groups != m.weight.shape[0]:
        return False
    return bool((m.weight == m.weight.reshape(-1)[0]).all())
