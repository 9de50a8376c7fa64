"""Models by name."""

from __future__ import annotations

from spikewatt.errors import unknown_name
from spikewatt.train.models.entries import ENTRIES
from spikewatt.train.models.entry import Model

__all__ = ["MODELS", "Model", "model"]

MODELS = {m.name: m for m in ENTRIES}


def model(name: str) -> Model:
    """The model of this name; SpikewattError with the known names."""
    if name not in MODELS:
        raise unknown_name("model", name, list(MODELS))
    return MODELS[name]
