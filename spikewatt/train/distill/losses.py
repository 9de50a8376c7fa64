"""What is measured between teachers and student."""

from __future__ import annotations

import torch
from torch import nn

ONE_SPIKE = 1.0  # the shortest vector of spikes that is not 0


def soft_distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Soft-label loss: mean of (student - teacher)^2 over clips and classes, both (N, classes)."""
    return nn.functional.mse_loss(student, teacher)


def cosine_distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean over clips, places and steps of 1 - cos between channel vectors; both (N, C, ...).

    Lengths below one spike count as one: nothing changes for spikes, and silent places, whose
    cosine is 0, have a bounded gradient.
    """
    cosine = nn.functional.cosine_similarity(student, teacher, dim=1, eps=ONE_SPIKE)
    return (1 - cosine).mean()
