"""Models by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from spikewatt.errors import unknown_name
from spikewatt.train.models import signal_sgn_core
from spikewatt.train.recipe import Recipe
from spikewatt.train.task import Task


@dataclass(frozen=True)
class Model:
    """A network that can be trained.

    build: (task, options) -> float module; options: the model's switches with the paper's values.
    table: the configuration in which its parameters are listed.
    """

    name: str
    title: str
    source: str
    build: Callable[[Task, Any], nn.Module]
    options: Any
    table: Task
    recipe: Recipe
    spiking: bool = True
    deploys: bool = False  # it has an integer form


_MODELS = (
    Model(
        name="signal-sgn-core",
        title="spiking graph convolutions on the bones, frames as steps, integrating read-out",
        source="backbone of Signal-SGN, arXiv 2408.01701, without attention and FSC/MWTF branches",
        build=signal_sgn_core.SignalSgnCore,
        options=signal_sgn_core.Options(),
        table=signal_sgn_core.TABLE,
        recipe=Recipe(),
        deploys=True,
    ),
)

MODELS = {m.name: m for m in _MODELS}


def model(name: str) -> Model:
    """The model of this name; SpikewattError with the known names."""
    if name not in MODELS:
        raise unknown_name("model", name, list(MODELS))
    return MODELS[name]
