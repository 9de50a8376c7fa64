"""One worker: executes periods one after the other in buffers of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikewatt.lava_runtime.native import kernels
from spikewatt.lava_runtime.native.clock import Span
from spikewatt.lava_runtime.native.ledger import RECEIVED, SENT, Ledger
from spikewatt.lava_runtime.native.program import Cell, Program
from spikewatt.lava_runtime.native.synapses import Spikes

Tick = Callable[[int], None]  # told the local steps just done


def _spikes(size: int, chunk: int) -> Spikes:
    starts, cells = np.zeros(chunk + 1, np.int64), size * chunk
    return Spikes(starts, np.empty(cells, np.int32), np.empty(cells, np.int32))


class _State:
    """What one population keeps from chunk to chunk of a period, and its period's counts."""

    def __init__(self, cell: Cell, chunk: int, length: int, traced: bool) -> None:
        n, rows = cell.population.size, chunk if traced else 0
        self.cell = cell
        self.ring = np.zeros((cell.ring_rows(chunk), n), np.int32)
        self.u, self.v, self.probe_v = (np.zeros(n, np.int32) for _ in range(3))
        self.trace_u, self.trace_v = (np.zeros((rows, n), np.int32) for _ in range(2))
        self.spikes = _spikes(n, chunk)
        self.received = [np.zeros((3, length), np.int64) for _ in cell.afferents]
        self.sent = np.zeros((1, length), np.int64)
        self.rate = np.zeros(n, np.int64)

    def clear(self) -> None:
        for state in (self.ring, self.u, self.v):
            state.fill(0)
        for count in (self.sent, self.rate, *self.received):
            count.fill(0)


