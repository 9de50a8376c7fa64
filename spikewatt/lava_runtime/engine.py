"""What every engine takes and gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spikewatt.energy.board import BoardLog
from spikewatt.energy.events import Counts
from spikewatt.lava_runtime.host import HostOutcome
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import IntArray, Network

Progress = Callable[[int, int], None]  # steps done, steps in all


def no_progress(done: int, total: int) -> None:
    """The default: say nothing."""


@dataclass(frozen=True, eq=False)
class Request:
    """One execution.

    stimulus: (N, *input shape, T) integers; (N, *input shape, 1) holds a value for all T steps
    where the input drives a population. The native engine takes whole numbers of any type, from
    a mapped file too, and reads them as it runs; others take int32. record: layers whose spikes
    are kept. record_state: also keep u and v at the end of each step of the recorded layers.
    """

    network: Network
    stimulus: IntArray
    schedule: Schedule
    record: tuple[int, ...] = ()
    record_state: bool = False

    @property
    def read_by_host(self) -> tuple[int, ...]:
        """Layers whose spikes the host's stage reads."""
        return () if self.network.host is None else self.network.host.inputs


@dataclass(frozen=True, eq=False)
class Execution:
    """What an engine did.

    spikes, u, v: by layer, (N, *shape, T), the counted steps only. readout: (N, groups)
    integer sums before the divisor, or None. decision: (clips, groups), read-outs of a clip's
    persons and what the host's stage adds; None for a stream of persons. host: the stage's own.
    Seconds: building apart from stepping. board: what a board's probes said, where it was asked to
    measure.
    """

    engine: str
    spikes: dict[int, IntArray]
    u: dict[int, IntArray]
    v: dict[int, IntArray]
    readout: npt.NDArray[np.int64] | None
    counts: Counts
    build_s: float
    wall_s: float
    details: dict[str, float] = field(default_factory=dict)  # processes, memory, ...
    board: BoardLog | None = None
    decision: npt.NDArray[np.int64] | None = None
    host: HostOutcome | None = None


class Engine(Protocol):
    """Executes a network and counts every synaptic event of that execution."""

    name: str

    def run(self, request: Request, progress: Progress = no_progress) -> Execution:
        """Execute; SpikewattError where the request cannot be executed here."""
        ...
