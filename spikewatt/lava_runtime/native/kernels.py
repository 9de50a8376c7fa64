"""The compiled loops around the neurons: events in, synapses, counts.

Spikes of a chunk of steps are lists: those of its t-th step are entries starts[t]:starts[t+1] of
`neurons` (flat indices) and `values`. What is on its way to a population waits in a ring of
dendrite rows, one a step; `arrival` is the local step at which the chunk's first spikes arrive.
Sums are int32 and wrap, as in Lava's buffers; the order of additions does not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.lanes import kernel, sum_of

HALF = 32  # bits of a sum of events, where stored events are summed with it
BUSY_SHARE = 4  # from one value in so many that is not 0 on, a stimulus is listed step by step


@kernel
def _list_by_channel(stimulus: Any, busy: Any, starts: Any, neurons: Any, values: Any) -> None:
    """Spikes of a stimulus (channels, steps); silent channels are passed over."""
    ends = starts.copy()
    for i in range(stimulus.shape[0]):
        for t in range(stimulus.shape[1] if busy[i] else 0):
            value = stimulus[i, t]
            if value != 0:
                k = ends[t]
                ends[t] = k + 1
                neurons[k] = i
                if values.size > 0:
                    values[k] = value


@kernel
def _list_by_step(stimulus: Any, starts: Any, neurons: Any, values: Any) -> None:
    """The same without branches, for many spikes; what is written behind a step is overwritten."""
    for t in range(stimulus.shape[1]):
        k = np.uint64(starts[t])
        for i in range(stimulus.shape[0]):
            value = stimulus[i, t]
            neurons[k] = i
            if values.size > 0:
                values[k] = value
            k += np.uint64(value != 0)


@kernel
def collect_input(
    stimulus: Any, lo: int, stride: int, starts: Any, neurons: Any, values: Any
) -> None:
    """Turn a stimulus (periods, channels, steps) into spikes of the chunk's steps.

    Those of its p-th period begin at step lo + p * stride.
    """
    starts[:] = 0
    periods, channels, steps = stimulus.shape
    busy = np.zeros((periods, channels), np.uint8)
    for p, i in np.ndindex(periods, channels):
        begin, some = lo + p * stride + 1, np.int32(0)
        for t in range(steps):
            some = np.int32(some | stimulus[p, i, t])
        busy[p, i] = some != 0
        for t in range(steps if busy[p, i] else 0):
            starts[begin + t] += stimulus[p, i, t] != 0
    for t in range(starts.size - 1):
        starts[t + 1] += starts[t]
    for p in range(periods):
        begin = lo + p * stride
        own = starts[begin : begin + steps + 1]
        if (own[steps] - own[0]) * BUSY_SHARE > channels * steps:
            _list_by_step(stimulus[p], own, neurons, values)
        else:
            _list_by_channel(stimulus[p], busy[p], own, neurons, values)


@kernel
def postpone(
    starts: Any, neurons: Any, values: Any, first: int, delay: Any, held: Any, out_starts: Any,
    out_neurons: Any, out_values: Any,
) -> None:  # fmt: skip
    """Spikes that leave an axon in the chunk's steps; source i's come delay[i] steps later.

    held: (rows, sources), a ring of what is still inside, one row a step.
    """
    mask = held.shape[0] - 1
    count = out_starts[0] = 0
    for t in range(starts.size - 1):
        for k in range(starts[t], starts[t + 1]):
            value = values[k] if values.size > 0 else np.int32(1)
            held[(first + t + delay[neurons[k]]) & mask, neurons[k]] = value
        row = held[(first + t) & mask]
        for i in range(row.size):
            if row[i] != 0:
                if out_values.size > 0:
                    out_values[count] = row[i]
                out_neurons[count], row[i] = i, 0
                count += 1
        out_starts[t + 1] = count


@kernel
def add_drive(drive: Any, first: int, ring: Any, touched: Any) -> None:
    """Add what the stimulus brings to the dendrites, (steps, n), from local step `first` on."""
    for t in range(drive.shape[0]):
        at = (first + t) & (ring.shape[0] - 1)
        row, touched[at] = ring[at], 1
        for j in range(row.size):
            row[j] += drive[t, j]


@kernel
def count_events(
    starts: Any, neurons: Any, fan_out: Any, stored: Any, counts: Any, first: int
) -> None:
    """Spikes, events and stored events of each step into counts[:, first:].

    fan_out, stored: (sources,); where stored is empty it is in the upper half of fan_out.
    """
    for t in range(starts.size - 1):
        events: Any = sum_of(fan_out, neurons, starts[t], starts[t + 1])  # type: ignore[call-arg]
        if stored.size == 0:
            events, more = events & ((1 << HALF) - 1), events >> HALF
        else:
            more = sum_of(stored, neurons, starts[t], starts[t + 1])  # type: ignore[call-arg]
        counts[0, first + t] = starts[t + 1] - starts[t]
        counts[1, first + t], counts[2, first + t] = events, more


@kernel
def book(counts: Any, stride: int, first: int, inside: Any, cells: Any, fill: Any) -> None:
    """Add counts (kinds, steps) of periods to cells (kinds, samples, steps); the rest is fill.

    Period p begins at step p * stride. first: cells' row of the first one. inside: its steps
    [begin, end), of `length` and the column of begin. fill: (kinds,).
    """
    begin, end, length, column, periods = inside
    for kind in range(counts.shape[0]):
        outside = np.int64(0)
        for p in range(periods):
            for t in range(length):
                count = counts[kind, p * stride + t]
                if begin <= t < end:
                    cells[kind, first + p, column + t - begin] += count
                else:
                    outside += count
        fill[kind] += outside


@kernel
def forget(ring: Any, touched: Any, state: Any, still: Any, sent: Any, rate: Any) -> None:
    """Clear what a population keeps; of its ring (parts, rows, n) the touched rows."""
    for at in range(touched.size):
        if touched[at]:
            ring[:, at] = 0
            touched[at] = 0
    state[:] = 0
    still[:] = 0
    sent[:] = 0
    rate[:] = 0


@kernel
def record_spikes(
    starts: Any, neurons: Any, values: Any, lo: int, hi: int, out: Any, column: int
) -> None:
    """Write the chunk's steps [lo, hi) into out (n, T) from this column on."""
    for t in range(lo, hi):
        for k in range(starts[t], starts[t + 1]):
            out[neurons[k], column + t - lo] = values[k] if values.size > 0 else np.int32(1)


@kernel
def sum_spikes(
    starts: Any, neurons: Any, values: Any, lo: int, hi: int, stride: int, out: Any
) -> None:
    """Add the spikes of each period's steps [lo, hi) to out (periods, n); stride: between two."""
    for p in range(out.shape[0]):
        for t in range(p * stride + lo, p * stride + hi):
            for k in range(starts[t], starts[t + 1]):
                out[p, neurons[k]] += values[k] if values.size > 0 else np.int32(1)
