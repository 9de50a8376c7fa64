"""How many clips a network gets right."""

from __future__ import annotations

import torch
from torch import nn

EVALUATION_BATCH = 64


@torch.no_grad()
def accuracy(net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of clips whose largest logit is their class; inputs (N, C, V, T), or so many a clip."""
    net.eval()
    right = 0
    device = next(net.parameters()).device
    rows = EVALUATION_BATCH * (len(inputs) // len(labels))
    for x, y in zip(inputs.split(rows), labels.split(EVALUATION_BATCH), strict=True):
        right += int((net(x.to(device)).argmax(dim=1).cpu() == y).sum())
    return right / len(labels)
