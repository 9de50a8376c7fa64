"""How many clips a network gets right."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import nn
from torch.nn.functional import cross_entropy

EVALUATION_BATCH = 64


@torch.no_grad()
def accuracy(net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of clips whose largest logit is their class; inputs (N, C, V, T), or so many a clip."""
    pairs = _answers(net, inputs, labels)
    return sum(int((found.argmax(dim=1) == y).sum()) for found, y in pairs) / len(labels)


@torch.no_grad()
def mean_loss(
    net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, smoothing: float
) -> float:
    """Cross-entropy of the clips, smoothed labels; as `accuracy`."""
    loss = partial(cross_entropy, reduction="sum", label_smoothing=smoothing)
    return sum(float(loss(f, y)) for f, y in _answers(net, inputs, labels)) / len(labels)


def _answers(
    net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Logits and labels, some clips at a time, on the CPU."""
    net.eval()
    device = next(net.parameters()).device
    rows = EVALUATION_BATCH * (len(inputs) // len(labels))
    for x, y in zip(inputs.split(rows), labels.split(EVALUATION_BATCH), strict=True):
        yield net(x.to(device)).float().cpu(), y
