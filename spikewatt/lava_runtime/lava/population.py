"""One population as Lava computes it: synapses, dynamics and counter, without Lava.

In a step the population updates its neurons from what its synapses have buffered, sends its
spikes, and only then takes in what its sources sent in the same step. Nobody waits for
anybody within a step, so cycles cannot lock; it is also why a projection takes one step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import numpy as np

from spikewatt.energy.events import fan_out, fan_out_stored
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava.attention import Attending, attending
from spikewatt.lava_runtime.lava.dendrite import Arrivals, Dendrite
from spikewatt.lava_runtime.lava.neurons import DENDRITES, neuron_state
from spikewatt.lava_runtime.lava.results import PopulationResults, Recorder, ResultFiles, Window
from spikewatt.lava_runtime.lava.stimulus import Stimulus, is_driven
from spikewatt.lava_runtime.lava.synapses import (
    Kernel,
    expanded,
    kernel,
    message_bits,
    wraps_later,
)
from spikewatt.lava_runtime.lava.tables import tables_of
from spikewatt.lava_runtime.lava.tally import Tally
from spikewatt.lava_runtime.lava.workplace import Workplace
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import Attention, IntArray, Network, Population, Projection


@dataclass(frozen=True, eq=False)
class Afferent:
    """One incoming projection, ready to execute."""

    kernel: Kernel
    part: int
    wraps_later: bool
    graded: bool
    delay: int
    source_size: int
    source_depth: int
    tally: Tally

    @property
    def waits(self) -> int:
        """The most steps that anything waits in the synapses."""
        return self.kernel.waits


def _afferent(
    network: Network, p: Projection, schedule: Schedule, results: PopulationResults
) -> Afferent | Attending:
    window = Window(schedule, network.depths[p.source])
    if isinstance(p.synapses, Attention):
        return attending(network, p, window)
    counters = fan_out(network, p), fan_out_stored(network, p)
    return Afferent(
        kernel=kernel(network, p),
        part=DENDRITES[p.part],
        wraps_later=wraps_later(p),
        graded=message_bits(network, p.source) > 0,
        delay=p.delay,
        source_size=prod(network.shape_of(p.source)),
        source_depth=network.depths[p.source],
        tally=Tally(*counters, results, window, last=schedule.total_steps - 1),
    )


class PopulationCore:
    """State and behaviour of one population over one execution."""

    def __init__(
        self,
        network: Network,
        population: Population,
        schedule: Schedule,
        results: PopulationResults,
        stimulus: Stimulus | None = None,
    ) -> None:
        self.size = population.size
        self.schedule, self.stimulus = schedule, stimulus
        self.drives_dendrite = network.input.drives_dendrite
        self.depth = network.depths[population.layer]
        incoming = network.incoming(population.layer)
        self.afferents = [_afferent(network, p, schedule, results) for p in incoming]
        # the projection that each in-port belongs to
        self.ports = [k for k, p in enumerate(incoming) for _ in p.sources]
        self.state = neuron_state(population.neuron, self.size)
        waits = [a.delay + a.waits for a in self.afferents]
        shape = (self.state.parts, max(waits, default=0) + 2, self.size)
        self.dendrite = Dendrite(shape)
        self.tables = tables_of(population, incoming, schedule, self.depth)
        # what wraps, or has gains, apart from the others needs a buffer of its own
        self.apart = {
            k: Dendrite(shape, wraps=a.wraps_later)
            for k, a in enumerate(self.afferents)
            if a.wraps_later or k in self.tables.gains
        }
        self.results = results
        self.recorder = Recorder(results, schedule, Window(schedule, self.depth))

    def update(self, step: int) -> IntArray:
        """Compute the neurons for one step; the spikes to send, (size,) int32."""
        if self.schedule.resets_at(step, self.depth):
            self.state.reset()
        a_in, bias = self.dendrite.take(step), self.tables.bias_of(step)
        for k, dendrite in self.apart.items():
            a_in += self.tables.passed(k, dendrite.take(step), step)
        if self.stimulus is not None and self.drives_dendrite:
            a_in[0] += self.stimulus.at(step)
        elif self.stimulus is not None:
            bias = self.stimulus.at(step)
        spikes = self.state.update(a_in, bias)
        self.recorder.sent(step, spikes, self.state)
        return spikes

    @property
    def port_sizes(self) -> list[int]:
        """Sources at each in-port."""
        return [self.afferents[k].source_size for k in self.ports]

    def receive(self, step: int, port: int, spikes: IntArray) -> None:
        """Take in what the source at a port sent in this step, (sources,)."""
        a = self.afferents[self.ports[port]]
        if isinstance(a, Attending):
            self._attend(step, port, a, a.gather(spikes))
            return
        fired = spikes.astype(bool)
        active = np.flatnonzero(fired)
        a.tally.add(step, fired, active)
        if active.size:
            values = spikes[active] if a.graded else None
            self._deliver(step, port, partial(a.kernel.arrivals, active, values))

    def _attend(self, step: int, port: int, a: Attending, trains: tuple[IntArray, ...]) -> None:
        if trains:
            a.count(step, trains, self.results)
            self._deliver(step, port, partial(a.arrivals, trains))

    def _deliver(self, step: int, port: int, arrivals: Callable[[], Arrivals]) -> None:
        """Let the spikes pass the synapses, unless they would outlive the target's sample."""
        index = self.ports[port]
        a = self.afferents[index]
        first = step + 1 + a.delay
        limit = self.schedule.last_arrival(step, a.source_depth, self.depth)
        in_time = None if limit is None else limit - first
        if in_time is None or in_time > 0:
            self.apart.get(index, self.dendrite).add(a.part, first, in_time, arrivals())


def _results(request: Request, layer: int, place: Workplace) -> PopulationResults:
    network = request.network
    readout = network.readout if layer == network.output.layer else None
    results = ResultFiles(place.folder, request.schedule).create_for(
        network.by_layer[layer],
        record=layer in (*request.record, *request.read_by_host),
        state=request.record_state and layer in request.record,
        readout=readout.kind if readout else None,
    )
    last = layer == network.output.layer
    return replace(results, progress=place.progress()) if last else results


def population_cores(
    request: Request, table: IntArray, place: Workplace
) -> dict[int, PopulationCore]:
    """All populations of a request by layer, their results mapped in the workplace."""
    network, schedule = expanded(request.network), request.schedule
    driven = {network.input.layer} if is_driven(network.input) else set()
    return {
        p.layer: PopulationCore(
            network,
            p,
            schedule,
            _results(request, p.layer, place),
            Stimulus(table, schedule) if p.layer in driven else None,
        )
        for p in network.populations
    }
