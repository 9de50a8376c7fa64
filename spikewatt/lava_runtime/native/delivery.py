"""The compiled loops from spikes to dendrites, one a kind of synapses.

Spikes are lists as `kernels` says, binary ones without values. What is on its way to a
population waits in a ring of dendrite rows, one a step; `arrival` is the local step at which the
chunk's first spikes arrive, and touched[row] tells that a row may hold something. Sums are int32
and wrap, as in Lava's buffers; the order of additions does not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.lava_runtime.native.lanes import add_rows, add_scaled_rows, kernel
from spikewatt.lava_runtime.native.pattern_lanes import (
    STRIP,
    add_seen_1,
    add_seen_2,
    add_seen_wide,
)

GROUP = 64  # spikes of a group of sources that are added in one pass, at most
TOGETHER = 8  # rows of a dense matrix that are added in one pass; of a narrow one, a group
SHORT = 64  # targets of a narrow one
DENSE_SHARE = 12  # from one spike in so many sources on, a convolution looks up patterns
HIGH = 1 << 23


@kernel
def _add_sources(weight: Any, neurons: Any, values: Any, lo: int, hi: int, row: Any) -> None:
    size, offsets = row.size, np.empty(GROUP, np.int64)
    together = TOGETHER if size > SHORT else GROUP
    for k in range(lo, hi, together):
        count = min(together, hi - k)
        for i in range(count):
            offsets[i] = np.int64(neurons[k + i]) * size
        if values.size > 0:
            add_scaled_rows(weight, 0, offsets, values, k, count, row, 0, size)
        else:
            add_rows(weight, 0, offsets, 0, count, row, 0, size)


@kernel
def deliver_dense(
    starts: Any, neurons: Any, values: Any, arrival: int, weight: Any, delay: Any, ring: Any,
    touched: Any,
) -> None:  # fmt: skip
    """All-to-all synapses, weight (sources * targets,); delay (targets,), or empty for none."""
    mask = ring.shape[0] - 1
    scratch = np.empty(ring.shape[1] if delay.size > 0 else 0, np.int32)
    for t in range(starts.size - 1):
        lo, hi = starts[t], starts[t + 1]
        if lo == hi:
            continue
        if delay.size == 0:
            at = (arrival + t) & mask
            touched[at] = 1
            _add_sources(weight, neurons, values, lo, hi, ring[at])
            continue
        scratch[:] = 0
        _add_sources(weight, neurons, values, lo, hi, scratch)
        for j in range(scratch.size):
            at = (arrival + t + delay[j]) & mask
            touched[at] = 1
            ring[at, j] += scratch[j]


@kernel
def in_block(neuron: Any, sources: int, targets: int) -> Any:
    """A source's place in its block, and where the block's targets begin."""
    if neuron < sources:
        return np.int64(neuron), np.int64(0)
    block = np.int64(np.uint32(neuron) // np.uint32(sources))
    return neuron - block * sources, block * targets


@kernel
def deliver_sparse(
    starts: Any, neurons: Any, values: Any, arrival: int, first: Any, targets: Any, weight: Any,
    delay: Any, block: int, ring: Any, touched: Any,
) -> None:  # fmt: skip
    """Listed synapses, those of source i at first[i]:first[i+1]; delay of each, or empty.

    block: targets of one block; the list is that of a block, which its sources share.
    """
    mask, sources = ring.shape[0] - 1, first.size - 1
    for t in range(starts.size - 1):
        at = (arrival + t) & mask
        row = ring[at]
        for k in range(starts[t], starts[t + 1]):
            value = values[k] if values.size > 0 else np.int32(1)
            source, shift = in_block(neurons[k], sources, block)
            touched[at] = 1
            if delay.size == 0:
                for s in range(first[source], first[source + 1]):
                    row[np.uint32(targets[s] + shift)] += weight[s] * value
                continue
            for s in range(first[source], first[source + 1]):
                late = (at + delay[s]) & mask
                touched[late] = 1
                ring[late, np.uint32(targets[s] + shift)] += weight[s] * value


@kernel
def _add_taps(
    weight: Any, neurons: Any, values: Any, lo: int, hi: int, taps_x: Any, taps_y: Any,
    geometry: Any, row: Any,
) -> None:  # fmt: skip
    """Spikes of the same place and group of channels together."""
    source_y, groups, target_y, target_c = geometry[0], geometry[1], geometry[2], geometry[3]
    per_source, per_target = geometry[4], geometry[5]
    kernel_x, kernel_y = taps_x.shape[1], taps_y.shape[1]
    per_channel = kernel_x * kernel_y * per_target
    offsets, k = np.empty(per_source, np.int64), lo
    while k < hi:
        site = np.int64(np.uint32(neurons[k]) // np.uint32(per_source))
        place = np.int64(np.uint32(site) // np.uint32(groups))
        group, begin, count = site - place * groups, site * per_source, 0
        while k < hi and neurons[k] < begin + per_source:
            offsets[count] = (neurons[k] - begin) * per_channel
            count, k = count + 1, k + 1
        x = np.int64(np.uint32(place) // np.uint32(source_y))
        y, channels = place - x * source_y, group * per_source * per_channel
        for i in range(kernel_x):
            if taps_x[x, i] < 0:
                continue
            for j in range(kernel_y):
                if taps_y[y, j] < 0:
                    continue
                at = (taps_x[x, i] * target_y + taps_y[y, j]) * target_c + group * per_target
                base = channels + (i * kernel_y + j) * per_target
                if values.size == 0:
                    add_rows(weight, base, offsets, 0, count, row, at, per_target)
                    continue
                shift = k - count
                add_scaled_rows(weight, base, offsets, values, shift, count, row, at, per_target)


@kernel
def _pack(fired: Any, bundle: int, patterns: Any) -> None:
    """A pattern of each bundle of flags, low bits first, for bundles of the same size."""
    one, two, three = np.uint8(1), np.uint8(2), np.uint8(3)
    if bundle == 4:
        for i in range(patterns.size):
            low = fired[4 * i] | (fired[4 * i + 1] << one)
            patterns[i] = low | (fired[4 * i + 2] << two) | (fired[4 * i + 3] << three)
    elif bundle == 3:
        for i in range(patterns.size):
            patterns[i] = fired[3 * i] | (fired[3 * i + 1] << one) | (fired[3 * i + 2] << two)
    elif bundle == 2:
        for i in range(patterns.size):
            patterns[i] = fired[2 * i] | (fired[2 * i + 1] << one)
    else:
        patterns[:] = fired


@kernel
def _look(neurons: Any, lo: int, hi: int, plan: Any, fired: Any, patterns: Any) -> None:
    """Write which channels of each place spike, as a number a bundle of up to four channels."""
    source_x, source_y, channels, bundle = plan[0], plan[1], plan[2], plan[3]
    bundles, row, start = plan[4], plan[5], plan[6]
    fired[:] = 0
    for k in range(lo, hi):
        fired[np.uint32(neurons[k])] = 1
    count = source_y * bundles
    for x in range(source_x if bundle * bundles == channels else 0):
        own = fired[x * count * bundle : (x + 1) * count * bundle]
        _pack(own, bundle, patterns[start + x * row : start + x * row + count])
    if bundle * bundles == channels:
        return
    n = np.uint64(0)
    for x in range(source_x):
        at = np.uint64(start + x * row)
        for _ in range(source_y):
            left = channels
            for _ in range(bundles):
                width = min(bundle, left)
                pattern = fired[n]
                if width > 1:
                    pattern |= fired[n + np.uint64(1)] << np.uint8(1)
                if width > 2:
                    pattern |= fired[n + np.uint64(2)] << np.uint8(2)
                if width > 3:
                    pattern |= fired[n + np.uint64(3)] << np.uint8(3)
                patterns[at] = pattern
                at, n, left = at + np.uint64(1), n + np.uint64(width), left - width


@kernel
def _add_patterns(table: Any, shifts: Any, steps: Any, plan: Any, patterns: Any, row: Any) -> None:
    """Each target adds the table's row of every pattern that it sees."""
    target_x, target_y, size = plan[7], plan[8], plan[9]
    stride_x, stride_y, width, is_short = plan[10], plan[11], plan[14], plan[15]
    for x in range(target_x):
        for y in range(target_y):
            begin, at, j = x * stride_x + y * stride_y, (x * target_y + y) * size, 0
            while j < width and not is_short:
                left = min(size - j, STRIP)
                add_seen_wide(table, shifts, steps, patterns, begin, width, j, row, at + j, left)
                j += STRIP
            while j + 2 * STRIP <= width:
                left = min(size - j, 2 * STRIP)
                add_seen_2(table, shifts, steps, patterns, begin, width, j, row, at + j, left)
                j += 2 * STRIP
            if j < width:
                add_seen_1(table, shifts, steps, patterns, begin, width, j, row, at + j, size - j)


