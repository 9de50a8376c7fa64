"""CUBA-LIF and its adaptive variant as Lava's fixed-point models compute them.

lava/proc/lif/models.py and lava/proc/atrlif/models.py. Arithmetic is in int32 throughout, as
Lava's is, so that what overflows does so alike.
"""

from __future__ import annotations

import numpy as np

from spikewatt.lava_runtime.lava.fixed_point import SHIFT, clipped, decayed, wrapped_once
from spikewatt.network import AdaptiveLif, CubaLif, IntArray


class CubaLifState:
    """Current u and voltage v of one population, (size,) int32 each."""

    parts, graded = 1, False

    def __init__(self, neuron: CubaLif, size: int) -> None:
        self.neuron = neuron
        self.threshold = neuron.v_threshold << SHIFT
        self.u: IntArray = np.zeros(size, dtype=np.int32)
        self.v: IntArray = np.zeros(size, dtype=np.int32)

    def reset(self) -> None:
        """Clear the state."""
        self.u[:] = 0
        self.v[:] = 0

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: dendritic input, (1, size), and bias mantissas, (size,), to spikes, (size,)."""
        self.u = wrapped_once(decayed(self.u, self.neuron.i_decay) + np.left_shift(a_in[0], SHIFT))
        v = decayed(self.v, self.neuron.v_decay)
        v += self.u
        v += np.left_shift(bias, SHIFT)
        spikes = clipped(v) > self.threshold
        self.v = np.where(spikes, np.int32(0), v)
        return spikes.astype(np.int32)


class AdaptiveLifState:
    """Current u, voltage v, threshold and refractory state of one population, (size,) each.

    theta = theta_0 + ((theta - theta_0) (4096 - threshold_decay) >> 12)
    r = r (4096 - refractory_decay) >> 12
    A spike where v - r >= theta; then r += 2 theta, theta += threshold_step.
    """

    parts, graded = 1, False

    def __init__(self, neuron: AdaptiveLif, size: int) -> None:
        self.neuron = neuron
        self.u: IntArray = np.zeros(size, dtype=np.int32)
        self.v: IntArray = np.zeros(size, dtype=np.int32)
        self.refractory: IntArray = np.zeros(size, dtype=np.int32)
        self.above: IntArray = np.zeros(size, dtype=np.int32)  # threshold minus its start

    def reset(self) -> None:
        """Clear the state; the threshold goes back to its start."""
        for state in (self.u, self.v, self.refractory, self.above):
            state[:] = 0

    def update(self, a_in: IntArray, bias: IntArray) -> IntArray:
        """One step: dendritic input, (1, size), and bias mantissas, (size,), to spikes, (size,)."""
        n = self.neuron
        self.u = wrapped_once(decayed(self.u, n.i_decay) + np.left_shift(a_in[0], SHIFT))
        self.v = clipped(decayed(self.v, n.v_decay) + self.u + np.left_shift(bias, SHIFT))
        self.above = decayed(self.above, n.threshold_decay)
        self.refractory = decayed(self.refractory, n.refractory_decay)
        threshold = self.above + np.int32(n.threshold << SHIFT)
        spikes = self.v - self.refractory >= threshold
        self.refractory[spikes] += 2 * threshold[spikes]
        self.above[spikes] += n.threshold_step << SHIFT
        return spikes.astype(np.int32)
