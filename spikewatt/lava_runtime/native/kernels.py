"""The compiled loops: events in, synapses, neurons, counts.

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
    geometry: Any, ring: Any, scratch: Any,
) -> None:  # fmt: skip
    """Shared kernels, weight (channels in, kernel x, kernel y, channels out of the group).

    taps_x[x, i] is the target column that tap i of source column x reaches, -1 for none.
    An empty scratch says that no sum can leave 24 bit; else the projection's sum wraps there.
    """
    mask = ring.shape[0] - 1
    for t in range(starts.size - 1):
        lo, hi = starts[t], starts[t + 1]
        if lo == hi:
            continue
        row = ring[(arrival + t) & mask]
        if scratch.size == 0:
            _add_taps(weight, neurons, values, lo, hi, taps_x, taps_y, geometry, row)
            continue
        scratch[:] = 0
        _add_taps(weight, neurons, values, lo, hi, taps_x, taps_y, geometry, scratch)
        for j in range(row.size):
            row[j] += ((scratch[j] + (1 << 23)) & ((1 << 24) - 1)) - (1 << 23)


@kernel
def _decay(state: Any, keep: int) -> Any:
    kept = (abs(np.int64(state)) * keep) >> 12
    return kept if state >= 0 else -kept


@kernel
def _integrate(row: Any, u: Any, v: Any, bias: Any, keep_u: int, keep_v: int) -> None:
    """One step of every neuron but for the spikes; int32 wraps where Lava's does."""
    high = 1 << 23
    for j in range(u.size):
        current = np.int64(np.int32(_decay(u[j], keep_u) + (np.int64(row[j]) << 6)))
        if current > high:  # once, and +2^23 stays
            current -= 2 * high
        elif current <= -high:
            current += 2 * high
        voltage = np.int64(np.int32(_decay(v[j], keep_v) + current + (np.int64(bias[j]) << 6)))
        u[j] = current
        v[j] = min(max(voltage, 1 - high), high - 1)
        row[j] = 0


@kernel
def update_lif(
    ring: Any, u: Any, v: Any, bias: Any, neuron: Any, first: int, lo: int, hi: int, starts: Any,
    neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe: int, probe_v: Any,
) -> None:  # fmt: skip
    """CUBA-LIF over the chunk that begins at local step `first`; it runs in steps [lo, hi) only.

    bias: (1 or steps, n). neuron: (4096 - i_decay, 4096 - v_decay, v_threshold << 6). Traces are
    (steps, n) or empty. v at the end of local step `probe` is copied to probe_v.
    """
    count = starts[0] = 0
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            row = ring[(first + t) & (ring.shape[0] - 1)]
            _integrate(row, u, v, bias[min(t, bias.shape[0] - 1)], neuron[0], neuron[1])
            for j in range(v.size):
                if v[j] > neuron[2]:
                    neurons[count], values[count], v[j] = j, 1, 0
                    count += 1
            if trace_u.shape[0] > 0:
                trace_u[t], trace_v[t] = u, v
            if first + t == probe:
                probe_v[:] = v
        starts[t + 1] = count


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
