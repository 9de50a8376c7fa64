"""Maps of single neurons: gains of places, listed pairs, one place to all."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from spikewatt.export.lowering.maps.conv import Places
from spikewatt.export.lowering.maps.indices import on_device
from spikewatt.network import IntArray, Shape, Sparse


@dataclass(frozen=True, eq=False)
class PlaceMap:
    """y[c, p] = g[c, p] x[c, p]: a gain of its own for each neuron; weight (C, X, Y)."""

    weight: torch.Tensor

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C, X, Y, T) -> same."""
        return weight[None, ..., None] * x

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses, one a neuron."""
        index = np.arange(prod(target), dtype=np.int32)
        flat = weight.transpose(1, 2, 0).reshape(-1)
        return Sparse(index, index, flat, (index.size, index.size), index.size)


@dataclass(frozen=True, eq=False)
class ListedMap:
    """y[t] = sum of w x[s] over listed pairs of neurons (t, s), both in flat (x, y, c) order."""

    weight: torch.Tensor  # (pairs,)
    targets: torch.Tensor
    sources: torch.Tensor
    target: Shape
    macs: int

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, X, Y, T) -> (N, C out, X', Y', T)."""
        n, t = x.shape[0], x.shape[-1]
        flat = x.permute(2, 3, 1, 0, 4).reshape(-1, n * t)
        targets, sources = on_device(self, x.device)
        sent = flat.index_select(0, sources) * weight[:, None]
        z = sent.new_zeros(prod(self.target), n * t).index_add(0, targets, sent)
        return z.view(*self.target, n, t).permute(3, 2, 0, 1, 4)

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses; an integer weight of 0 is not listed."""
        stored = weight != 0
        to, seen = (i.numpy()[stored].astype(np.int32) for i in (self.targets, self.sources))
        return Sparse(to, seen, weight[stored], (prod(target), prod(source)), self.macs)


@dataclass(frozen=True, eq=False)
class SpreadMap:
    """From one place to every place, channel by channel; weight (1,)."""

    weight: torch.Tensor
    target_places: Places

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C, 1, 1, T) -> (N, C, X, Y, T)."""
        return weight * x.expand(-1, -1, *self.target_places, -1)

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses, one a neuron of the target."""
        size, channels = prod(target), target[-1]
        index = np.arange(size, dtype=np.int32)
        values = np.full(size, weight[0], np.int32)
        return Sparse(index, index % channels, values, (size, channels), size)
