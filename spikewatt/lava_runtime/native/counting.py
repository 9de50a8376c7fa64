"""Counting a projection's events: one sum over its spikes gives both kinds."""

from __future__ import annotations

import numpy as np

from spikewatt.energy.events import Counters
from spikewatt.lava_runtime.native import kernels
from spikewatt.lava_runtime.native.spikes import Spikes

NOTHING = np.zeros(0, np.int64)


class FanOut:
    """Events and stored events of each source neuron, added up in one number where they fit.

    The stored ones are the upper half of 64 bits. A source spikes once a step, so that a step's
    events are at most the projection's synapses; from 2**31 synapses on they are summed apart.
    """

    def __init__(self, events: Counters, stored: Counters) -> None:
        half = kernels.HALF
        self.fits = int(stored.sum()) < 1 << (half - 1)
        packed = (events + (stored << half), NOTHING)
        self.columns: tuple[Counters, Counters] = packed if self.fits else (events, stored)

    def count(self, spikes: Spikes, counts: Counters, first: int) -> None:
        """Write a chunk's spikes, events and stored events into counts (3, steps), from first."""
        kernels.count_events(spikes.starts, spikes.neurons, *self.columns, counts, first)