class Worker:
    """Buffers for one period at a time; several workers share a program and a ledger."""

    def __init__(self, program: Program, ledger: Ledger) -> None:
        self.program, self.ledger = program, ledger
        request, length = ledger.request, program.clock.length
        self.source = program.network.input
        self.stimulus = request.stimulus.reshape(len(request.stimulus), self.source.size, -1)
        recorded = request.record if request.record_state else ()
        self.states = [_State(c, program.chunk, length, c.layer in recorded) for c in program.cells]
        self.spikes = {s.cell.layer: s.spikes for s in self.states}
        drives = self.source.drives_bias
        self.drive = np.zeros((program.chunk if drives else 0, self.source.size), np.int32)
        if not drives:
            self.spikes[self.source.layer] = _spikes(self.source.size, program.chunk)

    def run(self, period: int, tick: Tick) -> None:
        """Execute one period, chunk by chunk, population by population."""
        for state in self.states:
            state.clear()
        clock, chunk = self.program.clock, self.program.chunk
        bounds = [clock.active(state.cell.layer, period) for state in self.states]
        stimulus = clock.span(self.source.layer, period)
        alive = [*bounds, clock.active(self.source.layer, period)]
        begin, end = min(b for b, _ in alive), max(e for _, e in alive)
        for first in range(begin, end, chunk):
            steps = min(chunk, end - first)
            self._stimulate(stimulus, first, steps)
            for state, active in zip(self.states, bounds, strict=True):
                self._advance(state, period, first, steps, active)
            tick(steps)
        self._book(period)

    def _inside(self, span: Span | None, first: int, steps: int) -> tuple[int, int, int]:
        """The span's part of a chunk: chunk steps [lo, hi) and the column of lo."""
        if span is None:
            return 0, 0, 0
        lo, hi = max(span.begin - first, 0), min(span.end - first, steps)
        return lo, max(lo, hi), span.column_of(first + lo)

    def _stimulate(self, span: Span | None, first: int, steps: int) -> None:
        """Bring the stimulus of a chunk in; outside its span it is silent."""
        lo, hi, column = self._inside(span, first, steps)
        row = self.stimulus[span.row if span else 0]
        if self.source.drives_bias:
            held = row.shape[1] == 1
            self.drive[:] = 0
            self.drive[lo:hi] = row.T if held else row[:, column : column + hi - lo].T
            return
        spikes = self._cut(self.source.layer, steps)
        binary = self.source.message_bits == 0
        args = (spikes.starts, spikes.neurons, spikes.values)
        kernels.collect_input(row, column, lo, hi, binary, *args)

    def _cut(self, layer: int, steps: int) -> Spikes:
        spikes = self.spikes[layer]
        return Spikes(spikes.starts[: steps + 1], spikes.neurons, spikes.values)

    def _advance(
        self, state: _State, period: int, first: int, steps: int, active: tuple[int, int]
    ) -> None:
        """Run one population over a chunk: deliver what it receives, then its neurons.

        Recurrence will fit here: in chunks of one step, deliver the loop's spikes afterwards.
        """
        span = self.program.clock.span(state.cell.layer, period)
        self._receive(state, first, steps)
        spikes = self._update(state, first, steps, active, self._probe(span))
        self._record(state, spikes, span, first)

    def _receive(self, state: _State, first: int, steps: int) -> None:
        """Count the spikes and events of what arrives, and put it on its way to the ring."""
        for afferent, counts in zip(state.cell.afferents, state.received, strict=True):
            spikes = self._cut(afferent.source, steps)
            fans = (afferent.fan_out, afferent.fan_out_stored)
            kernels.count_events(spikes.starts, spikes.neurons, *fans, counts, first)
            afferent.layout.deliver(spikes, first + afferent.lag, state.ring)

    def _update(
        self, state: _State, first: int, steps: int, active: tuple[int, int], probe: int
    ) -> Spikes:
        """Compute the neurons of a chunk and collect their spikes."""
        cell, spikes = state.cell, self._cut(state.cell.layer, steps)
        driven = self.source.drives_bias and cell.layer == self.source.layer
        bias = self.drive if driven else cell.bias
        args = (cell.neuron, first, *active, spikes.starts, spikes.neurons, spikes.values)
        traces = (state.trace_u[:steps], state.trace_v[:steps], probe, state.probe_v)
        kernels.update_lif(state.ring, state.u, state.v, bias, *args, *traces)
        state.sent[0, first : first + steps] = np.diff(spikes.starts)
        return spikes

    def _probe(self, span: Span | None) -> int:
        """Local step whose voltage is read out, -1 for none: the sample's last counted one."""
        if span is None or span.column_of(span.end) != self.ledger.request.schedule.steps:
            return -1
        return span.end - 1

    def _record(self, state: _State, spikes: Spikes, span: Span | None, first: int) -> None:
        ledger, layer = self.ledger, state.cell.layer
        lo, hi, column = self._inside(span, first, spikes.starts.size - 1)
        if span is None or lo == hi:
            return
        args = (spikes.starts, spikes.neurons, spikes.values, lo, hi)
        if layer == self.program.network.output.layer:
            kernels.sum_spikes(*args, state.rate)
        if layer in ledger.spikes:
            kernels.record_spikes(*args, ledger.spikes[layer][span.row], column)
        if layer in ledger.u:
            columns = slice(column, column + hi - lo)
            ledger.u[layer][span.row][:, columns] = state.trace_u[lo:hi].T
            ledger.v[layer][span.row][:, columns] = state.trace_v[lo:hi].T

    def _book(self, period: int) -> None:
        """Hand the period's counts and read-out to the ledger."""
        span_of = self.program.clock.span
        for state in self.states:
            layer = state.cell.layer
            self.ledger.add(layer, SENT, state.sent, span_of(layer, period))
            for afferent, counts in zip(state.cell.afferents, state.received, strict=True):
                self.ledger.add(layer, RECEIVED, counts, span_of(afferent.source, period))
        self._book_readout(self.states[-1], span_of(self.states[-1].cell.layer, period))

    def _book_readout(self, state: _State, span: Span | None) -> None:
        readout = self.program.network.readout
        if readout is None or span is None:
            return
        if readout.kind == "rate":
            self.ledger.add_readout(span.row, state.rate)
        elif self._probe(span) >= 0:
            self.ledger.add_readout(span.row, state.probe_v.astype(np.int64))
