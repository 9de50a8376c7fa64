"""A network made ready for the kernels: projections laid out, counted and timed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import fan_out, fan_out_stored
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.native.arrays import NO_DELAY, ints
from spikewatt.lava_runtime.native.attention import Attending, attending
from spikewatt.lava_runtime.native.clock import Clock
from spikewatt.lava_runtime.native.counting import FanOut
from spikewatt.lava_runtime.native.neurons import PARTS, Model, model
from spikewatt.lava_runtime.native.synapses import Layout, lay_out
from spikewatt.lava_runtime.native.tables import StepTables, step_tables
from spikewatt.network import DELAY_MAX, Attention, IntArray, Network, Population, Projection

SHARES = 2  # batches that each thread gets at least, so that all end at about the same time


@dataclass(frozen=True, eq=False)
class Afferent:
    """One incoming projection of a population.

    sources: the one layer whose spikes it takes. lag: local steps to the arrival, with the
    shortest of the axons' delays. axon: the delays beyond it, (sources,), or empty. part: the
    dendrite it drives. binary: spikes have no values.
    """

    sources: tuple[int, ...]
    lag: int
    axon: IntArray
    part: int
    binary: bool
    layout: Layout
    fan_out: FanOut

    @property
    def delay_max(self) -> int:
        """Longest delay of a synapse beyond the projection's own, in steps."""
        return self.layout.delay_max


@dataclass(frozen=True, eq=False)
class Cell:
    """One population: its neuron model, constant bias, incoming projections and step tables."""

    population: Population
    model: Model
    bias: npt.NDArray[np.int32]  # (1, n)
    afferents: tuple[Afferent | Attending, ...]
    tables: StepTables | None = None

    @property
    def layer(self) -> int:
        """The population's layer number."""
        return self.population.layer

    @property
    def parts(self) -> int:
        """Rows of a step in the ring: dendrites, and what waits for its gains."""
        return self.model.parts + (0 if self.tables is None else len(self.tables.parts))

    @property
    def reach(self) -> int:
        """Steps from a spike to its last arrival, axons apart."""
        return max((a.lag + a.delay_max for a in self.afferents), default=0)

    def ring_rows(self, chunk: int) -> int:
        """Rows that hold a chunk and all that is on its way, a power of two."""
        return 1 << (chunk + self.reach - 1).bit_length()


@dataclass(frozen=True, eq=False)
class Program:
    """All populations in order of execution, and how many steps to take at once.

    chunk: steps. together: whole periods that one chunk holds, at least 1. stride: local steps
    from the begin of one of them to that of the next.
    """

    network: Network
    clock: Clock
    cells: tuple[Cell, ...]
    chunk: int
    together: int
    stride: int

    def batches(self) -> Iterator[range]:
        """All periods in order, those executed together as one range."""
        periods, whole = self.clock.periods(), self.clock.whole()
        begin = periods.start
        while begin < periods.stop:
            end = min(begin + self.together, whole.stop) if begin in whole else begin + 1
            yield range(begin, end)
            begin = end


def _check_order(network: Network) -> None:
    """Sources come before targets, so a chunk of steps runs population by population.

    Only a population that projects to itself goes through its chunk step by step.
    """
    known = {network.input.layer}
    for p in network.populations:
        for q in network.incoming(p.layer):
            for source in set(q.sources) - known - {p.layer}:
                raise SpikewattError(
                    f"The projection from layer {source} to layer {q.target} goes back or "
                    "starts nowhere; loops through several populations are not executed. "
                    "List sources before targets, and loops as projections of a layer to itself."
                )
        known.add(p.layer)


def _is_binary(network: Network, layer: int) -> bool:
    if layer in network.by_layer:
        return model(network.by_layer[layer].neuron).binary
    return network.input.message_bits == 0


def _afferent(network: Network, clock: Clock, projection: Projection) -> Afferent | Attending:
    if isinstance(s := projection.synapses, Attention):
        timing = clock.lag(projection), PARTS[projection.part]
        return attending(s, network.shape_of(projection.target), projection.sources, *timing)
    delay = np.zeros(1, np.int32) if projection.axon_delay is None else projection.axon_delay
    shortest = int(delay.min(initial=DELAY_MAX))
    return Afferent(
        sources=projection.sources,
        lag=clock.lag(projection) + shortest,
        axon=ints(delay - shortest) if (delay > shortest).any() else NO_DELAY,
        part=PARTS[projection.part],
        binary=_is_binary(network, projection.source),
        layout=lay_out(network, projection),
        fan_out=FanOut(fan_out(network, projection), fan_out_stored(network, projection)),
    )


def _cell(network: Network, clock: Clock, p: Population) -> Cell:
    bias = np.zeros(p.size, np.int32) if p.bias is None else p.bias
    incoming, kind = network.incoming(p.layer), model(p.neuron)
    afferents = [_afferent(network, clock, q) for q in incoming]
    tables = step_tables(p, incoming, [a.part for a in afferents], kind.parts)
    gained = [k for k, q in enumerate(incoming) if q.step_gain is not None]
    for part, k in enumerate(gained, start=kind.parts):
        afferents[k] = replace(afferents[k], part=part)
    return Cell(
        population=p,
        model=kind,
        bias=np.require(bias.reshape(1, p.size), np.int32, ["C", "W"]),
        afferents=tuple(afferents),
        tables=tables,
    )


def build(network: Network, clock: Clock, chunk_cells: int, threads: int) -> Program:
    """Lay a network out for execution on so many threads.

    Raises SpikewattError for loops through several populations.
    """
    _check_order(network)
    cells = tuple(_cell(network, clock, p) for p in network.populations)
    widest = max(network.input.size, *(p.size for p in network.populations))
    chunk = _chunk(chunk_cells // widest, max(cell.reach for cell in cells))
    stride = clock.length + _gap(cells)
    together = min(chunk // stride, clock.schedule.samples // (SHARES * threads))
    if together < 2 or network.input.layer in network.by_layer:  # one bias in a period
        return Program(network, clock, cells, min(clock.length, chunk), 1, clock.length)
    return Program(network, clock, cells, together * stride, together, stride)


def _gap(cells: tuple[Cell, ...]) -> int:
    """Silent steps after which nothing of a period is on its way any more."""
    afferents = [a for cell in cells for a in cell.afferents]
    axons = (int(a.axon.max(initial=0)) for a in afferents if isinstance(a, Afferent))
    return max(0, *(cell.reach for cell in cells)) + max(axons, default=0)


def _chunk(steps: int, reach: int) -> int:
    """About so many steps: as many as fill the rows of a ring, a power of two."""
    if steps < 2:
        return 1
    rows = 1 << (3 * (steps + reach) // 2).bit_length() - 1
    return max(1, rows - reach)
