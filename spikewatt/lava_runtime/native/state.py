"""What one population keeps from chunk to chunk of a period, and how it moves on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikewatt.energy.events import Counters
from spikewatt.lava_runtime.native import kernels
from spikewatt.lava_runtime.native.arrays import Flags, zeros
from spikewatt.lava_runtime.native.attention import Attending, AttentionInlet, Trains
from spikewatt.lava_runtime.native.neuron_kernels import BLOCK
from spikewatt.lava_runtime.native.program import Afferent, Cell, Program
from spikewatt.lava_runtime.native.spikes import Spikes, spike_buffer
from spikewatt.lava_runtime.native.tables import ChunkTables
from spikewatt.network import IntArray


class Active(NamedTuple):
    """Local steps [begin, end) in which a population runs, and the one that is read out.

    steady: 1 where the bias is the same in all of them. stride: after so many steps the next
    period begins, in the same way.
    """

    begin: int
    end: int
    probe: int
    steady: int
    stride: int


class Inlet:
    """One incoming projection: its axons' delay line and its counts over a period."""

    def __init__(self, afferent: Afferent, program: Program) -> None:
        self.afferent = afferent
        chunk, length = program.chunk, program.together * program.stride
        self.counts = np.zeros((3, length), np.int64)
        sources = afferent.axon.size  # 0 where no axon delays more than the others
        rows = 1 << (chunk + int(afferent.axon.max(initial=0))).bit_length()
        self.held = np.zeros((rows, sources), np.int32)
        self.late = spike_buffer(sources, chunk, afferent.binary)

    def clear(self) -> None:
        """Forget a period."""
        self.held.fill(0)
        self.counts.fill(0)

    def receive(self, trains: Trains, first: int, ring: IntArray, touched: Flags) -> None:
        """Count a chunk's spikes and events, and put them on their way."""
        (spikes,) = trains
        self.count(spikes, first)
        self.deliver(spikes, first, ring, touched)

    def count(self, spikes: Spikes, first: int) -> None:
        """Spikes and events of the steps in which the spikes are sent."""
        self.afferent.fan_out.count(spikes, self.counts, first)

    def counted(self) -> Counters:
        """Spikes, events and stored events of the period's steps, (3, steps)."""
        return self.counts

    def deliver(self, spikes: Spikes, first: int, ring: IntArray, touched: Flags) -> None:
        """Through the axons and synapses into the target's ring."""
        afferent = self.afferent
        if afferent.axon.size:
            late = self.late.cut(0, spikes.starts.size - 1)
            args = (spikes.starts, spikes.neurons, spikes.values, first, afferent.axon, self.held)
            kernels.postpone(*args, late.starts, late.neurons, late.values)
            spikes = late
        arrival = first + afferent.lag
        afferent.layout.deliver(spikes, arrival, ring[afferent.part], touched)


class State:
    """One population in one period, or in several that follow each other."""

    def __init__(self, cell: Cell, program: Program, traced: bool) -> None:
        chunk, together = program.chunk, program.together
        n, rows = cell.population.size, chunk if traced else 0
        self.cell, length = cell, together * program.stride
        self.ring = zeros((cell.parts, cell.ring_rows(chunk), n), np.int32)
        self.touched = np.zeros(self.ring.shape[1], np.uint8)
        self.neurons = zeros((cell.model.states, n), np.int32)
        self.still = np.zeros(-(-n // BLOCK), np.uint8)
        self.probe_v = np.zeros((together, n), np.int32)
        self.trace_u, self.trace_v = (np.zeros((rows, n), np.int32) for _ in range(2))
        self.spikes = spike_buffer(n, chunk, cell.model.binary)
        self.tables = None if cell.tables is None else ChunkTables(cell.tables, chunk)
        self.inlets: list[Inlet | AttentionInlet] = []
        self.loops: list[Inlet] = []
        for a in cell.afferents:
            if isinstance(a, Attending):
                self.inlets.append(AttentionInlet(a, length))
            elif a.sources == (cell.layer,):
                self.loops.append(Inlet(a, program))
            else:
                self.inlets.append(Inlet(a, program))
        self.sent = np.zeros((1, length), np.int64)
        self.rate = np.zeros((together, n), np.int64)
        self.is_clear = True

    def clear(self) -> None:
        """Forget a period: state, what is on its way, counts."""
        if self.is_clear:
            self.is_clear = False
            return
        kernels.forget(self.ring, self.touched, self.neurons, self.still, self.sent, self.rate)
        for inlet in (*self.inlets, *self.loops):
            inlet.clear()

    def advance(self, first: int, steps: int, bias: IntArray, active: Active) -> None:
        """Compute the neurons of a chunk that has received its spikes, and collect theirs."""
        self.spikes.starts[0] = 0
        if self.tables is not None and not self.tables.steady:
            bias = self.tables.biases((first, steps), active.stride)
            active = active._replace(steady=0)
        if self.loops:
            self._step_by_step(first, steps, bias, active)
        else:
            self._update(first, slice(0, steps), bias, active)
        spikes = self.spikes.cut(0, steps)
        for loop in self.loops:
            loop.count(spikes, first)
        self.sent[0, first : first + steps] = spikes.starts[1:] - spikes.starts[:-1]

    def _step_by_step(self, first: int, steps: int, bias: IntArray, active: Active) -> None:
        """Recurrence: the spikes of each step may arrive at the next one."""
        for t in range(steps):
            now = bias[t : t + 1] if len(bias) > 1 else bias
            self._update(first, slice(t, t + 1), now, active)
            spikes = self.spikes.cut(t, t + 1)
            for loop in self.loops:
                loop.deliver(spikes, first + t, self.ring, self.touched)

    def _update(self, first: int, part: slice, bias: IntArray, active: Active) -> None:
        model, spikes = self.cell.model, self.spikes.cut(part.start, part.stop)
        when = (first + part.start, *active)
        sent = (spikes.starts, spikes.neurons, spikes.values)
        traces = (self.trace_u[part], self.trace_v[part], self.probe_v)
        if self.tables is not None:
            now = (first + part.start, part.stop - part.start)
            self.tables.gain(self.ring, self.touched, now, active)
        here = (self.ring, self.touched, self.neurons, self.still)
        model.update(*here, bias, model.constants, when, *sent, *traces)
