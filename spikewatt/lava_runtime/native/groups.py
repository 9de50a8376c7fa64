"""Neighbouring sources that reach nearly the same targets, as the channels of a joint do.

A group's weights lie as a small matrix: the row of each source covers all the targets that the
group reaches, in runs of neighbours, with zeros where a source has no synapse. A stored zero here
changes no sum, and events are counted from the fan-out tables, so nothing else sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.arrays import Index, Weights, narrow, narrow_type, zeros
from spikewatt.lava_runtime.native.delivery import GROUP
from spikewatt.lava_runtime.native.lanes import kernel
from spikewatt.lava_runtime.native.run_lanes import RUN, WIDEST
from spikewatt.network import IntArray
from spikewatt.synapses import Pair

FULL_RUN = 8  # synapses a run, on average, from which on runs are faster than lists
FILLED = 0.75  # zeros that a source may bring into a group, as a share of its synapses


@dataclass(frozen=True, eq=False)
class Runs:
    """As `run_delivery.deliver_runs` takes them.

    group_of: (sources,). groups: first source, first weight, weights of a source, first run,
    largest sum of a target's weights, and largest weight, signs apart; one row more than groups.
    runs: first target of each. weight: of each source RUN a run; then RUN * WIDEST zeros.
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


@kernel
def cover(reached: Any, size: int, begins: Any) -> int:
    """Cover the sorted places group * size + target with as few runs as can be; how many.

    begins: where each begins, which leaves a whole run of targets behind it.
    """
    count, end = 0, np.int64(-1)
    for place in reached:
        if place >= end:
            begins[count] = min(place, (place // size + 1) * size - RUN)
            end = begins[count] + RUN
            count += 1
    return count


def _table(group_of: Index, begins: Index, size: int) -> Index:
    """groups of `Runs` but for their sums, from runs that begin at group * size + target."""
    members = np.bincount(group_of)
    bounds = np.searchsorted(begins // size, np.arange(members.size + 1))  # first run of each
    widths = np.diff(bounds) * RUN
    heads, bases = (np.concatenate(([0], np.cumsum(n))) for n in (members, members * widths))
    return np.stack((heads, bases, np.append(widths, 0), bounds, *[0 * heads] * 2), axis=1)


def runs_of(
    block: Pair, first: Index, sources: IntArray, targets: IntArray, weight: IntArray
) -> Runs | None:
    """Synapses, sorted by source and target, as runs by group; None where they fill them badly.

    Those of source i are first[i]:first[i + 1]. block: targets and sources.
    """
    size, count = block
    if size < RUN:
        return None
    group_of = np.zeros(count, np.int64)
    join_sources(first, targets, size, group_of)
    places = group_of[sources] * size + targets
    reached = np.unique(places)
    begins = np.zeros(reached.size, np.int64)
    begins = begins[: cover(reached, size, begins)]
    if weight.size < FULL_RUN * np.bincount(group_of)[begins // size].sum():
        return None
    groups = _table(group_of, begins, size).astype(np.int64)
    heads, bases, widths, bounds = groups[group_of, :4].T
    rows = bases + (np.arange(count) - heads) * widths  # where each source's weights begin
    run = np.searchsorted(begins, places, side="right") - 1
    at = rows[sources] + (run - bounds[sources]) * RUN + places - begins[run]
    filled = np.bincount(at, weight, groups[-1, 1] + RUN * WIDEST)
    whole = filled.astype(np.int64)  # sums of whole numbers, where doubled
    groups[:-1, 4:] = _bounds(groups, whole)
    return Runs(group_of, groups, begins % size, narrow(whole))


def _bounds(groups: Index, weight: Index) -> Index:
    """The largest sum of each group's weights onto one target, and the largest, signs apart."""
    found = np.zeros((len(groups) - 1, 2), np.int64)
    for group, (_, base, width, *_) in enumerate(groups[:-1]):
        own = np.abs(weight[base : groups[group + 1, 1]]).reshape(-1, max(1, width))
        found[group] = own.sum(axis=0).max(initial=0), own.max(initial=0)
    return found


def runs_of_all(weight: IntArray) -> Runs:
    """A matrix (targets, sources) as one group, whose last run begins early enough to be whole."""
    targets, sources = weight.shape
    count, rest = -(-targets // RUN), targets % RUN
    size, largest = sources * count * RUN, max(int(weight.max()), -int(weight.min()))
    flat: Weights = zeros((size + RUN * WIDEST,), narrow_type(weight))
    rows = flat[:size].reshape(sources, -1)
    rows[:, : targets - rest] = weight[: targets - rest].T
    rows[:, rows.shape[1] - rest :] = weight[targets - rest :].T
    bounds = sources * largest, largest
    groups = np.array([[0, 0, count * RUN, 0, *bounds], [sources, size, 0, count, 0, 0]])
    begins = np.minimum(np.arange(count) * RUN, targets - RUN)
    return Runs(np.zeros(sources, np.int64), groups, begins, flat)
