"""The compiled loops of the neurons, one a model.

Each runs a chunk's steps and collects its spikes behind the starts[0] that are there. ring:
(parts, rows, n), what arrives at the dendrites, cleared when read; touched (rows,): whether
something may have. state: (states, n); still: a flag a block of neurons. bias: (1 or steps, n).
when: the chunk's first local step, the steps [lo, hi) in which the population runs, the step whose
v is copied to probe_v, whether the bias is the same in every step of the period, and the steps
from one period to the next; each period begins from zero and has its row of probe_v. values are
written by neurons with graded spikes. Traces of u and v are (steps, n) or empty. int32 wraps
where Lava's does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.lanes import ONES, kernel
from spikewatt.lava_runtime.native.lif_lanes import step_decaying, step_lif

BLOCK = 1024  # neurons that are updated, or left alone, together


@kernel
def scale_down(state: Any, factor: int, bits: int) -> Any:
    """state * factor >> bits, towards zero."""
    product = np.int64(state) * factor
    return product >> bits if product >= 0 else -(-product >> bits)


@kernel
def _kept(state: Any, keep: Any) -> Any:
    """state * keep >> 12 towards zero, for keep from 0 to 4096 and any int32.

    In halves, so that 32 bits hold every product: |state| <= 2**31 gives (|state| >> 12) * keep
    <= 2**31 and (|state| & 4095) * keep < 2**24, and their sum is at most |state|.
    """
    sign = np.int32(state >> np.int32(31))
    size = np.uint32((state ^ sign) - sign)
    high = np.uint32(np.uint32(size >> np.uint32(12)) * keep)
    low = np.uint32(np.uint32(np.uint32(size & np.uint32(4095)) * keep) >> np.uint32(12))
    return np.int32((np.int32(np.uint32(high + low)) ^ sign) - sign)


@kernel
def show(
    t: int, step: int, u: Any, v: Any, trace_u: Any, trace_v: Any, probe: int, probe_v: Any
) -> None:
    if trace_u.shape[0] > 0:
        trace_u[t], trace_v[t] = u, v
    if step == probe:
        probe_v[:] = v


@kernel
def is_running(step: int, lo: int, hi: int, now: int, ring: Any, touched: Any) -> Any:
    """Whether the population runs in this step of a period; if not, forget what arrives."""
    if lo <= step < hi:
        return True
    at = now & (ring.shape[1] - 1)
    if touched[at]:
        ring[:, at] = 0
        touched[at] = 0
    return False


@kernel
def next_step(step: int, period: int, stride: int, state: Any, still: Any) -> Any:
    """The step that follows, and its period; each period begins from zero."""
    if step + 1 < stride:
        return step + 1, period
    state[:] = 0
    still[:] = 0
    return 0, period + 1


@kernel
def _integrate(row: Any, u: Any, v: Any, bias: Any, keep_u: Any, keep_v: Any) -> Any:
    """One step of every neuron but for the spikes; 0 where nothing came and nothing changed.

    Decay, input and one wrap of the current at 24 bit (+2^23 stays), then the voltage, clipped.
    """
    high, changes = np.int32(1 << 23), np.int32(0)
    for j in range(u.size):
        arrived = np.int32(row[j])
        decayed = np.int32(0) if keep_u == 0 else _kept(u[j], keep_u)
        current = np.int32(decayed + np.int32(arrived << np.int32(6)))
        above, below = np.int32(current > high), np.int32(current <= -high)
        current = np.int32(current + np.int32(np.int32(below - above) << np.int32(24)))
        pushed = np.int32(current + np.int32(np.int32(bias[j]) << np.int32(6)))
        voltage = np.int32(_kept(v[j], keep_v) + pushed)
        voltage = np.int32(min(max(voltage, np.int32(1 - high)), np.int32(high - 1)))
        moved = np.int32(np.int32(current ^ u[j]) | np.int32(voltage ^ v[j]))
        changes = np.int32(changes | np.int32(moved | arrived))
        u[j], v[j], row[j] = current, voltage, 0
    return changes


@kernel
def _is_silent(row: Any) -> Any:
    some = np.int32(0)
    for j in range(row.size):
        some |= row[j]
    return some == 0


@kernel
def update_cuba(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """CUBA-LIF; neuron: (4096 - i_decay, 4096 - v_decay, v_threshold << 6).

    still[b]: in block b the last step changed nothing although nothing came, so that without
    input and with the same bias the next one need not be computed.
    """
    first, lo, hi, probe, steady, stride = when
    period, step = divmod(first, stride)
    count, u, v = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            at = (first + t) & (ring.shape[1] - 1)
            inputs = (ring, at * v.size, state, bias, min(t, bias.shape[0] - 1) * v.size, neuron)
            for b in range(still.size):
                begin, end = b * BLOCK, min((b + 1) * BLOCK, v.size)
                if still[b] and (touched[at] == 0 or _is_silent(ring[0, at, begin:end])):
                    continue
                if neuron[0] == 0:
                    found, changes = step_lif(*inputs, begin, end, ONES, neurons, count)
                else:
                    found, changes = step_decaying(*inputs, begin, end, ONES, neurons, count)
                still[b] = steady != 0 and changes == 0 and found == count
                count = found
            touched[at] = 0
            if step == probe or trace_u.shape[0] > 0:
                show(t, step, u, v, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)


@kernel
def update_adaptive(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Adaptive LIF; state: u, v, threshold above its start, refractoriness.

    neuron: four times 4096 - decay (current, voltage, threshold, refractoriness), threshold << 6,
    threshold_step << 6.
    """
    first, lo, hi, probe, _, stride = when
    period, step = divmod(first, stride)
    count, u, v, above, refractory = starts[0], state[0], state[1], state[2], state[3]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            biases = bias[min(t, bias.shape[0] - 1)]
            _integrate(row, u, v, biases, np.uint32(neuron[0]), np.uint32(neuron[1]))
            for j in range(v.size):
                above[j] = scale_down(above[j], neuron[2], 12)
                refractory[j] = scale_down(refractory[j], neuron[3], 12)
                threshold = np.int32(above[j] + neuron[4])
                if np.int32(np.int64(v[j]) - refractory[j]) >= threshold:
                    refractory[j] += 2 * threshold
                    above[j] += neuron[5]
                    neurons[count] = j
                    count += 1
            show(t, step, u, v, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)


