"""Where a population's input waits for its step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray

Rows = npt.NDArray[np.int64]  # (delays, targets)
CONV_BITS = 24  # Lava's Conv wraps its sums as two's complement of this width


def wrapped(sums: Rows) -> Rows:
    """Sums as two's complement of the width that Lava's Conv has."""
    half = 1 << (CONV_BITS - 1)
    return np.asarray((sums + half) % (2 * half) - half)


class Dendrite:
    """Input that waits for its step, (slots, parts, size): a ring buffer over coming steps.

    wraps: to the width of a convolution's sums, once they are complete.
    """

    def __init__(self, shape: tuple[int, int, int], wraps: bool = False) -> None:
        self.ring = np.zeros(shape, dtype=np.int64)
        self.wraps = wraps

    def take(self, step: int) -> IntArray:
        """What arrives at this step, (parts, size) int32 as Lava's channels carry it."""
        row = self.ring[step % len(self.ring)]
        arrived: IntArray = (wrapped(row) if self.wraps else row).astype(np.int32)
        row[:] = 0
        return arrived

    def add(self, part: int, first: int, rows: Rows) -> None:
        """Let row d arrive at step first + d."""
        for d, row in enumerate(rows):
            self.ring[(first + d) % len(self.ring), part] += row
