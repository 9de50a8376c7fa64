"""Where an execution's counts, records and read-outs are gathered."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import FILL_KEYS, Counters, Counts, LayerCounts
from spikewatt.lava_runtime.deciding import no_spikes_read
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import kernels
from spikewatt.lava_runtime.native.clock import Span
from spikewatt.memory import check_room
from spikewatt.network import IntArray

KINDS = ("spikes_in", "synaptic_events", "synaptic_events_stored", "spikes_out")
RECEIVED, SENT = slice(0, 3), slice(3, 4)


class Periods(NamedTuple):
    """Periods that were executed together: their number, steps, and steps from one to the next."""

    number: int
    length: int
    stride: int


class Ledger:
    """Results by layer. Periods write disjoint cells; only sums take the lock."""

    def __init__(self, request: Request) -> None:
        self.request, self._lock = request, Lock()
        _check_room(request)
        layers = [p.layer for p in request.network.populations]
        cells = (len(KINDS), request.schedule.samples, request.schedule.steps)
        self.counted: dict[int, Counters] = {layer: np.zeros(cells, np.int64) for layer in layers}
        self.fill = {layer: np.zeros(len(KINDS), np.int64) for layer in layers}
        self.spikes = self._records()
        self.u = self._records() if request.record_state else {}
        self.v = self._records() if request.record_state else {}
        self.read_by_host = no_spikes_read(request)
        size = request.network.output.size
        self.readout = np.zeros((request.schedule.samples, size), np.int64)

    def _records(self) -> dict[int, IntArray]:
        network, schedule = self.request.network, self.request.schedule
        shape = (schedule.samples, -1, schedule.steps)
        sizes = {layer: network.by_layer[layer].size for layer in self.request.record}
        return {i: np.zeros((shape[0], n, shape[2]), np.int32) for i, n in sizes.items()}

    def add(
        self, layer: int, kinds: slice, counts: Counters, periods: Periods, span: Span | None
    ) -> None:
        """Book counts, (kinds, local steps); what is outside the span is fill.

        span: that of the first of the periods, whose samples follow each other.
        """
        where = (0, 0, 0, 0) if span is None else (span.row, span.begin, span.end, span.column)
        row, begin, end, column = where
        inside = (begin, end, periods.length, column, periods.number)
        cells, fill = self.counted[layer][kinds], self.fill[layer][kinds]
        with self._lock:
            kernels.book(counts, periods.stride, row, inside, cells, fill)

    def add_readout(self, row: int, values: npt.NDArray[np.int64]) -> None:
        """Add to the read-out neurons of samples, (samples, n), from `row` on."""
        with self._lock:
            self.readout[row : row + len(values)] += values

    def add_read(self, row: int, column: int, spikes: IntArray) -> None:
        """Add to what the host's stage reads of a sample; spikes: (neurons, steps), from a step on.

        Layers of a sample come one after another.
        """
        assert self.read_by_host is not None
        self.read_by_host[row, :, column : column + spikes.shape[1]] += spikes

    def counts(self) -> Counts:
        """All counts; every population computes all its neurons in every executed step."""
        schedule, layers = self.request.schedule, []
        steps = schedule.samples * schedule.steps
        for p in self.request.network.populations:
            found = dict(zip(KINDS, self.fill[p.layer].tolist(), strict=True))
            found["neuron_updates"] = (schedule.total_steps - steps) * p.size
            fill = {key: found[key] for key in FILL_KEYS}
            cells = dict(zip(KINDS, self.counted[p.layer], strict=True))
            layers.append(LayerCounts(p.layer, **cells, neuron_updates=steps * p.size, fill=fill))
        return Counts(schedule.samples, schedule.steps, tuple(layers))

    def shaped(self, records: dict[int, IntArray]) -> dict[int, IntArray]:
        """Records as (N, *shape, T)."""
        network = self.request.network
        return {
            layer: a.reshape(a.shape[0], *network.by_layer[layer].shape, a.shape[2])
            for layer, a in records.items()
        }

    def readout_sums(self) -> npt.NDArray[np.int64] | None:
        """Sums over the read-out's groups, (N, groups)."""
        readout = self.request.network.readout
        if readout is None:
            return None
        return np.asarray(self.readout.reshape(len(self.readout), readout.groups, -1).sum(axis=2))


def _check_room(request: Request) -> None:
    """SpikewattError where the records of a request have no room."""
    network, schedule = request.network, request.schedule
    values = schedule.samples * schedule.steps
    values *= sum(network.by_layer[layer].size for layer in request.record)
    kinds = 3 if request.record_state else 1  # spikes, and u and v
    what = (
        f"Recording {len(request.record)} layers in {schedule.samples} samples of "
        f"{schedule.steps} steps"
    )
    check_room(what, kinds * 4 * values, "Record fewer layers, or run fewer clips or steps.")
