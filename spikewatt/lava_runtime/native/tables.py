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
def _pass_on(row: Any, size: Any, sign: Any, dendrite: Any) -> None:
    """dendrite += sign(a g) (|a g| >> 12) for a in row, g = size with its sign by channel; row = 0.

    In halves, so that 32 bits hold every product: (|a| >> 12) size <= 2**31 and (|a| & 4095) size
    < 2**24, and their sum is at most |a|.
    """
    for first in range(0, row.size, size.size):
        for c in range(size.size):
            a = np.int32(row[first + c])
            negative = np.int32(a >> np.int32(31))
            whole = np.uint32((a ^ negative) - negative)
            high = np.uint32(np.uint32(whole >> np.uint32(12)) * size[c])
            low = np.uint32(
                np.uint32(np.uint32(whole & np.uint32(4095)) * size[c]) >> np.uint32(12)
            )
            turned = np.int32(negative ^ sign[c])
            dendrite[first + c] += np.int32((np.int32(np.uint32(high + low)) ^ turned) - turned)
            row[first + c] = 0


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
def add_biases(bias: Any, table: Any, first: int, steps: int, stride: int, out: Any) -> None:
    """The biases of a chunk's steps, (steps, n): a row of the table (entries, channels) and bias.

    Steps without an entry lie between two periods, where no neuron is computed.
    """
    step = first % stride
    for t in range(steps):
        row = table[min(step, table.shape[0] - 1)]
        for place in range(0, bias.size, row.size):
            for c in range(row.size):
                out[t, place + c] = bias[place + c] + row[c]
        step = step + 1 if step + 1 < stride else 0


@dataclass(frozen=True, eq=False)
class StepTables:
    """The tables of one population, laid out for the kernels.

    parts: (projections, 2), by projection with gains. sizes, signs: (projections, entries,
    channels). bias: (n,) without its table, which is step_bias: (entries, channels), or empty.
    """

    parts: IntArray
    sizes: npt.NDArray[np.uint32]
    signs: IntArray
    bias: IntArray
    step_bias: IntArray


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
        add_biases(self.tables.bias, self.tables.step_bias, *chunk, stride, self.rows)
        return self.rows[: chunk[1]]


def step_tables(
    population: Population, incoming: Sequence[Projection], dendrites: Sequence[int], parts: int
) -> StepTables | None:
    """Tables ready for the kernels; None where there are none.

    dendrites: of each incoming projection. parts: of the ring, without those for gains.
    """
    gains = [ints(p.step_gain) for p in incoming if p.step_gain is not None]
    if not gains and population.step_bias is None:
        return None
    onto = [d for p, d in zip(incoming, dendrites, strict=True) if p.step_gain is not None]
    pairs = np.array([(parts + k, d) for k, d in enumerate(onto)], np.int32).reshape(-1, 2)
    entries = min(map(len, gains), default=0)
    shape = len(gains), entries, population.shape[-1]
    stacked = np.array([g[:entries] for g in gains], np.int32).reshape(shape)
    bias = np.zeros(population.size) if population.bias is None else population.bias.reshape(-1)
    table = np.zeros((0, 1)) if population.step_bias is None else population.step_bias
    sizes, signs = np.abs(stacked).astype(np.uint32), (stacked >> 31).astype(np.int32)
    return StepTables(pairs, sizes, signs, ints(bias), ints(table))
