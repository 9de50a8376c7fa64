"""One worker: executes periods, one or a few at a time, in buffers of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikewatt.lava_runtime.native import kernels
from spikewatt.lava_runtime.native.arrays import ints
from spikewatt.lava_runtime.native.clock import Span
from spikewatt.lava_runtime.native.ledger import RECEIVED, SENT, Ledger, Periods
from spikewatt.lava_runtime.native.program import Program
from spikewatt.lava_runtime.native.spikes import Spikes, spike_buffer
from spikewatt.lava_runtime.native.state import Active, State
from spikewatt.network import IntArray

Tick = Callable[[int], None]  # told the local steps just done


class Worker:
    """Buffers for one period at a time; several workers share a program and a ledger."""

    def __init__(self, program: Program, ledger: Ledger) -> None:
        self.program, self.ledger = program, ledger
        request = ledger.request
        self.source = program.network.input
        stimulus = np.asarray(request.stimulus)  # a mapped file is read by the chunk
        self.stimulus = stimulus.reshape(len(stimulus), self.source.size, -1)
        recorded = request.record if request.record_state else ()
        self.states = [State(c, program, c.layer in recorded) for c in program.cells]
        self.spikes = {s.cell.layer: s.spikes for s in self.states}
        self.held: IntArray | None = None
        self.trains: dict[int, Spikes] = {}  # of a chunk of so many steps
        self.trains_of = 0
        self.count = 1  # periods that are executed together
        self.spans: dict[int, Span | None] = {}  # of the first of them, by layer
        drives = self.source.layer in self.spikes
        self.drive = np.zeros((program.chunk if drives else 0, self.source.size), np.int32)
        binary = self.source.message_bits == 0
        buffer = spike_buffer(self.source.size, 0 if drives else program.chunk, binary)
        self.spikes.setdefault(self.source.layer, buffer)

    def run(self, periods: range, tick: Tick) -> None:
        """Execute one period, or several together, chunk by chunk, population by population."""
        for state in self.states:
            state.clear()
        period, self.count = periods[0], len(periods)
        clock, chunk, source = self.program.clock, self.program.chunk, self.source.layer
        bounds = [clock.active(state.cell.layer, period) for state in self.states]
        self.spans = {layer: clock.span(layer, period) for layer in self.spikes}
        stimulus, running = self.spans[source], clock.active(source, period)
        self.held = self._held(stimulus, running)
        alive = [*bounds, running]
        begin, end = min(b for b, _ in alive), max(e for _, e in alive)
        end += (self.count - 1) * self.program.stride
        for first in range(begin, end, chunk):
            steps = min(chunk, end - first)
            if self.trains_of != steps:
                self.trains = {i: s.cut(0, steps) for i, s in self.spikes.items()}
                self.trains_of = steps
            if self.held is None:
                self._stimulate(stimulus, first, steps)
            for state, active in zip(self.states, bounds, strict=True):
                self._advance(state, (first, steps), active)
            tick(steps)
        self._book()

    def _held(self, span: Span | None, running: tuple[int, int]) -> IntArray | None:
        """The bias that the stimulus holds for the whole period, (1, n), where it does."""
        held = self.source.drives_bias and self.stimulus.shape[2] == 1
        if not held or span is None or (span.begin, span.end) != running:
            return None
        return ints(self.stimulus[span.row].T)

    def _inside(self, span: Span | None, first: int, steps: int) -> tuple[int, int, int]:
        """The span's part of a chunk: chunk steps [lo, hi) and the column of lo.

        Of several periods that are executed together, those of the first.
        """
        if span is None:
            return 0, 0, 0
        lo, hi = max(span.begin - first, 0), min(span.end - first, steps)
        return lo, max(lo, hi), span.column_of(first + lo)

    def _stimulate(self, span: Span | None, first: int, steps: int) -> None:
        """Bring the stimulus of a chunk in; outside its span it is silent."""
        lo, hi, column = self._inside(span, first, steps)
        first_row = span.row if span else 0
        if self.drive.size:
            row = self.stimulus[first_row]
            is_held = row.shape[1] == 1
            self.drive[:] = 0
            self.drive[lo:hi] = row.T if is_held else row[:, column : column + hi - lo].T
            return
        spikes = self.trains[self.source.layer]
        rows = self.stimulus[first_row : first_row + self.count]
        piece = ints(rows[:, :, column : column + hi - lo])
        sent = (spikes.starts, spikes.neurons, spikes.values)
        kernels.collect_input(piece, lo, self.program.stride, *sent)

    def _advance(self, state: State, chunk: tuple[int, int], bounds: tuple[int, int]) -> None:
        """Run one population over a chunk: deliver what it receives, then its neurons."""
        (first, steps), layer = chunk, state.cell.layer
        span = self.spans[layer]
        for inlet in state.inlets:
            trains = tuple(self.trains[i] for i in inlet.afferent.sources)
            inlet.receive(trains, first, state.ring, state.touched)
        driven = layer == self.source.layer and self.source.drives_bias
        steady = int(not driven or self.held is not None)
        active = Active(*bounds, self._probe(span), steady, self.program.stride)
        bias = state.cell.bias
        if driven:
            bias = self.drive if self.held is None else self.held
        elif layer == self.source.layer:
            kernels.add_drive(self.drive[:steps], first, state.ring[0], state.touched)
        state.advance(first, steps, bias, active)
        self._record(state, self.trains[layer], span, first)

    def _probe(self, span: Span | None) -> int:
        """Local step whose voltage is read out, -1 for none: the sample's last counted one."""
        if span is None or span.column_of(span.end) != self.ledger.request.schedule.steps:
            return -1
        return span.end - 1

    def _record(self, state: State, spikes: Spikes, span: Span | None, first: int) -> None:
        ledger, layer, stride = self.ledger, state.cell.layer, self.program.stride
        lo, hi, column = self._inside(span, first, spikes.starts.size - 1)
        if span is None or lo == hi:
            return
        train = (spikes.starts, spikes.neurons, spikes.values)
        if layer == self.program.network.output.layer:
            kernels.sum_spikes(*train, lo, hi, stride, state.rate[: self.count])
        for p in range(self.count):
            begin, end = lo + p * stride, hi + p * stride
            if layer in ledger.request.read_by_host:
                read = np.zeros((state.cell.population.size, hi - lo), np.int32)
                kernels.record_spikes(*train, begin, end, read, 0)
                ledger.add_read(span.row + p, column, read)
            if layer not in ledger.spikes:
                continue
            kernels.record_spikes(*train, begin, end, ledger.spikes[layer][span.row + p], column)
            if layer in ledger.u:
                columns = slice(column, column + hi - lo)
                ledger.u[layer][span.row + p][:, columns] = state.trace_u[begin:end].T
                ledger.v[layer][span.row + p][:, columns] = state.trace_v[begin:end].T

    def _book(self) -> None:
        """Hand the counts and read-outs to the ledger."""
        program, add, spans = self.program, self.ledger.add, self.spans
        periods = Periods(self.count, program.clock.length, program.stride)
        for state in self.states:
            layer = state.cell.layer
            add(layer, SENT, state.sent, periods, spans[layer])
            for inlet in (*state.inlets, *state.loops):
                span = spans[inlet.afferent.sources[0]]
                add(layer, RECEIVED, inlet.counted(), periods, span)
        self._book_readout(self.states[-1], spans[self.states[-1].cell.layer])

    def _book_readout(self, state: State, span: Span | None) -> None:
        readout = self.program.network.readout
        if readout is None or span is None:
            return
        if readout.kind == "rate":
            self.ledger.add_readout(span.row, state.rate[: self.count])
        elif self._probe(span) >= 0:
            self.ledger.add_readout(span.row, state.probe_v[: self.count].astype(np.int64))
