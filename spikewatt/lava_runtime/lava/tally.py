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
from spikewatt.lava_runtime.lava.results import STEPS_MAX, PopulationResults, Window

CROWD = 1024  # spikes of a step from which a matrix product may be faster than a look-up
SPIKES_MAX = 2**14  # 0.1 MB


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
        self.fan_outs = np.stack([fan_out] if is_same else [fan_out, fan_out_stored])
        exact = np.float32 if self.fan_outs.sum(axis=1).max() < FLOAT32_EXACT else np.float64
        self.factors: npt.NDArray[Any] = self.fan_outs.astype(exact)
        self.crowd = max(CROWD, len(fan_out) // 8)
        self.results, self.window, self.last = results, window, last
        self._forget()

    def _forget(self) -> None:
        self.steps: list[int] = []
        self.active: list[npt.NDArray[np.intp]] = []
        self.crowds: list[tuple[int, npt.NDArray[Any]]] = []  # spikes and events of a step
        self.crowded: list[int] = []  # these steps
        self.spikes = 0

    def add(self, step: int, fired: npt.NDArray[np.bool_], active: npt.NDArray[np.intp]) -> None:
        """Take note of a step: whether each source spiked, and the indices of those that did."""
        count = active.size
        if count >= self.crowd:
            self.crowded.append(step)
            self.crowds.append((count, self.factors @ fired.astype(self.factors.dtype)))
        elif count:
            self.steps.append(step)
            self.active.append(active)
            self.spikes += count
        kept = max(len(self.steps), len(self.crowded))
        if kept >= STEPS_MAX or self.spikes >= SPIKES_MAX or step == self.last:
            self._count()

    def _count(self) -> None:
        """Add up what is kept, step by step."""
        if self.steps:
            spikes_in = np.array([len(a) for a in self.active])
            first, sources = np.cumsum(spikes_in) - spikes_in, np.concatenate(self.active)
            self._book(self.steps, spikes_in, np.add.reduceat(self.fan_outs[:, sources], first, 1))
        if self.crowded:
            counts, sums = zip(*self.crowds, strict=True)
            self._book(self.crowded, np.array(counts), np.array(sums).T)
        self._forget()

    def _book(self, steps: list[int], spikes_in: Counters, events: npt.NDArray[Any]) -> None:
        counts = np.array([spikes_in, events[0], events[-1]]).astype(np.int64)
        self.results.received(self.window.places(steps), counts)
