"""Neighbouring sources that reach nearly the same targets, as the channels of a joint do.

A group's weights lie as a small matrix: the row of each source runs over all the targets that the
group reaches, with zeros where a source has no synapse. A stored zero here changes no sum, and
events are counted from the fan-out tables, so nothing else sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.arrays import Index, Weights, narrow
from spikewatt.lava_runtime.native.delivery import GROUP
from spikewatt.lava_runtime.native.lanes import kernel
from spikewatt.network import IntArray
from spikewatt.synapses import Pair

GAP = 4  # targets without a synapse that a run steps over, with weights 0
LONG_RUN = 8  # synapses a run, on average, from which on runs are faster than lists
FILLED = 0.75  # zeros that a source may bring into a group, as a share of its synapses


@dataclass(frozen=True, eq=False)
class Runs:
    """As `deliver_runs` takes them.

    group_of: (sources,). groups: first source, first weight, weights of a source, first run;
    one row more than groups. runs: first target, size, first weight of a source.
    """

    group_of: Index
    groups: Index
    runs: Index
    weight: Weights


@kernel
def join_sources(first: Any, targets: Any, size: int, group_of: Any) -> None:
    """Number the groups: a source joins the one before where few zeros have to be filled in.

    Targets of source i, sorted: targets[first[i]:first[i + 1]], below size. group_of: (sources,).
    """
    stamps = np.full(size, -1, np.int64)
    group, members, union = np.int64(-1), GROUP, 0
    for i in range(first.size - 1):
        own, more = first[i + 1] - first[i], 0
        for s in range(first[i], first[i + 1]):
            more += stamps[targets[s]] != group
        zeros = members * more + union + more - own
        if members == GROUP or zeros > FILLED * own:
            group, members, union, more = group + 1, 0, 0, own
        for s in range(first[i], first[i + 1]):
            stamps[targets[s]] = group
        members, union = members + 1, union + more
        group_of[i] = group


def _runs(reached: Index, size: int) -> tuple[Index, Index]:
    """Runs of the sorted places group * size + target: where each begins, and its length."""
    apart = (np.diff(reached) > GAP) | (np.diff(reached // size) > 0)
    starts = np.concatenate(([0], np.flatnonzero(apart) + 1))
    ends = np.concatenate((starts[1:], [reached.size])) - 1
    begins = reached[starts]
    return begins, reached[ends] - begins + 1


def _table(group_of: Index, begins: Index, lengths: Index, size: int) -> tuple[Index, Index]:
    """groups and runs of `Runs`, from runs that begin at group * size + target."""
    members, group = np.bincount(group_of), begins // size
    bounds = np.searchsorted(group, np.arange(members.size + 1))  # first run of each group
    before = np.concatenate(([0], np.cumsum(lengths)))
    widths = np.diff(before[bounds])
    heads, bases = (np.concatenate(([0], np.cumsum(n))) for n in (members, members * widths))
    groups = np.stack((heads, bases, np.append(widths, 0), bounds), axis=1)
    runs = np.stack((begins % size, lengths, before[:-1] - before[bounds][group]), axis=1)
    return groups.astype(np.int64), runs.astype(np.int64)


def runs_of(
    block: Pair, first: Index, sources: IntArray, targets: IntArray, weight: IntArray
) -> Runs | None:
    """Synapses, sorted by source and target, as runs by group; None where most runs are short.

    Those of source i are first[i]:first[i + 1]. block: targets and sources.
    """
    size, count = block
    group_of = np.zeros(count, np.int64)
    join_sources(first, targets, size, group_of)
    places = group_of[sources] * size + targets
    begins, lengths = _runs(np.unique(places), size)
    if weight.size < LONG_RUN * np.bincount(group_of)[begins // size].sum():
        return None
    groups, runs = _table(group_of, begins, lengths, size)
    heads, bases, widths = groups[group_of, :3].T
    rows = bases + (np.arange(count) - heads) * widths  # where each source's weights begin
    run = np.searchsorted(begins, places, side="right") - 1
    at = rows[sources] + runs[run, 2] + places - begins[run]
    filled = np.bincount(at, weight, groups[-1, 1])
    whole = filled.astype(np.int64)  # sums of whole numbers, where doubled
    return Runs(group_of, groups, runs, narrow(whole))