@kernel
def _difference(act: Any, last: Any, residue: Any, threshold: int) -> Any:
    """What is to be told, and whether it is told."""
    delta = np.int32(np.int64(act) - last + residue)
    return delta, np.int32(abs(np.int64(delta))) >= threshold


@kernel
def update_delta(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Delta encoder; state: residue, last act. neuron: shift, state_exp, threshold << shift."""
    first, lo, hi, probe, _, stride = when
    period, step = divmod(first, stride)
    count, residue, last = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            for j in range(last.size):
                act = np.int32(np.int64(row[j]) << neuron[0])
                delta, fires = _difference(act, last[j], residue[j], neuron[2])
                row[j], last[j], residue[j] = 0, act, 0 if fires else delta
                if fires and delta >> neuron[1] != 0:
                    neurons[count], values[count] = j, delta >> neuron[1]
                    count += 1
            show(t, step, residue, last, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)


@kernel
def update_sigma(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Sigma decoder; state: the sum."""
    first, lo, hi, probe, _, stride = when
    period, step = divmod(first, stride)
    count, total = starts[0], state[0]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            for j in range(total.size):
                total[j] += row[j]
                row[j] = 0
                if total[j] != 0:
                    neurons[count], values[count] = j, total[j]
                    count += 1
            show(t, step, total, total, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)


@kernel
def update_sigma_delta(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Sigma-delta; state: sum, last act, residue.

    neuron: shift, state_exp, threshold << shift, whether negative sums are cut off (relu).
    """
    first, lo, hi, probe, _, stride = when
    period, step = divmod(first, stride)
    count, total, last, residue = starts[0], state[0], state[1], state[2]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            biases = bias[min(t, bias.shape[0] - 1)]
            for j in range(total.size):
                total[j] += row[j]
                act = np.int32(np.int64(total[j]) + (np.int64(biases[j]) << neuron[0]))
                if neuron[3] == 1 and act < 0:
                    act = np.int32(0)
                delta, fires = _difference(act, last[j], residue[j], neuron[2])
                row[j], last[j], residue[j] = 0, act, 0 if fires else delta
                if fires and delta >> neuron[1] != 0:
                    neurons[count], values[count] = j, delta >> neuron[1]
                    count += 1
            show(t, step, total, last, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)
