"""Counts one projection's synaptic events, many steps at a time.

What a step adds is a handful of numbers, and reaching for numpy costs more than adding them up;
so the spikes' sources are kept until there are enough. A step of many spikes is a product. Nothing
is lost: every spike is counted, at the step in which it was sent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import Counters
from spikewatt.lava_runtime.lava.convolution import FLOAT32_EXACT
from spikewatt.lava_runtime.lava.results import PopulationResults, Window

CROWD = 1024  # spikes of a step from which a matrix product may be faster than a look-up
STEPS_MAX, SPIKES_MAX = 256, 2**14  # 0.1 MB


class Tally:
    """Spikes in, synaptic events, and events with stored zeros, of one projection.

    fan_out, fan_out_stored: (sources,). window: at the source's depth. last: step after which
    nothing comes.
    """

    def __init__(
        self,
        fan_out: Counters,
        fan_out_stored: Counters,
        results: PopulationResults,
        window: Window,
        last: int,
    ) -> None:
        self.fan_out = fan_out
        is_same = np.array_equal(fan_out, fan_out_stored)
        self.fan_out_stored = None if is_same else fan_out_stored
        both = np.stack([fan_out, fan_out_stored])
        exact = np.float32 if both.sum(axis=1).max() < FLOAT32_EXACT else np.float64
        self.both: npt.NDArray[Any] = both.astype(exact)
        self.results, self.window, self.last = results, window, last
        self._forget()

    def _forget(self) -> None:
        self.places: list[tuple[int, int]] = []  # sample and step of the sample
        self.active: list[npt.NDArray[np.intp]] = []
        self.spikes = 0

    def add(self, step: int, fired: npt.NDArray[np.bool_], active: npt.NDArray[np.intp]) -> None:
        """Take note of a step: whether each source spiked, and the indices of those that did."""
        if active.size >= max(CROWD, len(fired) // 8):
            sums = (self.both @ fired.astype(self.both.dtype)).astype(np.int64)
            counts = np.array([[active.size], *sums[:, np.newaxis]])
            self.results.received([self.window.of(step)], counts)
        elif active.size:
            self.places.append(self.window.of(step))
            self.active.append(active)
            self.spikes += active.size
        if len(self.places) >= STEPS_MAX or self.spikes >= SPIKES_MAX or step == self.last:
            self._count()

    def _count(self) -> None:
        """Add up what is kept, step by step."""
        if not self.places:
            return
        spikes_in = np.array([len(a) for a in self.active])
        first, sources = np.cumsum(spikes_in) - spikes_in, np.concatenate(self.active)
        events = np.add.reduceat(self.fan_out[sources], first)
        stored = events
        if self.fan_out_stored is not None:
            stored = np.add.reduceat(self.fan_out_stored[sources], first)
        self.results.received(self.places, np.array([spikes_in, events, stored]))
        self._forget()
