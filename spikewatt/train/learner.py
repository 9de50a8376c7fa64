"""What learns in a phase of training: a network, its optimisers, its average, its teachers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn

from spikewatt.train.averaging import Average
from spikewatt.train.checkpoint import Checkpoint
from spikewatt.train.distill import Distillation
from spikewatt.train.recipe import Recipe
from spikewatt.train.schedule import optimizer as make_optimizer


class Learner:
    """One phase of a network.

    shaped: clips as they come to clips as the network takes them. distillation: of this network,
    None where the labels alone teach it. resumed: where a checkpoint left the phase.
    """

    def __init__(
        self,
        net: nn.Module,
        shaped: Callable[[torch.Tensor], torch.Tensor],
        recipe: Recipe,
        distillation: Distillation | None = None,
    ) -> None:
        self.net, self.shaped, self.recipe = net, shaped, recipe
        self.distillation = distillation
        self.average: Average | None = None

    def set_up(self, fabric: Fabric, resumed: Checkpoint | None) -> None:
        """Wrap everything for the device; resumed: a checkpoint within this phase."""
        self.fabric = fabric
        optimizers = self._new_optimizers()
        if resumed is not None:
            self._load(resumed, optimizers)
        trained = self.distillation or self.net
        self.wrapped, *self.optimizers = fabric.setup(trained, *optimizers)
        if self.recipe.ema:
            self.average = Average(self.net, self.recipe.ema)
            if resumed is not None:
                self.average.load(resumed.averaged)

    def _new_optimizers(self) -> list[torch.optim.Optimizer]:
        if self.distillation is not None:
            return self.distillation.optimizers(self.recipe)
        trained = (p for p in self.net.parameters() if p.requires_grad)
        return [make_optimizer(trained, self.recipe)]

    def _load(self, saved: Checkpoint, optimizers: list[torch.optim.Optimizer]) -> None:
        states = [saved.optimizer, *saved.beside.get("optimizers", ())]
        for optimizer, state in zip(optimizers, states, strict=True):
            optimizer.load_state_dict(state)
        if self.distillation is not None:
            self.distillation.translations.load_state_dict(saved.beside["weights"])

    def step(
        self, x: torch.Tensor, y: torch.Tensor, rate: float, number: int
    ) -> dict[str, torch.Tensor]:
        """Step `number` of the phase, from 1; the losses by name, `total` among them."""
        losses = self._losses(*self.fabric.to_device((x, y)))
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.fabric.backward(losses["total"])
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            self.fabric.clip_gradients(self.wrapped, optimizer, max_norm=self.recipe.grad_clip)
            optimizer.step()
        if self.average is not None:
            self.average.update(self.net, number)
        return losses

    def _losses(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        """`total`, with teachers also what it is made of; a network may add its `auxiliary`."""
        if self.distillation is not None:
            losses = self.distillation.losses(x, y)
        else:
            smoothing = self.recipe.label_smoothing
            logits = self.wrapped(self.shaped(x))
            loss = nn.functional.cross_entropy(logits, y, label_smoothing=smoothing)
            losses = {"total": loss}
        return {**losses, "total": losses["total"] + getattr(self.net, "auxiliary", 0.0)}

    @property
    def rate(self) -> float:
        """Learning rate of the last step."""
        return float(self.optimizers[0].param_groups[0]["lr"])

    def saved(self) -> dict[str, Any]:
        """Entries of a checkpoint from which `set_up` goes on."""
        first, *others = (o.state_dict() for o in self.optimizers)
        beside = {}
        if self.distillation is not None:
            weights = self.distillation.translations.state_dict()
            beside = {"weights": weights, "optimizers": others}
        averaged = None if self.average is None else self.average.weights
        return {"optimizer": first, "averaged": averaged, "beside": beside}
