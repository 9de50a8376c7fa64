"""Models by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from spikewatt.data.graph import Skeleton
from spikewatt.errors import unknown_name
from spikewatt.train.models.signal_sgn_core import SignalSgnCore
from spikewatt.train.recipe import Recipe


@dataclass(frozen=True)
class Model:
    """A network that can be trained.

    build: (skeleton, channels in, classes, recipe) -> float module with `quantise`.
    """

    name: str
    title: str
    source: str
    build: Callable[[Skeleton, int, int, Recipe], nn.Module]
    recipe: Recipe


_MODELS = (
    Model(
        name="signal-sgn-core",
        title="spiking graph convolutions on the bones, frames as steps, integrating read-out",
        source="backbone of Signal-SGN, arXiv 2408.01701, without attention and FSC/MWTF branches",
        build=SignalSgnCore,
        recipe=Recipe(),
    ),
)

MODELS = {m.name: m for m in _MODELS}


def model(name: str) -> Model:
    """The model of this name; SpikewattError with the known names."""
    if name not in MODELS:
        raise unknown_name("model", name, list(MODELS))
    return MODELS[name]
