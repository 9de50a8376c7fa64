"""A network made ready for the kernels: projections laid out, counted and timed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import Counters, fan_out, fan_out_stored
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.native.clock import Clock
from spikewatt.lava_runtime.native.synapses import Layout, lay_out
from spikewatt.network import Network, Population, Projection


@dataclass(frozen=True, eq=False)
class Afferent:
    """One incoming projection of a population."""

    source: int
    lag: int
    layout: Layout
    fan_out: Counters
    fan_out_stored: Counters


@dataclass(frozen=True, eq=False)
class Cell:
    """One population: its neuron's constants, constant bias and incoming projections."""

    population: Population
    neuron: npt.NDArray[np.int64]  # 4096 - i_decay, 4096 - v_decay, threshold << 6
    bias: npt.NDArray[np.int32]  # (1, n)
    afferents: tuple[Afferent, ...]

    @property
    def layer(self) -> int:
        """The population's layer number."""
        return self.population.layer

    def ring_rows(self, chunk: int) -> int:
        """Rows that hold a chunk and all that is on its way, a power of two."""
        reach = max((a.lag + a.layout.delay_max for a in self.afferents), default=0)
        return 1 << (chunk + reach).bit_length()


@dataclass(frozen=True, eq=False)
class Program:
    """All populations in order of execution, and how many steps to take at once."""

    network: Network
    clock: Clock
    cells: tuple[Cell, ...]
    chunk: int


def _check_order(network: Network) -> None:
    """Sources come before targets, so a chunk of steps runs population by population.

    A recurrent projection will need chunks of one step in the loop it closes.
    """
    known = {network.input.layer}
    for p in network.populations:
        for q in network.incoming(p.layer):
            if q.source not in known:
                raise SpikewattError(
                    f"The projection from layer {q.source} to layer {q.target} goes back or "
                    "starts nowhere; the native engine executes feed-forward networks only. "
                    "List sources before targets, or use another engine."
                )
        known.add(p.layer)


def _afferent(network: Network, clock: Clock, projection: Projection) -> Afferent:
    counts = fan_out(network, projection), fan_out_stored(network, projection)
    return Afferent(projection.source, clock.lag(projection), lay_out(network, projection), *counts)


def _cell(network: Network, clock: Clock, p: Population) -> Cell:
    n = p.neuron
    bias = np.zeros(p.size, np.int32) if p.bias is None else p.bias
    return Cell(
        population=p,
        neuron=np.array([4096 - n.i_decay, 4096 - n.v_decay, n.v_threshold << 6], np.int64),
        bias=np.require(bias.reshape(1, p.size), np.int32, ["C", "W"]),
        afferents=tuple(_afferent(network, clock, q) for q in network.incoming(p.layer)),
    )


def build(network: Network, clock: Clock, chunk_cells: int) -> Program:
    """Lay a network out for execution.

    Raises SpikewattError for recurrence and for synapses or branches it cannot execute.
    """
    _check_order(network)
    cells = tuple(_cell(network, clock, p) for p in network.populations)
    widest = max(network.input.size, *(p.size for p in network.populations))
    chunk = max(1, min(clock.length, chunk_cells // widest))
    return Program(network, clock, cells, chunk)