@kernel
def deliver_conv(
    starts: Any, neurons: Any, values: Any, arrival: int, weight: Any, taps_x: Any, taps_y: Any,
    geometry: Any, bound: int, table: Any, shifts: Any, steps: Any, plan: Any, ring: Any,
    touched: Any,
) -> None:  # fmt: skip
    """Shared kernels, weight flat (channels in, kernel x, kernel y, channels out of the group).

    taps_x[x, i] is the target column that tap i of source column x reaches, -1 for none.
    bound is the largest sum of a target's weights; only a sum that may leave 24 bit is wrapped.
    table, shifts, steps, plan: as `patterns` lays them out, empty where there is no table.
    """
    mask, size = ring.shape[0] - 1, ring.shape[1]
    fired = np.empty(plan[12] if plan.size > 0 else 0, np.uint8)
    patterns = np.zeros(plan[13] if plan.size > 0 else 0, np.uint8)
    for t in range(starts.size - 1):
        lo, hi = starts[t], starts[t + 1]
        if lo == hi:
            continue
        row = ring[(arrival + t) & mask]
        touched[(arrival + t) & mask] = 1
        if values.size == 0 and (hi - lo) * DENSE_SHARE > fired.size > 0:
            _look(neurons, lo, hi, plan, fired, patterns)
            _add_patterns(table, shifts, steps, plan, patterns, row)
            continue
        peak: Any = 1
        for k in range(lo, hi if values.size > 0 else lo):
            peak = max(peak, abs(np.int64(values[k])))
        if bound * peak < HIGH:
            _add_taps(weight, neurons, values, lo, hi, taps_x, taps_y, geometry, row)
            continue
        sums = np.zeros(size, np.int32)
        _add_taps(weight, neurons, values, lo, hi, taps_x, taps_y, geometry, sums)
        for j in range(size):
            row[j] += ((sums[j] + HIGH) & (2 * HIGH - 1)) - HIGH
