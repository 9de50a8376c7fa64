"""Spiking multimodal fusion (SMF) of MK-SGN, arXiv 2404.10210: P = sum over m of W_m P_m.

How much two modalities tell of each other is bounded from below as in MINE (arXiv 1801.04062):
mi = mean t - log mean exp t', where t is the statistic of a pair and t' that of the pair with the
second member's steps shuffled. W: each modality's share of all bounds, then min-max, so that the
weakest modality gets 0 and the strongest 1 (Eq. 21-23).

The paper works W out on the clips of inference, too. Here W is frozen from the training set: a
chip holds it in its weights, and what a clip gives does not depend on the others in its batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import torch
from torch import nn

from spikewatt.errors import SpikewattError, unknown_name

HIDDEN = 32
MOMENTUM = 0.1  # of the bounds kept for inference


def fusion_weights(bounds: torch.Tensor) -> torch.Tensor:
    """Weights of the modalities, (M,), from the bounds of their pairs, (M, M) with diagonal 0.

    Row sums over their total, then min-max. Bounds may be below 0 early in training; the total's
    magnitude divides, so that the strongest stays 1. Equal rows (two modalities) all get 1.
    """
    rows = bounds.sum(dim=1)
    share = rows / rows.sum().abs().clamp_min(torch.finfo(rows.dtype).tiny)
    span = share.max() - share.min()
    stretched = (share - share.min()) / span.clamp_min(torch.finfo(rows.dtype).tiny)
    return torch.where(span > 0, stretched, torch.ones_like(stretched))


def lower_bound(joined: torch.Tensor, shuffled: torch.Tensor) -> torch.Tensor:
    """mean t - log mean exp t' of statistics of any shape: a bound of mutual information, nats."""
    mean_exp = torch.logsumexp(shuffled.flatten(), dim=0) - math.log(shuffled.numel())
    return joined.mean() - mean_exp


def sequences(spikes: torch.Tensor) -> torch.Tensor:
    """Each frame's course over the steps: (N, C, F, V, S) -> (N F, S, C V)."""
    return spikes.permute(0, 2, 4, 1, 3).flatten(3).flatten(0, 1)


class Statistic(nn.Module):
    """t = FC(LSTM(first, second)): the network whose mean differs between joined and shuffled."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2 * features, HIDDEN, batch_first=True)
        self.output = nn.Linear(HIDDEN, 1)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Two of (B, S, features) -> (B, S)."""
        return self.output(self.lstm(torch.cat([first, second], dim=-1))[0]).squeeze(-1)


class _Ascend(torch.autograd.Function):
    """The identity on y, whose backward pass also climbs the bound, whatever the loss is."""

    @staticmethod
    def forward(ctx, y, bound):
        ctx.save_for_backward(bound)
        return y.view_as(y)

    @staticmethod
    def backward(ctx, grad):
        (bound,) = ctx.saved_tensors
        return grad, -torch.ones_like(bound)


class MutualInformationFusion(nn.Module):
    """SMF. In training W comes from the batch, in evaluation from the running bounds of training.

    The task's loss does not reach the statistic (min-max has no useful slope where bounds are
    near each other): the statistic climbs its own bounds in each backward pass.
    """

    def __init__(self, modalities: int, features: int) -> None:
        """features: channels of one modality x joints."""
        super().__init__()
        self.statistic = Statistic(features)
        self.register_buffer("bounds", torch.zeros(modalities, modalities))

    @property
    def weights(self) -> torch.Tensor:
        """The frozen W, (M,)."""
        return fusion_weights(self.bounds)

    def pair_bounds(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Bounds of all pairs, (M, M), symmetric, diagonal 0, of M parts (N, C, F, V, S)."""
        courses = [sequences(part.detach()) for part in parts]
        order = torch.randperm(parts[0].shape[-1]).to(parts[0].device)
        pairs = list(combinations(range(len(courses)), 2))
        values = [self._bound(courses[i], courses[j], order) for i, j in pairs]
        zero = torch.zeros_like(values[0])
        found = dict(zip(pairs, values, strict=True))
        range_m = range(len(courses))
        rows = [[found.get((min(i, j), max(i, j)), zero) for j in range_m] for i in range_m]
        return torch.stack([torch.stack(row) for row in rows])

    def _bound(
        self, first: torch.Tensor, second: torch.Tensor, order: torch.Tensor
    ) -> torch.Tensor:
        shuffled = second.index_select(1, order)
        return lower_bound(self.statistic(first, second), self.statistic(first, shuffled))

    def forward(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """M of (N, C, F, V, S) -> (N, C, F, V, S)."""
        if not self.training:
            return weighted_sum(parts, self.weights)
        bounds = self.pair_bounds(parts)
        with torch.no_grad():
            self.bounds.lerp_(bounds, MOMENTUM)
        fused = weighted_sum(parts, fusion_weights(bounds.detach()))
        return _Ascend.apply(fused, bounds.sum())

    @torch.no_grad()
    def freeze(self, batches: Iterable[Sequence[torch.Tensor]]) -> None:
        """Set the bounds to their mean over batches of parts, the whole training set's."""
        found = [self.pair_bounds(parts) for parts in batches]
        if not found:
            raise SpikewattError("Fusion weights need at least one batch; found none.")
        self.bounds.copy_(torch.stack(found).mean(dim=0))


class ConstantFusion(nn.Module):
    """P = w sum over m of P_m: the mean, or the sum."""

    def __init__(self, modalities: int, weight: float) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((modalities,), weight))

    def forward(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """M of (N, C, F, V, S) -> (N, C, F, V, S)."""
        return weighted_sum(parts, self.weights)


def weighted_sum(parts: Sequence[torch.Tensor], weights: torch.Tensor) -> torch.Tensor:
    """sum over m of weights[m] parts[m], weights (M,)."""
    return sum(w * p for w, p in zip(weights, parts, strict=True))


def _mean(modalities: int, features: int) -> nn.Module:
    return ConstantFusion(modalities, 1 / modalities)


def _sum(modalities: int, features: int) -> nn.Module:
    return ConstantFusion(modalities, 1.0)


FUSIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "mutual-information": MutualInformationFusion,
    "mean": _mean,
    "sum": _sum,
}


def fusion(name: str, modalities: int, features: int) -> nn.Module:
    """The fusion of this name; SpikewattError with the known names."""
    if name not in FUSIONS:
        raise unknown_name("fusion", name, list(FUSIONS))
    return FUSIONS[name](modalities, features)
