"""Where a population's input waits for its step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray

Sums = npt.NDArray[np.int64]
CONV_BITS = 24  # Lava's Conv wraps its sums as two's complement of this width


def wrapped(sums: Sums) -> Sums:
    """Sums as two's complement of the width that Lava's Conv has."""
    half = 1 << (CONV_BITS - 1)
    return np.asarray(((sums + half) & (2 * half - 1)) - half)


@dataclass(frozen=True, eq=False)
class Row:
    """Input of all targets, (targets,), that waits as long for each."""

    sums: Sums
    wait: int = 0

    def later(self, steps: int) -> Row:
        """The same, some steps later."""
        return Row(self.sums, self.wait + steps)

    def land(self, ring: Sums, first: int, in_time: int | None) -> None:
        """Add it to the ring, (slots, targets)."""
        if in_time is None or self.wait < in_time:
            ring[(first + self.wait) % len(ring)] += self.sums


@dataclass(frozen=True, eq=False)
class Scattered:
    """Input of single targets, each with its wait, (n,) each; pairs may repeat."""

    targets: npt.NDArray[np.int64]
    waits: npt.NDArray[np.int64]
    sums: Sums

    def later(self, steps: int) -> Scattered:
        """The same, some steps later."""
        return Scattered(self.targets, self.waits + steps, self.sums)

    def land(self, ring: Sums, first: int, in_time: int | None) -> None:
        """Add it to the ring, (slots, targets): only what is active is touched."""
        slots, size = ring.shape
        at, sums = (self.waits + first) % slots * size + self.targets, self.sums
        if in_time is not None:
            timely = self.waits < in_time
            at, sums = at[timely], sums[timely]
        np.add.at(ring.reshape(-1), at, sums)


Arrivals: TypeAlias = Sequence[Row | Scattered]


class Dendrite:
    """Input that waits for its step, (parts, slots, size): a ring buffer over coming steps.

    wraps: to the width of a convolution's sums, once they are complete.
    """

    def __init__(self, shape: tuple[int, int, int], wraps: bool = False) -> None:
        self.ring = np.zeros(shape, dtype=np.int64)
        self.wraps = wraps

    def take(self, step: int) -> IntArray:
        """What arrives at this step, (parts, size) int32 as Lava's channels carry it."""
        row = self.ring[:, step % self.ring.shape[1]]
        arrived: IntArray = (wrapped(row) if self.wraps else row).astype(np.int32)
        row[:] = 0
        return arrived

    def add(self, part: int, first: int, in_time: int | None, arrivals: Arrivals) -> None:
        """Let them arrive at step first + wait; waits from in_time on are dropped."""
        for arrival in arrivals:
            arrival.land(self.ring[part], first, in_time)
