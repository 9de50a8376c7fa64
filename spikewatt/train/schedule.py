"""Optimisers and learning-rate schedules by name, as the papers' recipes have them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from spikewatt.errors import unknown_name
from spikewatt.train.recipe import Recipe

WARM_UP = 0.1  # share of a phase's epochs, where the recipe names none
STEP_FACTOR = 0.1

Parameters = Iterable[nn.Parameter] | Iterable[dict[str, Any]]  # or groups of them


def _adamw(parameters: Parameters, recipe: Recipe) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, weight_decay=recipe.weight_decay)


def _sgd(parameters: Parameters, recipe: Recipe) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=recipe.lr,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )


OPTIMIZERS: dict[str, Callable[[Parameters, Recipe], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "sgd": _sgd,
}


def _one_cycle(epoch: float, epochs: int, recipe: Recipe) -> float:
    """A cosine from 1 to 0."""
    warm = warm_up(epochs, recipe)
    return 0.5 * (1 + math.cos(math.pi * (epoch - warm) / max(1e-9, epochs - warm)))


def _steps(epoch: float, epochs: int, recipe: Recipe) -> float:
    """A tenth at each milestone."""
    return float(STEP_FACTOR ** sum(epoch >= m for m in recipe.milestones))


SCHEDULES: dict[str, Callable[[float, int, Recipe], float]] = {
    "one-cycle": _one_cycle,
    "steps": _steps,
}


def optimizer(parameters: Parameters, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; SpikewattError with the known names."""
    if recipe.optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", recipe.optimizer, list(OPTIMIZERS))
    return OPTIMIZERS[recipe.optimizer](parameters, recipe)


def warm_up(epochs: int, recipe: Recipe) -> float:
    """Epochs of linear warm-up in a phase of this many."""
    return min(recipe.warm_up, epochs) if recipe.warm_up else epochs * WARM_UP


def rate_after(epochs: float, float_epochs: int, recipe: Recipe) -> float:
    """Learning rate after so many epochs of a run, whose float ones come first."""
    if epochs <= float_epochs:
        return recipe.lr * rate_share(epochs, float_epochs, recipe)
    fine = replace(recipe, schedule="one-cycle", warm_up=0)
    return recipe.finetune_lr * rate_share(epochs - float_epochs, recipe.finetune_epochs, fine)


def rate_share(epoch: float, epochs: int, recipe: Recipe) -> float:
    """Share of the peak learning rate after `epoch` epochs (a fraction within one) of a phase.

    Raises SpikewattError with the known names for another schedule.
    """
    if recipe.schedule not in SCHEDULES:
        raise unknown_name("schedule", recipe.schedule, list(SCHEDULES))
    warm = warm_up(epochs, recipe)
    if epoch < warm:
        return epoch / warm
    return SCHEDULES[recipe.schedule](epoch, epochs, recipe)
