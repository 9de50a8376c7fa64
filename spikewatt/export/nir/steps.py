"""Time in NIR is seconds; ours is steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.network import DECAY_MAX, IntArray

DT = 1e-4  # seconds a step, what snnTorch and SpikingJelly assume when they write NIR
TOLERANCE = 1e-3  # of a step


def decay(name: str, tau_s: Any, dt_s: float) -> int:
    """A time constant as the share of 4096 lost a step, 4096 dt / tau, rounded.

    NIR's equations are continuous; this is their Euler step. tau_s: seconds, any shape.
    """
    taus = np.unique(np.asarray(tau_s, dtype=np.float64))
    shares = np.unique(np.rint(DECAY_MAX * dt_s / taus))
    if shares.size != 1 or not np.isfinite(shares).all():
        raise SpikewattError(
            f"NIR node {name!r} has time constants from {taus.min():g} to {taus.max():g} s, which "
            "differ also after rounding. Lava's neurons share one decay a layer: split the layer."
        )
    if not 0 <= shares[0] <= DECAY_MAX:
        raise SpikewattError(
            f"NIR node {name!r} has a time constant of {taus[0]:g} s, shorter than a step of "
            f"{dt_s:g} s. Give the time step that the file was made for (--dt)."
        )
    return int(shares[0])


def steps(name: str, delay_s: Any, dt_s: float) -> IntArray:
    """Delays in whole steps, of the shape given."""
    found = np.asarray(delay_s, dtype=np.float64) / dt_s
    rounded = np.rint(found)
    if not (np.abs(found - rounded) <= TOLERANCE).all() or found.min(initial=0) < 0:
        raise SpikewattError(
            f"NIR node {name!r} delays by {found.max():g} steps of {dt_s:g} s; delays are whole "
            "steps. Give the time step that the file was made for (--dt)."
        )
    return np.asarray(rounded, dtype=np.int32)
