"""CUBA-LIF exactly as Lava's fixed-point model computes it (lava/proc/lif/models.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import CubaLif, IntArray

STATE_LIMIT = 2**23  # u and v are 24 bits wide
DECAY_UNITY = 4096
SHIFT = 6  # synaptic input, bias and threshold sit 6 bits above the state's lowest bit


def _decayed(state: IntArray, decay: int) -> IntArray:
    """State after one step's decay, rounded towards zero; 64 bits keep the product exact."""
    product = state.astype(np.int64) * (DECAY_UNITY - decay)
    return np.asarray(np.sign(product) * (np.abs(product) >> 12), dtype=np.int32)


class CubaLifState:
    """Current and voltage of one population, (size,) int32 each, and their update.

    Arithmetic is in int32 throughout, as Lava's is, so that what overflows does so alike.
    """

    def __init__(self, neuron: CubaLif, size: int) -> None:
        self.neuron = neuron
        self.threshold = neuron.v_threshold << SHIFT
        self.u: IntArray = np.zeros(size, dtype=np.int32)
        self.v: IntArray = np.zeros(size, dtype=np.int32)

    def reset(self) -> None:
        """Clear the state."""
        self.u[:] = 0
        self.v[:] = 0

    def update(self, a_in: IntArray, bias: IntArray) -> npt.NDArray[np.bool_]:
        """One step: dendritic input and bias mantissas, (size,), to spikes, (size,)."""
        u = _decayed(self.u, self.neuron.i_decay) + np.left_shift(a_in, SHIFT)
        # Lava corrects once, and leaves +2**23 as it is
        over, under = u > STATE_LIMIT, u <= -STATE_LIMIT
        u[over] -= 2 * STATE_LIMIT
        u[under] += 2 * STATE_LIMIT
        v = _decayed(self.v, self.neuron.v_decay) + u + np.left_shift(bias, SHIFT)
        v = np.clip(v, 1 - STATE_LIMIT, STATE_LIMIT - 1)
        spikes: npt.NDArray[np.bool_] = v > self.threshold
        v[spikes] = 0
        self.u, self.v = u, v
        return spikes


NEURONS: dict[type[Any], type[CubaLifState]] = {CubaLif: CubaLifState}
