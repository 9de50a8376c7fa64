"""From the read-outs of samples to the decisions of clips: persons added, and the host's stage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.host import run_stage

Read = npt.NDArray[np.int16]  # sums of fewer spikes than a file has layers


def check_decision(request: Request) -> None:
    """Raise SpikewattError where samples make no whole clips, or clips are not the stage's."""
    schedule, network = request.schedule, request.network
    persons = network.persons
    if schedule.windowed and schedule.samples % persons:
        raise SpikewattError(
            f"The run has {schedule.samples} samples, and {persons} of them, one a person, are "
            f"a clip of this network. Give a multiple of {persons}."
        )
    stage = network.host
    if stage is not None and not (schedule.windowed and schedule.steps == stage.shape[2]):
        found = f"clips of {schedule.steps} steps" if schedule.windowed else "one stream"
        raise SpikewattError(
            f"The host's stage {stage.name or 'of this network'} reads whole clips of "
            f"{stage.shape[2]} steps; the run is {found}. Give (N, *shape, {stage.shape[2]})."
        )


def no_spikes_read(request: Request) -> Read | None:
    """Where an engine adds the spikes that the stage reads, (N, places x channels, T)."""
    stage, schedule = request.network.host, request.schedule
    if stage is None:
        return None
    channels, places, steps = stage.shape
    return np.zeros((schedule.samples, places * channels, steps), np.int16)


def decided(request: Request, execution: Execution, read: Read | None) -> Execution:
    """The execution with the decisions of its clips; read: as `no_spikes_read`, filled."""
    network, sums = request.network, execution.readout
    persons, outcome = network.persons, None
    if sums is None or (persons > 1 and not request.schedule.windowed):
        return execution
    clips = len(sums) // persons
    decision = sums.reshape(clips, persons, -1).sum(axis=1)
    if network.host is not None and read is not None:
        channels, places, steps = network.host.shape
        apart = read.reshape(clips, persons, places, channels, steps)
        by_clip = apart.sum(axis=1, dtype=np.int32)
        outcome = run_stage(network.host, by_clip.swapaxes(1, 2), persons)
        decision = decision + outcome.sums
    return replace(execution, decision=decision, host=outcome)
