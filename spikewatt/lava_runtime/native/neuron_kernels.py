"""The compiled loops of the neurons, one a model.

Each runs a chunk's steps and collects its spikes behind the starts[0] that are there. ring:
(parts, rows, n), what arrives at the dendrites, cleared when read. state: (states, n). bias:
(1 or steps, n). when: the chunk's first local step, the steps [lo, hi) in which the population
runs, and the step whose v is copied to probe_v. Traces of u and v are (steps, n) or empty.
int32 wraps where Lava's does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.kernels import kernel


@kernel
def _scale(state: Any, factor: int, bits: int) -> Any:
    """state * factor >> bits, towards zero."""
    product = np.int64(state) * factor
    return product >> bits if product >= 0 else -(-product >> bits)


@kernel
def _current(u: Any, keep: int, a_in: Any) -> Any:
    """Decay, input, and one wrap at 24 bit; +2^23 stays."""
    high = 1 << 23
    current = np.int64(np.int32(_scale(u, keep, 12) + (np.int64(a_in) << 6)))
    if current > high:
        current -= 2 * high
    elif current <= -high:
        current += 2 * high
    return current


@kernel
def _clip(x: Any) -> Any:
    high = 1 << 23
    return min(max(x, 1 - high), high - 1)


@kernel
def _voltage(v: Any, keep: int, current: Any, bias: Any) -> Any:
    return _clip(np.int64(np.int32(_scale(v, keep, 12) + current + (np.int64(bias) << 6))))


@kernel
def _show(
    t: int, step: int, u: Any, v: Any, trace_u: Any, trace_v: Any, probe: int, probe_v: Any
) -> None:
    if trace_u.shape[0] > 0:
        trace_u[t], trace_v[t] = u, v
    if step == probe:
        probe_v[:] = v


@kernel
def _integrate(row: Any, u: Any, v: Any, bias: Any, keep_u: int, keep_v: int) -> None:
    """One step of every neuron but for the spikes; int32 wraps where Lava's does."""
    for j in range(u.size):
        current = _current(u[j], keep_u, row[j])
        v[j] = _voltage(v[j], keep_v, current, bias[j])
        u[j] = current
        row[j] = 0


@kernel
def update_cuba(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """CUBA-LIF; neuron: (4096 - i_decay, 4096 - v_decay, v_threshold << 6)."""
    first, lo, hi, probe = when
    count, u, v = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            _integrate(row, u, v, bias[min(t, bias.shape[0] - 1)], neuron[0], neuron[1])
            for j in range(v.size):
                if v[j] > neuron[2]:
                    neurons[count], values[count], v[j] = j, 1, 0
                    count += 1
            _show(t, first + t, u, v, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count


@kernel
def update_adaptive(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Adaptive LIF; state: u, v, threshold above its start, refractoriness.

    neuron: four times 4096 - decay (current, voltage, threshold, refractoriness), threshold << 6,
    threshold_step << 6.
    """
    first, lo, hi, probe = when
    count, u, v, above, refractory = starts[0], state[0], state[1], state[2], state[3]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            biases = bias[min(t, bias.shape[0] - 1)]
            _integrate(row, u, v, biases, neuron[0], neuron[1])
            for j in range(v.size):
                above[j] = _scale(above[j], neuron[2], 12)
                refractory[j] = _scale(refractory[j], neuron[3], 12)
                threshold = np.int32(above[j] + neuron[4])
                if np.int32(np.int64(v[j]) - refractory[j]) >= threshold:
                    refractory[j] += 2 * threshold
                    above[j] += neuron[5]
                    neurons[count], values[count] = j, 1
                    count += 1
            _show(t, first + t, u, v, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count


@kernel
def _difference(act: Any, last: Any, residue: Any, threshold: int) -> Any:
    """What is to be told, and whether it is told."""
    delta = np.int32(np.int64(act) - last + residue)
    return delta, np.int32(abs(np.int64(delta))) >= threshold


@kernel
def update_delta(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Delta encoder; state: residue, last act. neuron: shift, state_exp, threshold << shift."""
    first, lo, hi, probe = when
    count, residue, last = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            for j in range(last.size):
                act = np.int32(np.int64(row[j]) << neuron[0])
                delta, fires = _difference(act, last[j], residue[j], neuron[2])
                row[j], last[j], residue[j] = 0, act, 0 if fires else delta
                if fires and delta >> neuron[1] != 0:
                    neurons[count], values[count] = j, delta >> neuron[1]
                    count += 1
            _show(t, first + t, residue, last, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count


@kernel
def update_sigma(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Sigma decoder; state: the sum."""
    first, lo, hi, probe = when
    count, total = starts[0], state[0]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            row = ring[0, (first + t) & (ring.shape[1] - 1)]
            for j in range(total.size):
                total[j] += row[j]
                row[j] = 0
                if total[j] != 0:
                    neurons[count], values[count] = j, total[j]
                    count += 1
            _show(t, first + t, total, total, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count


@kernel
def update_sigma_delta(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Sigma-delta; state: sum, last act, residue.

    neuron: shift, state_exp, threshold << shift, whether negative sums are cut off (relu).
    """
    first, lo, hi, probe = when
    count, total, last, residue = starts[0], state[0], state[1], state[2]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
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
            _show(t, first + t, total, last, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count


@kernel
def _turn(real: Any, imag: Any, neuron: Any, a_real: Any, a_imag: Any) -> Any:
    """Real and imaginary part one step later; neuron: sin, cos, threshold, state_exp, bits."""
    sin, cos, exp, bits = neuron[0], neuron[1], neuron[3], neuron[4]
    inputs = np.int32(np.int64(a_real) << exp), np.int32(np.int64(a_imag) << exp)
    new_real = _scale(real, cos, bits) - _scale(imag, sin, bits) + inputs[0]
    new_imag = _scale(real, sin, bits) + _scale(imag, cos, bits) + inputs[1]
    return _clip(new_real), _clip(new_imag)


@kernel
def update_phase(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Resonate-and-fire: a spike where the imaginary part comes back from below zero."""
    first, lo, hi, probe = when
    count, real, imag = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            at = (first + t) & (ring.shape[1] - 1)
            for j in range(real.size):
                x, y = _turn(real[j], imag[j], neuron, ring[0, at, j], ring[1, at, j])
                if x >= neuron[2] and y >= 0 and imag[j] < 0:
                    neurons[count], values[count] = j, 1
                    count += 1
                real[j], imag[j], ring[0, at, j], ring[1, at, j] = x, y, 0, 0
            _show(t, first + t, real, imag, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count


@kernel
def update_izhikevich(
    ring: Any, state: Any, bias: Any, neuron: Any, when: Any, starts: Any, neurons: Any,
    values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Izhikevich's variant: a spike where the imaginary part reaches the threshold; it resets."""
    first, lo, hi, probe = when
    count, real, imag = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if lo <= first + t < hi:
            at = (first + t) & (ring.shape[1] - 1)
            for j in range(real.size):
                x, y = _turn(real[j], imag[j], neuron, ring[0, at, j], ring[1, at, j])
                if y >= neuron[2]:
                    neurons[count], values[count] = j, 1
                    count += 1
                    x, y = np.int64(0), neuron[2] - 1
                real[j], imag[j], ring[0, at, j], ring[1, at, j] = x, y, 0, 0
            _show(t, first + t, real, imag, trace_u, trace_v, probe, probe_v)
        starts[t + 1] = count
