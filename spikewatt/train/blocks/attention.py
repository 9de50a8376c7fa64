"""Attention between spikes, without a softmax: sums (Spikformer) and masks (SDT).

Tensors are (N, C, ..., tokens, T): tokens attend to each other within a step, and within each
place of the axes before them. Spikformer: arXiv 2209.15425; Spike-driven Transformer (SDT):
arXiv 2307.01694.
"""

from __future__ import annotations

import torch
from torch import nn


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(N, heads * D, ..., tokens, T) -> (N, heads, ..., T, tokens, D)."""
    split = x.unflatten(1, (heads, -1))
    return split.movedim(-1, -2).movedim(2, -1)


def merge_heads(x: torch.Tensor) -> torch.Tensor:
    """(N, heads, ..., T, tokens, D) -> (N, heads * D, ..., tokens, T)."""
    return x.movedim(-1, 2).movedim(-2, -1).flatten(1, 2)


def attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, tokens_first: bool = False
) -> torch.Tensor:
    """scale * Q K^T V of split heads (..., tokens, D).

    As Q (K^T V), or with tokens_first as (Q K^T) V. On spikes both are equal, exactly, since
    nothing that is not linear stands between the products.
    """
    if tokens_first:
        return (q @ k.transpose(-1, -2)) @ v * scale
    return q @ (k.transpose(-1, -2) @ v) * scale


def mask_sum(k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """SDT's sum over tokens of K AND V: (N, C, ..., tokens, T) -> (N, C, ..., 1, T)."""
    return (k * v).sum(dim=-2, keepdim=True)


class Attend(nn.Module):
    """scale * Q K^T V of spikes, by heads; tokens_first as in `attend`."""

    def __init__(self, heads: int, scale: float, tokens_first: bool = False) -> None:
        super().__init__()
        self.heads, self.scale, self.tokens_first = heads, scale, tokens_first

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """(N, C, ..., tokens, T) three times -> (N, C, ..., tokens, T)."""
        parts = (split_heads(x, self.heads) for x in (q, k, v))
        return merge_heads(attend(*parts, self.scale, self.tokens_first))
