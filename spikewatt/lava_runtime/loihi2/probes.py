"""Intel's loggers around a run on a board, and what they say as a `BoardLog`.

Their attributes are those that lava-dl's tutorials/netx/pilotnet_snn/benchmark.ipynb reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikewatt.energy.board import BoardLog, CoreActivity
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.loihi2.board import Board

US = 1e-6


class Probes:
    """Power, time, memory and activity of one run; attached as callbacks of Loihi2HwCfg."""

    def __init__(self, request: Request, board: Board) -> None:
        from lava.utils import loihi2_profiler  # of Intel's extension

        self.schedule, self.board = request.schedule, board
        self.power = loihi2_profiler.Loihi2Power(num_steps=self.schedule.total_steps)
        self.time = loihi2_profiler.Loihi2ExecutionTime()
        self.memory = loihi2_profiler.Loihi2Memory()
        self.activity = loihi2_profiler.Loihi2Activity()

    @property
    def callbacks(self) -> list[Any]:
        """What Lava calls before and after the run."""
        return [self.power, self.time, self.memory, self.activity]

    def log(self) -> BoardLog:
        """What the loggers say after the run."""
        cores = _cores(self.activity)
        chips = int(getattr(self.power, "num_chips", 0)) or max(c.chip for c in cores) + 1
        return BoardLog(
            board=self.board.name,
            steps=self.schedule.total_steps,
            steps_per_sample=self.schedule.steps,
            chips=chips,
            active_chips=len({c.chip for c in cores}),
            step_time_s=float(self.time.avg_time_per_step) * US,
            power_w=float(np.mean(self.power.total_power)),
            static_w=float(self.power.static_total_power),
            activity=tuple(cores),
        )


def _cores(activity: Any) -> list[CoreActivity]:
    """The activity logger's arrays, a record a core."""
    names = ("chip_idx", "core_idx", "syn_ops", "dendrite_updates", "axon_out", "spikes_in")
    columns = [np.asarray(getattr(activity, name)).astype(int).reshape(-1) for name in names]
    return [CoreActivity(*map(int, row)) for row in zip(*columns, strict=True)]
