"""Gains and biases of single steps as our Lava process computes them, row by row of their tables.

A sum that arrives through a projection is multiplied by its channel's gain in int64, which holds
2^31 * 2^12, shifted towards zero, and carried on as int32, as Lava's channels carry it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spikewatt.lava_runtime.lava.fixed_point import DECAY_BITS
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import IntArray, Population, Projection


def gained(arrived: IntArray, gain: IntArray) -> IntArray:
    """sign(a g) (|a g| >> 12) of sums (parts, size) and gains (channels,), as int32."""
    by_channel = arrived.reshape(-1, gain.size)
    product = by_channel.astype(np.int64) * gain
    shifted = np.sign(product) * (np.abs(product) >> DECAY_BITS)
    return np.asarray(shifted.astype(np.int32).reshape(arrived.shape))


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables of one population and its projections, read by the step of its sample.

    gains: by the projection's place among the incoming ones. bias: (size,) without the table.
    """

    schedule: Schedule
    depth: int
    bias: IntArray
    step_bias: IntArray | None = None
    gains: dict[int, IntArray] = field(default_factory=dict)

    def bias_at(self, step: int) -> IntArray:
        """Bias mantissas of a global step, (size,)."""
        if self.step_bias is None:
            return self.bias
        row = self.step_bias[self.schedule.local_step(step, self.depth)]
        return np.asarray((self.bias.reshape(-1, row.size) + row).reshape(-1), np.int32)

    def passed(self, index: int, arrived: IntArray, step: int) -> IntArray:
        """What a projection brings to the dendrite, of all that arrived through it."""
        table = self.gains.get(index)
        if table is None:
            return arrived
        return gained(arrived, table[self.schedule.local_step(step, self.depth)])


def tables_of(
    population: Population, incoming: tuple[Projection, ...], schedule: Schedule, depth: int
) -> Tables:
    """The tables of a population; its constant bias where it has none."""
    bias = np.zeros(population.size) if population.bias is None else population.bias
    gains = {k: p.step_gain for k, p in enumerate(incoming) if p.step_gain is not None}
    whole = bias.reshape(-1).astype(np.int32)
    return Tables(schedule, depth, whole, population.step_bias, gains)
