"""The sums that attention delivers, in numpy."""

from __future__ import annotations

import numpy as np

from spikewatt.energy.events import Counters, Trains
from spikewatt.network import Attention, Shape


def attended(s: Attention, shape: Shape, trains: Trains) -> Counters:
    """weight * Q K^T V of each step, (..., neurons); trains (..., neurons), one step an entry.

    Sums are exact: floats hold numbers of pairs, which stay far below 2^53.
    """
    # (..., blocks, heads, tokens, D)
    q, k, v = ((x != 0).reshape(*x.shape[:-1], *s.split(shape)).swapaxes(-3, -2) for x in trains)
    if s.tokens_first:
        product = _times(_times(q, k.swapaxes(-2, -1)), v)
    else:
        product = _times(q, _times(k.swapaxes(-2, -1), v))
    flat = product.swapaxes(-3, -2).reshape(*product.shape[:-4], -1)
    return np.asarray(int(s.weight[0]) * flat.astype(np.int64))


def _times(a: Counters, b: Counters) -> Counters:
    return np.asarray(a.astype(np.float64) @ b.astype(np.float64))
