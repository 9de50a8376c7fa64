"""Counting a projection's events: one sum over its spikes gives both kinds."""

from __future__ import annotations

import numpy as np

from spikewatt.energy.events import Counters
from spikewatt.lava_runtime.native import kernels
from spikewatt.lava_runtime.native.spikes import Spikes

HALF = 32


class FanOut:
    """Events and stored events of each source neuron, added up in one number where they fit.

    The stored ones are the upper half of 64 bits. A source spikes once a step, so that a step's
    events are at most the projection's synapses; from 2**31 synapses on they are summed apart.
    """

    def __init__(self, events: Counters, stored: Counters) -> None:
        self.fits = int(stored.sum()) < 1 << (HALF - 1)
        self.columns: tuple[Counters, ...] = (
            (events + (stored << HALF),) if self.fits else (events, stored)
        )

    def count(self, spikes: Spikes, counts: Counters, first: int) -> None:
        """Write the sums of a chunk's steps into counts (2, steps), for `part`."""
        kernels.count_events(spikes.starts, spikes.neurons, self.columns[0], counts[0], first)
        if not self.fits:
            kernels.count_events(spikes.starts, spikes.neurons, self.columns[1], counts[1], first)

    def part(self, counts: Counters) -> None:
        """Make what `count` wrote a row of events and one of stored events."""
        if self.fits:
            np.right_shift(counts[0], HALF, out=counts[1])
            np.bitwise_and(counts[0], (1 << HALF) - 1, out=counts[0])
