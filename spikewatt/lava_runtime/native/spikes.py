"""Spikes of a chunk of steps as lists, in buffers that the kernels fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray

ONE_EACH = np.zeros(0, np.int32)  # the values of binary spikes
BEHIND = 16  # spikes are written by eights and read by sixteens: so much room behind the last


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of a chunk of steps: step t's are entries starts[t]:starts[t + 1].

    values is empty where all are 1.
    """

    starts: npt.NDArray[np.int64]
    neurons: IntArray
    values: IntArray

    def cut(self, begin: int, end: int) -> Spikes:
        """Those of the chunk's steps [begin, end)."""
        return Spikes(self.starts[begin : end + 1], self.neurons, self.values)


def spike_buffer(size: int, chunk: int, binary: bool) -> Spikes:
    """Room for all spikes of a chunk."""
    starts, cells = np.zeros(chunk + 1, np.int64), size * chunk
    values = ONE_EACH if binary else np.empty(cells + BEHIND, np.int32)
    return Spikes(starts, np.empty(cells + BEHIND, np.int32), values)
