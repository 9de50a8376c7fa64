"""Batch normalisation of tensors whose steps come last."""

from __future__ import annotations

import torch
from torch import nn


class StepNorm(nn.BatchNorm1d):
    """Batch normalisation by channel over samples, space and steps: (N, C, ..., T) -> same."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise with statistics that all steps share, so that the scale folds into weights."""
        return super().forward(input.flatten(2)).view(input.shape)
