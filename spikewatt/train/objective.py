"""What a phase of training minimises: a network's losses on a batch, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.train.distill import Distillation
from spikewatt.train.events import Counter, watched
from spikewatt.train.recipe import Recipe

COUNTED = "synaptic_events"  # of a clip, beside the losses


@dataclass(frozen=True, eq=False)
class Beside:
    """What a network learns from besides the labels.

    shaped: clips as they come to clips as the network takes them. distillation: of this network.
    counter: of its synaptic events, None where they cost nothing.
    """

    shaped: Callable[[torch.Tensor], torch.Tensor]
    distillation: Distillation | None = None
    counter: Counter | None = None


class Objective(nn.Module):
    """Losses of a network on clips and labels; all of them are means over the clips."""

    def __init__(self, net: nn.Module, recipe: Recipe, beside: Beside) -> None:
        super().__init__()
        self.net, self.recipe = net, recipe
        self.distillation = beside.distillation
        self.shaped, self.counter = beside.shaped, beside.counter
        self.priced = False  # whether events cost something now

    def begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""
        self.priced = self.counter is not None and epoch >= self.recipe.events.start_epoch
        if self.priced:
            self.counter.renew()

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        """`total` and what it is made of before their shares; a network may add `auxiliary`."""
        if not self.priced:
            return self._learned(x, y)
        with watched(self.counter.modules) as seen:
            losses = self._learned(x, y)
        events, price = self.counter.events(x, seen), self.recipe.events
        over = (events.clamp(min=price.target) / price.target).log().mean()
        total = losses["total"] + price.weight * over.to(losses["total"].dtype)
        return {**losses, "total": total, "events": over, COUNTED: events.mean()}

    def _learned(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.distillation is not None:
            losses = self.distillation.losses(x, y)
        else:
            smoothing = self.recipe.label_smoothing
            found = self.net(self.shaped(x))
            loss = nn.functional.cross_entropy(found, y, label_smoothing=smoothing)
            losses = {"total": loss, "class": loss}
        return {**losses, "total": losses["total"] + getattr(self.net, "auxiliary", 0.0)}
