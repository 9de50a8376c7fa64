"""Resonate-and-fire as lava/proc/rf/models.py and lava/proc/rf_iz/models.py compute it."""

from __future__ import annotations

import numpy as np

from spikewatt.lava_runtime.lava.fixed_point import clipped, scaled
from spikewatt.network import IntArray, ResonateFire


class ResonateFireState:
    """Real part u and imaginary part v of one population, (size,) int32 each.

    u' = cos u - sin v + (real input << state_exp), v' = sin u + cos v + (imaginary input <<
    state_exp); every product >> decay_bits towards zero, sums clip at 24 bit.
    A spike where v crosses 0 upwards while u >= v_threshold; Izhikevich's variant: where
    v >= v_threshold, and then u = 0 and v = v_threshold - 1.
    """

    parts, graded = 2, False

    def __init__(self, neuron: ResonateFire, size: int) -> None:
        self.neuron = neuron
        self.u: IntArray = np.zeros(size, dtype=np.int32)
        self.v: IntArray = np.zeros(size, dtype=np.int32)

    def reset(self) -> None:
        """Clear the state."""
        self.u[:] = 0
        self.v[:] = 0

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: real and imaginary input, (2, size), to spikes, (size,); there is no bias."""
        real, imag = self._turned(np.left_shift(a_in, self.neuron.state_exp))
        spikes = self._resets(real, imag) if self.neuron.izhikevich else self._phase(real, imag)
        self.u, self.v = real, imag
        return spikes.astype(np.int32)

    def _turned(self, a_in: IntArray) -> tuple[IntArray, IntArray]:
        n, inputs = self.neuron, a_in.astype(np.int64)
        real = self._times(self.u, n.cos_decay) - self._times(self.v, n.sin_decay) + inputs[0]
        imag = self._times(self.u, n.sin_decay) + self._times(self.v, n.cos_decay) + inputs[1]
        return clipped(real).astype(np.int32), clipped(imag).astype(np.int32)

    def _times(self, state: IntArray, factor: int) -> IntArray:
        return scaled(state, factor, self.neuron.decay_bits)

    def _phase(self, real: IntArray, imag: IntArray) -> IntArray:
        spikes = (real >= self.neuron.v_threshold) & (imag >= 0) & (self.v < 0)
        return np.asarray(spikes, dtype=np.int32)

    def _resets(self, real: IntArray, imag: IntArray) -> IntArray:
        spikes = imag >= self.neuron.v_threshold
        real[spikes] = 0
        imag[spikes] = self.neuron.v_threshold - 1
        return np.asarray(spikes, dtype=np.int32)
