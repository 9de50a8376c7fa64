"""Listed synapses by source: one by one, or as runs of neighbouring targets where they lie so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikewatt.lava_runtime.native import delivery
from spikewatt.lava_runtime.native.arrays import NO_DELAY, Flags, Index, Weights, ints, narrow
from spikewatt.lava_runtime.native.spikes import Spikes
from spikewatt.network import IntArray, Sparse

GAP = 4  # targets without a synapse that a run steps over, with weights 0
LONG_RUN = 8  # synapses a run, on average, from which on runs are faster than lists


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
    """Runs of targets without delays, those of source i at first[i]:first[i + 1].

    Run r holds weight[begins[r]:begins[r + 1]], for the targets from targets[r] on.
    """

    first: Index
    targets: Index
    begins: Index
    weight: Weights
    block: int
    delay_max: int = 0

    def deliver(self, spikes: Spikes, arrival: int, ring: IntArray, touched: Flags) -> None:
        """Add the runs of the sources that spiked."""
        args = (self.first, self.targets, self.begins, self.weight, self.block, ring, touched)
        delivery.deliver_runs(spikes.starts, spikes.neurons, spikes.values, arrival, *args)


def _first(sources: IntArray, count: int) -> Index:
    """Where each source's entries begin, (count + 1,), in a list that is sorted by source."""
    return np.searchsorted(sources, np.arange(count + 1)).astype(np.int64)


def _runs(s: Sparse, sources: IntArray, targets: IntArray, weight: IntArray) -> RunLayout | None:
    """Synapses, sorted by source and target, as runs; None where most runs are short."""
    apart = (np.diff(sources) != 0) | (np.diff(targets) > GAP)
    starts = np.concatenate(([0], np.flatnonzero(apart) + 1))
    if weight.size < LONG_RUN * starts.size:
        return None
    ends = np.concatenate((starts[1:], [weight.size])) - 1
    lengths = targets[ends].astype(np.int64) - targets[starts] + 1
    begins = np.concatenate(([0], np.cumsum(lengths)))
    run = np.repeat(np.arange(starts.size), ends - starts + 1)
    places = begins[run] + targets - targets[starts][run]
    filled = np.bincount(places, weight).astype(np.int64)  # sums of whole numbers, where doubled
    first = _first(sources[starts], s.block[1])
    return RunLayout(first, targets[starts].astype(np.int64), begins, narrow(filled), s.block[0])


def by_source(s: Sparse) -> SparseLayout | RunLayout:
    """Synapses that are not 0, in the order of their sources."""
    stored = np.flatnonzero(s.weight)
    place = s.sources[stored].astype(np.int64) * s.block[0] + s.targets[stored]
    order = stored[np.argsort(place, kind="stable")]
    sources, targets, weight = s.sources[order], s.targets[order], s.weight[order]
    if s.delay is None or not s.delay[order].any():
        runs = _runs(s, sources, targets, weight)
        if runs is not None:
            return runs
    delay = NO_DELAY if s.delay is None else s.delay[order]
    first = _first(sources, s.block[1])
    return SparseLayout(first, ints(targets), ints(weight), ints(delay), s.block[0])
