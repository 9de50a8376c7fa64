"""Listed synapses by source: one by one, or as runs of neighbouring targets where they lie so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikewatt.lava_runtime.native import delivery, run_delivery
from spikewatt.lava_runtime.native.arrays import NO_DELAY, Flags, Index, Weights, ints
from spikewatt.lava_runtime.native.groups import Runs, runs_of
from spikewatt.lava_runtime.native.spikes import Spikes
from spikewatt.network import IntArray, Sparse


@dataclass(frozen=True, eq=False)
class SparseLayout:
    """Synapses sorted by source; those of source i at first[i]:first[i + 1]; delay or empty.

    block: targets of one block, where several share the list.
    """

    first: Index
    targets: IntArray
    weight: IntArray
    delay: IntArray
    block: int

    @property
    def delay_max(self) -> int:
        """Longest delay in steps."""
        return int(self.delay.max(initial=0))

    def deliver(self, spikes: Spikes, arrival: int, ring: IntArray, touched: Flags) -> None:
        """Add the synapses of the sources that spiked, each at its own step."""
        args = (self.first, self.targets, self.weight, self.delay, self.block, ring, touched)
        delivery.deliver_sparse(spikes.starts, spikes.neurons, spikes.values, arrival, *args)


@dataclass(frozen=True, eq=False)
class RunLayout:
    """Runs of targets without delays, by groups of sources; block as above."""

    runs: Runs
    block: int
    delay_max: int = 0

    @property
    def weight(self) -> Weights:
        """All weights, the zeros within runs among them."""
        return self.runs.weight

    def deliver(self, spikes: Spikes, arrival: int, ring: IntArray, touched: Flags) -> None:
        """Add the runs of the sources that spiked."""
        r = self.runs
        args = (r.group_of, r.groups, r.runs, r.weight, self.block, ring, touched)
        run_delivery.deliver_runs(spikes.starts, spikes.neurons, spikes.values, arrival, *args)


def by_source(s: Sparse) -> SparseLayout | RunLayout:
    """Synapses that are not 0, in the order of their sources."""
    stored = np.flatnonzero(s.weight)
    place = s.sources[stored].astype(np.int64) * s.block[0] + s.targets[stored]
    order = stored[np.argsort(place, kind="stable")]
    sources, targets, weight = s.sources[order], s.targets[order], s.weight[order]
    first = np.searchsorted(sources, np.arange(s.block[1] + 1)).astype(np.int64)
    if order.size and (s.delay is None or not s.delay[order].any()):
        runs = runs_of(s.block, first, sources, ints(targets), weight)
        if runs is not None:
            return RunLayout(runs, s.block[0])
    delay = NO_DELAY if s.delay is None else s.delay[order]
    return SparseLayout(first, ints(targets), ints(weight), ints(delay), s.block[0])
