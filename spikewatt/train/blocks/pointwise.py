"""Channel mixing: the 1x1 convolution of any space."""

from __future__ import annotations

import torch
from torch import nn


class Pointwise(nn.Conv1d):
    """y[o] = sum over i of W[o, i] x[i] (+ b[o]) at every place and step."""

    def __init__(self, channels_in: int, channels_out: int, bias: bool = True) -> None:
        super().__init__(channels_in, channels_out, kernel_size=1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(N, C in, ..., T) -> (N, C out, ..., T)."""
        return super().forward(input.flatten(2)).unflatten(2, input.shape[2:])
