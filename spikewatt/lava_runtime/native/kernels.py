"""The compiled loops around the neurons: events in, synapses, counts.

Spikes of a chunk of steps are lists: those of its t-th step are entries starts[t]:starts[t+1] of
`neurons` (flat indices) and `values`. What is on its way to a population waits in a ring of
dendrite rows, one a step; `arrival` is the local step at which the chunk's first spikes arrive.
Sums are int32 and wrap, as in Lava's buffers; the order of additions does not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

kernel = njit(cache=True, nogil=True)


@kernel
def collect_input(
    stimulus: Any, column: int, lo: int, hi: int, binary: bool, starts: Any, neurons: Any,
    values: Any,
) -> None:  # fmt: skip
    """Turn columns of a stimulus (channels, T) into spikes of the chunk's steps [lo, hi)."""
    starts[:] = 0
    for i in range(stimulus.shape[0]):
        for t in range(lo, hi):
            starts[t + 1] += stimulus[i, column + t - lo] != 0
    for t in range(starts.size - 1):
        starts[t + 1] += starts[t]
    filled = np.zeros(starts.size, np.int64)
    for i in range(stimulus.shape[0]):
        for t in range(lo, hi):
            value = stimulus[i, column + t - lo]
            if value != 0:
                k = starts[t] + filled[t]
                filled[t] += 1
                neurons[k] = i
                values[k] = 1 if binary else value


@kernel
def _add_rows(weight: Any, neurons: Any, values: Any, lo: int, hi: int, row: Any) -> None:
    for k in range(lo, hi):
        source, value = weight[neurons[k]], values[k]
        for j in range(row.size):
            row[j] += source[j] * value


@kernel
def deliver_dense(
    starts: Any, neurons: Any, values: Any, arrival: int, weight: Any, delay: Any, ring: Any,
    scratch: Any,
) -> None:  # fmt: skip
    """All-to-all synapses, weight (sources, targets); delay (targets,), or empty for none."""
    mask = ring.shape[0] - 1
    for t in range(starts.size - 1):
        lo, hi = starts[t], starts[t + 1]
        if lo == hi:
            continue
        if delay.size == 0:
            _add_rows(weight, neurons, values, lo, hi, ring[(arrival + t) & mask])
            continue
        scratch[:] = 0
        _add_rows(weight, neurons, values, lo, hi, scratch)
        for j in range(scratch.size):
            ring[(arrival + t + delay[j]) & mask, j] += scratch[j]


@kernel
def deliver_sparse(
    starts: Any, neurons: Any, values: Any, arrival: int, first: Any, targets: Any, weight: Any,
    delay: Any, ring: Any,
) -> None:  # fmt: skip
    """Listed synapses, those of source i at first[i]:first[i+1], each with its own delay."""
    mask = ring.shape[0] - 1
    for t in range(starts.size - 1):
        for k in range(starts[t], starts[t + 1]):
            value = values[k]
            for s in range(first[neurons[k]], first[neurons[k] + 1]):
                ring[(arrival + t + delay[s]) & mask, targets[s]] += weight[s] * value


@kernel
def _add_taps(
    weight: Any, neurons: Any, values: Any, lo: int, hi: int, taps_x: Any, taps_y: Any,
    geometry: Any, row: Any,
) -> None:  # fmt: skip
    source_y, source_c, target_y, target_c = geometry[0], geometry[1], geometry[2], geometry[3]
    per_source, per_target = geometry[4], geometry[5]
    for k in range(lo, hi):
        value, c = values[k], neurons[k] % source_c
        x, y = neurons[k] // source_c // source_y, neurons[k] // source_c % source_y
        group = c // per_source * per_target
        for i in range(taps_x.shape[1]):
            if taps_x[x, i] < 0:
                continue
            for j in range(taps_y.shape[1]):
                if taps_y[y, j] < 0:
                    continue
                at = (taps_x[x, i] * target_y + taps_y[y, j]) * target_c + group
                out, tap = row[at : at + per_target], weight[c, i, j]
                for o in range(per_target):
                    out[o] += tap[o] * value


@kernel
def deliver_conv(
    starts: Any, neurons: Any, values: Any, arrival: int, weight: Any, taps_x: Any, taps_y: Any,
    geometry: Any, bound: int, ring: Any, scratch: Any,
) -> None:  # fmt: skip
    """Shared kernels, weight (channels in, kernel x, kernel y, channels out of the group).

    taps_x[x, i] is the target column that tap i of source column x reaches, -1 for none.
    bound is the largest sum of a target's weights; only a sum that may leave 24 bit is wrapped.
    """
    mask = ring.shape[0] - 1
    for t in range(starts.size - 1):
        lo, hi = starts[t], starts[t + 1]
        if lo == hi:
            continue
        row = ring[(arrival + t) & mask]
        peak: Any = 0
        for k in range(lo, hi):
            peak = max(peak, abs(np.int64(values[k])))
        if bound * peak < 1 << 23:
            _add_taps(weight, neurons, values, lo, hi, taps_x, taps_y, geometry, row)
            continue
        scratch[:] = 0
        _add_taps(weight, neurons, values, lo, hi, taps_x, taps_y, geometry, scratch)
        for j in range(row.size):
            row[j] += ((scratch[j] + (1 << 23)) & ((1 << 24) - 1)) - (1 << 23)


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
            held[(first + t + delay[neurons[k]]) & mask, neurons[k]] = values[k]
        row = held[(first + t) & mask]
        for i in range(row.size):
            if row[i] != 0:
                out_neurons[count], out_values[count], row[i] = i, row[i], 0
                count += 1
        out_starts[t + 1] = count


@kernel
def add_drive(drive: Any, first: int, ring: Any) -> None:
    """Add what the stimulus brings to the dendrites, (steps, n), from local step `first` on."""
    for t in range(drive.shape[0]):
        row = ring[(first + t) & (ring.shape[0] - 1)]
        for j in range(row.size):
            row[j] += drive[t, j]


@kernel
def count_events(
    starts: Any, neurons: Any, fan_out: Any, fan_out_stored: Any, counts: Any, first: int
) -> None:
    """Spikes, events and stored events of each step into counts[0:3, first:first + steps]."""
    for t in range(starts.size - 1):
        events = stored = 0
        for k in range(starts[t], starts[t + 1]):
            events += fan_out[neurons[k]]
            stored += fan_out_stored[neurons[k]]
        counts[0, first + t] = starts[t + 1] - starts[t]
        counts[1, first + t] = events
        counts[2, first + t] = stored


@kernel
def record_spikes(
    starts: Any, neurons: Any, values: Any, lo: int, hi: int, out: Any, column: int
) -> None:
    """Write the chunk's steps [lo, hi) into out (n, T) from this column on."""
    for t in range(lo, hi):
        for k in range(starts[t], starts[t + 1]):
            out[neurons[k], column + t - lo] = values[k]


@kernel
def sum_spikes(starts: Any, neurons: Any, values: Any, lo: int, hi: int, out: Any) -> None:
    """Add the spikes of the chunk's steps [lo, hi) to out (n,)."""
    for t in range(lo, hi):
        for k in range(starts[t], starts[t + 1]):
            out[neurons[k]] += values[k]
