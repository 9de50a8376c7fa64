"""spikewatt: from a trained spiking network to counted synaptic events and joules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikewatt.api import count, energy, from_slayer, load, run, save
    from spikewatt.errors import SpikewattError

__all__ = ["SpikewattError", "count", "energy", "from_slayer", "load", "run", "save"]


def __getattr__(name: str) -> Any:
    """The functions of `spikewatt.api`, imported on first use: training hosts lack some of it."""
    if name not in __all__:
        raise AttributeError(f"module 'spikewatt' has no attribute {name!r}")
    from spikewatt import api

    # set, not only returned: importing the folder `energy` has put it in the function's place
    globals().update({known: getattr(api, known) for known in __all__})
    return globals()[name]
