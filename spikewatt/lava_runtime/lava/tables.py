"""Gains and biases of single steps as our Lava process computes them, a row of a table a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import IntArray, Population, Projection
from spikewatt.tables import bias_at, changes_bias, gained


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables of one population and its incoming projections, read by the step of its sample.

    gains: by the projection's place among the incoming ones. bias: (size,) where it is constant.
    """

    population: Population
    incoming: Sequence[Projection]
    schedule: Schedule
    depth: int
    bias: IntArray | None
    gains: dict[int, IntArray]

    def bias_of(self, step: int) -> IntArray:
        """Bias mantissas of a global step, (size,)."""
        if self.bias is not None:
            return self.bias
        return bias_at(self.population, self.incoming, self._row(step))

    def passed(self, index: int, arrived: IntArray, step: int) -> IntArray:
        """What a projection brings to the dendrite, of all that arrived through it."""
        table = self.gains.get(index)
        return arrived if table is None else gained(arrived, table[self._row(step)])

    def _row(self, step: int) -> int:
        return self.schedule.local_step(step, self.depth)


def tables_of(
    population: Population, incoming: Sequence[Projection], schedule: Schedule, depth: int
) -> Tables:
    """The tables of a population; its constant bias where it has none."""
    constant = not changes_bias(population, incoming)
    bias = np.zeros(population.size) if population.bias is None else population.bias
    whole = bias.reshape(-1).astype(np.int32) if constant else None
    gains = {k: p.step_gain for k, p in enumerate(incoming) if p.step_gain is not None}
    return Tables(population, incoming, schedule, depth, whole, gains)
