"""Attention into a population as Lava computes it: three in-ports whose spikes are multiplied."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from spikewatt.energy.events import Counters, attention_events
from spikewatt.lava_runtime.attending import attended
from spikewatt.lava_runtime.lava.dendrite import Arrivals, Row
from spikewatt.lava_runtime.lava.neurons import DENDRITES
from spikewatt.lava_runtime.lava.results import PopulationResults, Window
from spikewatt.network import Attention, IntArray, Network, Projection, Shape

ROLES = 3  # queries, keys, values: one in-port each, in this order


@dataclass(frozen=True, eq=False)
class Attending:
    """One incoming attention projection; window: at its sources' depth."""

    synapses: Attention
    shape: Shape
    part: int
    delay: int
    source_size: int
    source_depth: int
    window: Window
    waits: int = 0
    wraps_later: bool = False
    trains: list[IntArray] = field(default_factory=list)  # of this step, as they come in

    def gather(self, spikes: IntArray) -> tuple[IntArray, ...]:
        """Take the next source's spikes, (sources,); those of all three once they are there."""
        self.trains.append(spikes)
        if len(self.trains) < ROLES:
            return ()
        complete = tuple(self.trains)
        self.trains.clear()
        return complete

    def count(self, step: int, trains: tuple[IntArray, ...], results: PopulationResults) -> None:
        """Spikes and events of a step; those with stored zeros are the same."""
        q, k, v = trains
        spikes = sum(np.count_nonzero(train) for train in trains)
        events = int(attention_events(self.synapses, self.shape, (q, k, v))) if spikes else 0
        counts: Counters = np.array([[spikes], [events], [events]])
        results.received(self.window.places([step]), counts)

    def arrivals(self, trains: tuple[IntArray, ...]) -> Arrivals:
        """Dendritic input of one step's spikes; none where one of the three is silent."""
        q, k, v = trains
        if not (q.any() and k.any() and v.any()):
            return []
        return [Row(attended(self.synapses, self.shape, (q, k, v)))]


def attending(network: Network, p: Projection, window: Window) -> Attending:
    """An attention projection, ready to execute."""
    assert isinstance(p.synapses, Attention)
    shape = network.shape_of(p.target)
    depth = network.depths[p.source]
    return Attending(p.synapses, shape, DENDRITES[p.part], p.delay, prod(shape), depth, window)
