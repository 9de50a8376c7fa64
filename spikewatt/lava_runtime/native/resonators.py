"""The compiled loops of the resonators; arguments as `neuron_kernels` says, state: real, imaginary.

Their parts each have a dendrite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.lanes import kernel
from spikewatt.lava_runtime.native.neuron_kernels import is_running, next_step, scale_down, show


@kernel
def _clip(x: Any) -> Any:
    high = 1 << 23
    return min(max(x, 1 - high), high - 1)


@kernel
def _turn(real: Any, imag: Any, neuron: Any, a_real: Any, a_imag: Any) -> Any:
    """Real and imaginary part one step later; neuron: sin, cos, threshold, state_exp, bits."""
    sin, cos, exp, bits = neuron[0], neuron[1], neuron[3], neuron[4]
    inputs = np.int32(np.int64(a_real) << exp), np.int32(np.int64(a_imag) << exp)
    new_real = scale_down(real, cos, bits) - scale_down(imag, sin, bits) + inputs[0]
    new_imag = scale_down(real, sin, bits) + scale_down(imag, cos, bits) + inputs[1]
    return _clip(new_real), _clip(new_imag)


@kernel
def update_phase(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Resonate-and-fire: a spike where the imaginary part comes back from below zero."""
    first, lo, hi, probe, _, stride = when
    period, step = divmod(first, stride)
    count, real, imag = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            at = (first + t) & (ring.shape[1] - 1)
            for j in range(real.size):
                x, y = _turn(real[j], imag[j], neuron, ring[0, at, j], ring[1, at, j])
                if x >= neuron[2] and y >= 0 and imag[j] < 0:
                    neurons[count] = j
                    count += 1
                real[j], imag[j], ring[0, at, j], ring[1, at, j] = x, y, 0, 0
            show(t, step, real, imag, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)


@kernel
def update_izhikevich(
    ring: Any, touched: Any, state: Any, still: Any, bias: Any, neuron: Any, when: Any,
    starts: Any, neurons: Any, values: Any, trace_u: Any, trace_v: Any, probe_v: Any,
) -> None:  # fmt: skip
    """Izhikevich's variant: a spike where the imaginary part reaches the threshold; it resets."""
    first, lo, hi, probe, _, stride = when
    period, step = divmod(first, stride)
    count, real, imag = starts[0], state[0], state[1]
    for t in range(starts.size - 1):
        if is_running(step, lo, hi, first + t, ring, touched):
            at = (first + t) & (ring.shape[1] - 1)
            for j in range(real.size):
                x, y = _turn(real[j], imag[j], neuron, ring[0, at, j], ring[1, at, j])
                if y >= neuron[2]:
                    neurons[count] = j
                    count += 1
                    x, y = np.int64(0), neuron[2] - 1
                real[j], imag[j], ring[0, at, j], ring[1, at, j] = x, y, 0, 0
            show(t, step, real, imag, trace_u, trace_v, probe, probe_v[period])
        starts[t + 1] = count
        step, period = next_step(step, period, stride, state, still)
