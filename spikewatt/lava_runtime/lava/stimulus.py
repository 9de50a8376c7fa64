"""The whole stimulus as a table, step by step."""

from __future__ import annotations

import numpy as np

from spikewatt.lava_runtime.lava.results import Window
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import Input, IntArray


def is_driven(source: Input) -> bool:
    """Whether the stimulus drives a population's bias or dendrite, and is not sent as spikes."""
    return source.drives_bias or source.drives_dendrite


class Stimulus:
    """What enters the network at each global step; zeros between and after the samples.

    table: (N, T, size), or (N, 1, size) where a value is held for all T steps.
    """

    def __init__(self, table: IntArray, schedule: Schedule) -> None:
        self.table = table
        self.window = Window(schedule, depth=0)
        self.silence: IntArray = np.zeros(table.shape[2], dtype=np.int32)

    def at(self, step: int) -> IntArray:
        """The stimulus of one global step, (size,)."""
        sample, index = self.window.of(step)
        if sample < 0:
            return self.silence
        return np.asarray(self.table[sample, min(index, self.table.shape[1] - 1)])
