"""The compiled loop over runs of targets that groups of sources share; see `delivery`."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.delivery import in_block
from spikewatt.lava_runtime.native.lanes import kernel
from spikewatt.lava_runtime.native.run_lanes import (
    RUN,
    SEEN,
    WIDEST,
    scaled_short_1,
    scaled_short_2,
    scaled_short_4,
    scaled_wide_1,
    scaled_wide_2,
    short_1,
    short_2,
    short_4,
    short_6,
    spikes_below,
    wide_1,
    wide_3,
)

SHORT_SUM = 1 << 15


@kernel
def _add_short(
    weight: Any, base: int, width: int, neurons: Any, lo: int, hi: int, ring: Any, row: int,
    runs: Any, r: int, end: int, zeros: int,
) -> None:  # fmt: skip
    """Add sources' weights to runs[r:end], in sums of 16 bit; arguments as `run_lanes` says."""
    first = r
    while r + 6 <= end:
        at = base + (r - first) * RUN
        short_6(weight, at, width, neurons, neurons, lo, hi, ring, row, runs, r, zeros)
        r += 6
    if r + 4 <= end:
        at = base + (r - first) * RUN
        short_4(weight, at, width, neurons, neurons, lo, hi, ring, row, runs, r, zeros)
        r += 4
    if r + 2 <= end:
        at = base + (r - first) * RUN
        short_2(weight, at, width, neurons, neurons, lo, hi, ring, row, runs, r, zeros)
        r += 2
    if r < end:
        at = base + (r - first) * RUN
        short_1(weight, at, width, neurons, neurons, lo, hi, ring, row, runs, r, zeros)


@kernel
def _add_wide(
    weight: Any, base: int, width: int, neurons: Any, lo: int, hi: int, ring: Any, row: int,
    runs: Any, r: int, end: int, zeros: int,
) -> None:  # fmt: skip
    """The same in sums of 32 bit."""
    first = r
    while r + 3 <= end:
        at = base + (r - first) * RUN
        wide_3(weight, at, width, neurons, neurons, lo, hi, ring, row, runs, r, zeros)
        r += 3
    while r < end:
        at = base + (r - first) * RUN
        wide_1(weight, at, width, neurons, neurons, lo, hi, ring, row, runs, r, zeros)
        r += 1


@kernel
def _add_scaled(
    weight: Any, base: int, width: int, neurons: Any, values: Any, lo: int, hi: int, ring: Any,
    row: int, runs: Any, r: int, end: int, zeros: int, is_short: Any,
) -> None:  # fmt: skip
    """The same, each source's weights times its value."""
    first = r
    while is_short and r + 4 <= end:
        at = base + (r - first) * RUN
        scaled_short_4(weight, at, width, neurons, values, lo, hi, ring, row, runs, r, zeros)
        r += 4
    while r + 2 <= end:
        at = base + (r - first) * RUN
        if is_short:
            scaled_short_2(weight, at, width, neurons, values, lo, hi, ring, row, runs, r, zeros)
        else:
            scaled_wide_2(weight, at, width, neurons, values, lo, hi, ring, row, runs, r, zeros)
        r += 2
    if r < end:
        at = base + (r - first) * RUN
        if is_short:
            scaled_short_1(weight, at, width, neurons, values, lo, hi, ring, row, runs, r, zeros)
        else:
            scaled_wide_1(weight, at, width, neurons, values, lo, hi, ring, row, runs, r, zeros)


@kernel
def _peak(values: Any) -> Any:
    """A bound of the values, signs apart, less than twice the least; 1 where there are none."""
    some = np.int32(0)
    for value in values:
        some = np.int32(some | np.int32(value ^ np.int32(value >> np.int32(31))))
    return np.int64(some) + 1


@kernel
def deliver_runs(
    starts: Any, neurons: Any, values: Any, arrival: int, group_of: Any, groups: Any, runs: Any,
    weight: Any, block: int, ring: Any, touched: Any,
) -> None:  # fmt: skip
    """Runs of RUN neighbouring targets that groups of neighbouring sources share.

    block: as `deliver_sparse` says.
    group_of: (sources,). groups: first source, first weight, weights of a source, first run,
    largest sum of a target's weights, and largest weight, signs apart; a row each. runs: first
    target of each.
    """
    mask, sources, last = ring.shape[0] - 1, group_of.size, groups.shape[0] - 2
    begin = starts[0] if values.size > 0 else starts[starts.size - 1]
    peak, zeros = _peak(values[begin : starts[starts.size - 1]]), weight.size - RUN * WIDEST
    for t in range(starts.size - 1):
        k, stop, row = starts[t], starts[t + 1], ((arrival + t) & mask) * ring.shape[1]
        if k < stop:
            touched[(arrival + t) & mask] = 1
        group, start, shift = last, np.int64(0), np.int64(0)
        while k < stop:
            group += 1  # mostly; foretold, it need not be waited for
            if group > last or neurons[k] >= start + groups[group + 1, 0]:
                source, shift = in_block(neurons[k], sources, block)
                group, start = group_of[source], neurons[k] - source
            limit, lo, found = start + groups[group + 1, 0], k, SEEN
            if neurons[stop - 1] < limit:
                k, found = stop, 0
            while found == SEEN:
                found = spikes_below(neurons, k, stop, limit)  # type: ignore[call-arg]
                k += found
            width, first, end = groups[group, 2], groups[group, 3], groups[group + 1, 3]
            base, at = groups[group, 1] - (start + groups[group, 0]) * width, row + shift
            most, is_short = k - lo, groups[group, 4] * peak < SHORT_SUM
            if not is_short and groups[group, 5] * peak * SEEN < SHORT_SUM:
                most, is_short = SHORT_SUM // (groups[group, 5] * peak + 1), True
            while lo < k:
                hi = min(k, lo + most)
                if values.size > 0:
                    _add_scaled(
                        weight, base, width, neurons, values, lo, hi, ring, at, runs, first, end,
                        zeros, is_short,
                    )  # fmt: skip
                elif is_short:
                    _add_short(
                        weight, base, width, neurons, lo, hi, ring, at, runs, first, end, zeros
                    )
                else:
                    _add_wide(
                        weight, base, width, neurons, lo, hi, ring, at, runs, first, end, zeros
                    )
                lo = hi
