"""What each core of a profile's mapping does in each step of an execution, and how long it takes.

Counts know layers and steps. A core's share of its layer follows the mapping: of the events, its
share of the synapses that end on it; of the spikes sent and the neurons that fire, its share of
the layer's neurons; a message is one spike sent to one core (`mapping/load.py`). Steps are each
layer's own, as in the model of time: step t of all layers is shown at the same time, though on a
chip a layer at depth d is d steps behind. Samples follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.limits import limits_of
from spikewatt.energy.mapping.place import Placed
from spikewatt.energy.timing import core_times
from spikewatt.hardware_profiles.schema import Profile

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CoreStep:
    """One core in one step: shares of its layer's counts, and modelled time.

    start_s: when the step begins, from the first sample's on. step_time_s: of the whole chip;
    core_time_s: what this core takes of it. None under a profile whose sources give no times.
    """

    chip: int
    core: int
    layer: int
    sample: int
    step: int
    synaptic_events: float
    neuron_updates: int
    firing: float
    messages_in: float
    messages_out: float
    start_s: float | None
    step_time_s: float | None
    core_time_s: float | None


class CoreTrace:
    """Some samples of an execution on a profile's cores; begin_s, sample: where they start."""

    def __init__(
        self, placed: Placed, profile: Profile, sample: int = 0, begin_s: float = 0.0
    ) -> None:
        self.placed, self.sample = placed, sample
        self.cores_per_chip = limits_of(profile).cores_per_chip
        self.busy_s = core_times(placed.load, profile)
        self.steps_s = None if placed.time is None else placed.time.steps_s
        self.starts_s = None if self.steps_s is None else _starts(self.steps_s, begin_s)

    @property
    def end_s(self) -> float:
        """When the last step ends; 0 without times."""
        if self.starts_s is None or self.steps_s is None:
            return 0.0
        return float(self.starts_s[-1, -1] + self.steps_s[-1, -1])

    def rows(self) -> Iterator[CoreStep]:
        """Every core in every step, step by step."""
        load, cores = self.placed.load, self.placed.mapping.cores
        for sample, step in np.ndindex(load.samples, load.steps):
            at = (sample, step)
            for i, core in enumerate(cores):
                yield CoreStep(
                    chip=i // self.cores_per_chip,
                    core=i,
                    layer=core.layer,
                    sample=self.sample + sample,
                    step=step,
                    synaptic_events=float(load.events[i][at]),
                    neuron_updates=int(load.updates[i]),
                    firing=float(load.firing[i][at]),
                    messages_in=float(load.messages_in[i][at]),
                    messages_out=float(load.messages_out[i][at]),
                    start_s=_of(self.starts_s, at),
                    step_time_s=_of(self.steps_s, at),
                    core_time_s=None if self.busy_s is None else _of(self.busy_s[i], at),
                )


def _starts(steps_s: Floats, begin_s: float) -> Floats:
    """When each step begins, (samples, steps)."""
    ends = np.cumsum(steps_s.reshape(-1))
    return np.asarray(begin_s + np.concatenate(([0.0], ends[:-1])).reshape(steps_s.shape))


def _of(times: Floats | None, at: tuple[int, int]) -> float | None:
    return None if times is None else float(times[at])
