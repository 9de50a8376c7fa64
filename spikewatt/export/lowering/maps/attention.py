"""Attention between the places of one step."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch

from spikewatt.network import Attention, IntArray, Shape


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """w Q K^T V between the places of one step; weight (1,). It has three sources, q, k and v.

    Places in flat order fall into `blocks` equal groups, whose places attend among themselves.
    """

    weight: torch.Tensor
    heads: int
    blocks: int = 1

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """(N, heads D, X, Y, T) -> (N, heads, blocks, T, tokens, D)."""
        n, c, places, t = x.flatten(2, 3).shape
        split = x.reshape(n, self.heads, c // self.heads, self.blocks, places // self.blocks, t)
        return split.permute(0, 1, 3, 5, 4, 2)

    def apply(
        self, weight: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        """(N, C, X, Y, T) three times -> (N, C, X, Y, T)."""
        queries, keys, values = (self.split(x) for x in (q, k, v))
        mixed = queries @ (keys.transpose(-1, -2) @ values)
        return weight * mixed.permute(0, 1, 5, 2, 4, 3).reshape(q.shape)

    def lower(self, weight: IntArray, sources: tuple[int, ...], shape: Shape) -> Attention:
        """Attention synapses, in the order of products that has fewer dense operations."""
        _, keys, values = sources
        first = self.tokens_first(shape)
        return Attention(weight, self.heads, keys, values, self.blocks, tokens_first=first)

    def tokens_first(self, shape: Shape) -> bool:
        """Whether a population of this shape takes (Q K^T) V: it has fewer tokens than channels."""
        return prod(shape[:2]) // self.blocks < shape[2] // self.heads
