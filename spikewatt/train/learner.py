"""What learns in a phase of training: a network, its optimisers, its average, its teachers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn

from spikewatt.train.averaging import Average
from spikewatt.train.batches import Batch
from spikewatt.train.checkpoint import Checkpoint
from spikewatt.train.objective import Beside, Objective
from spikewatt.train.quantised import QuantisedNetwork
from spikewatt.train.recipe import Recipe
from spikewatt.train.schedule import optimizer as make_optimizer


class Learner:
    """One phase of a network.

    beside: what it learns from besides the labels. resumed: where a checkpoint left the phase.
    """

    def __init__(self, net: nn.Module, recipe: Recipe, beside: Beside) -> None:
        self.net, self.recipe = net, recipe
        self.distillation = beside.distillation
        self.objective = Objective(net, recipe, beside)
        self.average: Average | None = None

    def set_up(self, fabric: Fabric, resumed: Checkpoint | None) -> None:
        """Wrap everything for the device; resumed: a checkpoint within this phase."""
        self.fabric = fabric
        optimizers = self._new_optimizers()
        if resumed is not None:
            self._load(resumed, optimizers)
        self.wrapped, *self.optimizers = fabric.setup(self.objective, *optimizers)
        if self.recipe.ema:
            self.average = Average(self.net, self.recipe.ema)
            if resumed is not None:
                self.average.load(resumed.averaged)

    def begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""
        self.wrapped.train()
        self.objective.begin(epoch)

    def _new_optimizers(self) -> list[torch.optim.Optimizer]:
        if self.distillation is not None:
            return self.distillation.optimizers(self.recipe)
        if isinstance(self.net, QuantisedNetwork):
            return [make_optimizer(self.net.groups(), self.recipe)]
        trained = (p for p in self.net.parameters() if p.requires_grad)
        return [make_optimizer(trained, self.recipe)]

    def _load(self, saved: Checkpoint, optimizers: list[torch.optim.Optimizer]) -> None:
        states = [saved.optimizer, *saved.beside.get("optimizers", ())]
        for optimizer, state in zip(optimizers, states, strict=True):
            optimizer.load_state_dict(state)
        if self.distillation is not None:
            self.distillation.translations.load_state_dict(saved.beside["weights"])

    def step(self, batch: Batch, rate: float, number: int) -> dict[str, torch.Tensor]:
        """Step `number` of the phase, from 1; the losses by name, `total` among them."""
        losses = self.wrapped(batch.clips, batch.labels)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.fabric.backward(losses["total"] * batch.weight)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            self.fabric.clip_gradients(self.wrapped, optimizer, max_norm=self.recipe.grad_clip)
            optimizer.step()
        if self.average is not None:
            self.average.update(self.net, number)
        return losses

    def tensors(self) -> Iterator[torch.Tensor]:
        """Weights and statistics of what trains, and of their average."""
        yield from self.net.state_dict().values()
        if self.distillation is not None:
            yield from self.distillation.translations.state_dict().values()
        if self.average is not None:
            yield from self.average.weights.values()

    @property
    def rate(self) -> float:
        """Learning rate of the last step."""
        group = self.optimizers[0].param_groups[0]
        return float(group["lr"] / group.get("share", 1.0))

    def saved(self) -> dict[str, Any]:
        """Entries of a checkpoint from which `set_up` goes on."""
        first, *others = (o.state_dict() for o in self.optimizers)
        beside = {}
        if self.distillation is not None:
            weights = self.distillation.translations.state_dict()
            beside = {"weights": weights, "optimizers": others}
        averaged = None if self.average is None else self.average.weights
        return {"optimizer": first, "averaged": averaged, "beside": beside}
