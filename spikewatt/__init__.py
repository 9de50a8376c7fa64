"""spikewatt: from a trained spiking network to counted synaptic events and joules."""

from spikewatt.api import count, energy, from_slayer, load, run
from spikewatt.errors import SpikewattError

__all__ = ["SpikewattError", "count", "energy", "from_slayer", "load", "run"]
