"""Gains and biases of single steps: their compiled loops, and what of them a population keeps.

What arrives through a projection with gains is summed in a part of the ring of its own, behind
the dendrites'. Before the neurons of a chunk are computed, each of its rows is multiplied and goes
on to its dendrite. A local step of the clock is a step of the sample, since tables need resets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.lava_runtime.native.arrays import Flags, ints
from spikewatt.lava_runtime.native.lanes import kernel
from spikewatt.network import IntArray, Population, Projection

Bounds: TypeAlias = tuple[int, ...]


@kernel
def _share(a: Any, size: Any, sign: Any) -> Any:
    """sign(a g) (|a g| >> 12), for a gain g of this size and sign (-1, else 0).

    In halves, so that 32 bits hold every product: (|a| >> 12) size <= 2**31 and (|a| & 4095) size
    < 2**24, and their sum is at most |a|.
    """
    negative = np.int32(np.int32(a) >> np.int32(31))
    whole = np.uint32((np.int32(a) ^ negative) - negative)
    high = np.uint32(np.uint32(whole >> np.uint32(12)) * size)
    low = np.uint32(np.uint32(np.uint32(whole & np.uint32(4095)) * size) >> np.uint32(12))
    turned = np.int32(negative ^ sign)
    return np.int32((np.int32(np.uint32(high + low)) ^ turned) - turned)


@kernel
def _pass_on(row: Any, size: Any, sign: Any, dendrite: Any) -> None:
    """Add each sum's share to its dendrite, and forget it; size, sign: (channels,)."""
    for first in range(0, row.size, size.size):
        sums, out = row[first : first + size.size], dendrite[first : first + size.size]
        for c in range(size.size):
            out[c] += _share(sums[c], size[c], sign[c])
            sums[c] = 0


@kernel
def _add_shares(bias: Any, size: Any, sign: Any, out: Any) -> None:
    for first in range(0, bias.size, size.size):
        own, total = bias[first : first + size.size], out[first : first + size.size]
        for c in range(size.size):
            total[c] += _share(own[c], size[c], sign[c])


@kernel
def pass_gains(
    ring: Any, touched: Any, first: int, steps: int, lo: int, hi: int, stride: int, parts: Any,
    sizes: Any, signs: Any,
) -> None:  # fmt: skip
    """Multiply what has arrived for the chunk's steps in which the population runs, [lo, hi).

    parts: (projections, 2), its part of the ring and its dendrite. sizes, signs: (projections,
    entries, channels), magnitudes of the gains, and -1 where they are negative, else 0.
    """
    step = first % stride
    for t in range(first, first + steps):
        at = t & (ring.shape[1] - 1)
        if touched[at] and lo <= step < hi:
            for k in range(parts.shape[0]):
                row, dendrite = ring[parts[k, 0], at], ring[parts[k, 1], at]
                _pass_on(row, sizes[k, step], signs[k, step], dendrite)
        step = step + 1 if step + 1 < stride else 0


@kernel
def add_biases(
    bias: Any, table: Any, begin: int, steps: int, stride: int, gained: Any, which: Any, sizes: Any,
    signs: Any, out: Any,
) -> None:  # fmt: skip
    """The biases of a chunk's steps, (steps, n): bias, a row of the table (entries, channels), and
    the shares of gained (biases, n), whose gains are those of the projections `which`.

    Steps without an entry lie between two periods, where no neuron is computed.
    """
    step = begin % stride
    for t in range(steps):
        entry, row, size = min(step, table.shape[0] - 1), out[t], table.shape[1]
        more = table[entry]
        for first in range(0, bias.size, size):
            own, total = bias[first : first + size], row[first : first + size]
            for c in range(size):
                total[c] = own[c] + more[c]
        for k in range(which.size):
            _add_shares(gained[k], sizes[which[k], entry], signs[which[k], entry], row)
        step = step + 1 if step + 1 < stride else 0


@dataclass(frozen=True, eq=False)
class StepTables:
    """The tables of one population, laid out for the kernels.

    parts: (projections, 2), by projection with gains. sizes, signs: (projections, entries,
    channels). bias: (n,) without what steps add: step_bias (entries, channels), or empty, and
    gained (biases, n), multiplied by the gains of the projections `which`.
    """

    parts: IntArray
    sizes: npt.NDArray[np.uint32]
    signs: IntArray
    bias: IntArray
    step_bias: IntArray
    gained: IntArray
    which: IntArray


class ChunkTables:
    """A population's tables with room for the biases of a chunk."""

    def __init__(self, tables: StepTables, chunk: int) -> None:
        self.tables, self.steady = tables, not tables.step_bias.size
        self.rows = np.zeros((0 if self.steady else chunk, tables.bias.size), np.int32)

    def gain(self, ring: IntArray, touched: Flags, chunk: tuple[int, int], active: Bounds) -> None:
        """Bring what has arrived through gains to the dendrites, in steps of active[:2].

        chunk: first step and steps. active: begin, end, and last the steps between two periods.
        """
        t = self.tables
        if t.parts.size:
            when = (*chunk, active[0], active[1], active[-1])
            pass_gains(ring, touched, *when, t.parts, t.sizes, t.signs)

    def biases(self, chunk: tuple[int, int], stride: int) -> IntArray:
        """The biases of a chunk's steps, (steps, n)."""
        t = self.tables
        gains = t.gained, t.which, t.sizes, t.signs
        add_biases(t.bias, t.step_bias, *chunk, stride, *gains, self.rows)
        return self.rows[: chunk[1]]


def step_tables(
    population: Population, incoming: Sequence[Projection], dendrites: Sequence[int], parts: int
) -> StepTables | None:
    """Tables ready for the kernels; None where there are none.

    dendrites: of each incoming projection. parts: of the ring, without those for gains.
    """
    with_gains = [(p, p.step_gain, d) for p, d in zip(incoming, dendrites, strict=True)]
    found = [(p, ints(gain), d) for p, gain, d in with_gains if gain is not None]
    own, channels = population.step_bias, population.shape[-1]
    if not found and own is None:
        return None
    entries = min(len(table) for table in (*(g for _, g, _ in found), own) if table is not None)
    gains = np.array([g[:entries] for _, g, _ in found], np.int32)
    gains = gains.reshape(len(found), entries, channels)
    bias = np.zeros(population.size) if population.bias is None else population.bias.reshape(-1)
    joins = {k: p.gained_bias for k, (p, _, _) in enumerate(found) if p.gained_bias is not None}
    if own is None:
        own = np.zeros((entries if joins else 0, channels), np.int32)
    pairs = [(parts + k, d) for k, (_, _, d) in enumerate(found)]
    return StepTables(
        parts=np.array(pairs, np.int32).reshape(-1, 2),
        sizes=np.abs(gains).astype(np.uint32),
        signs=(gains >> 31).astype(np.int32),
        bias=ints(bias),
        step_bias=ints(own),
        gained=np.array([b.reshape(-1) for b in joins.values()], np.int32).reshape(-1, bias.size),
        which=np.array(list(joins), np.int32),
    )
