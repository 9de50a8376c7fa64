"""Fixed point that Lava's neuron models share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray

STATE_LIMIT = 2**23  # states are 24 bits wide
DECAY_BITS = 12
SHIFT = 6  # input, bias and threshold sit 6 bits above the state's lowest bit


def scaled(state: IntArray, factor: int, bits: int = DECAY_BITS) -> IntArray:
    """state * factor >> bits, rounded towards zero; |factor| <= 2**bits <= 2**12.

    A double holds the product, below 2**44, exactly; the cast cuts its fraction off.
    """
    return np.asarray((state * (factor / (1 << bits))).astype(np.int32))


def decayed(state: IntArray, decay: int) -> IntArray:
    """State after one step's decay, a share of 4096."""
    return scaled(state, (1 << DECAY_BITS) - decay)


def wrapped_once(state: IntArray) -> IntArray:
    """State back in 24 bits as Lava does it: one correction, and +2**23 stays as it is."""
    if state.max() > STATE_LIMIT or state.min() <= -STATE_LIMIT:  # rare
        over, under = state > STATE_LIMIT, state <= -STATE_LIMIT
        state[over] -= 2 * STATE_LIMIT
        state[under] += 2 * STATE_LIMIT
    return state


def clipped(state: npt.NDArray[Any]) -> IntArray:
    """State clipped to 24 bits, symmetrically, in its place."""
    return np.asarray(np.clip(state, 1 - STATE_LIMIT, STATE_LIMIT - 1, out=state))
