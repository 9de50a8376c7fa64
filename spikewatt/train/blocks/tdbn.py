"""Time-dependent batch normalisation: every step has statistics and an affine map of its own."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.errors import SpikewattError


class TimeDependentNorm(nn.BatchNorm1d):
    """SVFormer's TDBN: batch normalisation of steps x channels features (N, C, ..., T) -> same.

    y[c, t] = weight[t, c] (x[c, t] - mean[t, c]) / sqrt(var[t, c] + eps) + bias[t, c], mean and
    variance over samples and space. Features are numbered step by step: t * channels + c.
    """

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__(steps * channels)
        self.channels, self.steps = channels, steps

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise each step by itself; SpikewattError for clips of another length."""
        if input.shape[-1] != self.steps:
            raise SpikewattError(
                f"A time-dependent norm of {self.steps} steps got {input.shape[-1]} steps. "
                "Build the network for this number of frames, or use norms that steps share."
            )
        by_step = input.movedim(-1, 1)
        normed = super().forward(by_step.flatten(1, 2).flatten(2))
        return normed.view(by_step.shape).movedim(1, -1)
