"""What counting costs the native engine, and a whole test set through the zoo's network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import workloads
from dense_torch import DenseTorch
from measuring import Effort, Group, Measure, Section, in_turn, reason
from workloads import Workload

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.native.state import Inlet
from spikewatt.lava_runtime.schedule import clips

ON, OFF, TORCH = "counting", "counting taken out", "dense torch"
CLIPS_OF_TORCH = 64


@contextmanager
def without_counting() -> Iterator[None]:
    """The engine with its counter taken out; there is no such switch for users."""
    with patch.object(Inlet, "count", lambda inlet, spikes, first: None):
        yield


def native(request: Request, per: int) -> Measure:
    """Milliseconds of stepping of one run, per `per`."""
    return lambda: 1000 * engine("native").run(request).wall_s / per


def uncounted(request: Request, per: int) -> Measure:
    """The same, without counting."""
    measure = native(request, per)

    def run() -> float:
        with without_counting():
            return measure()

    return run


def cost_group(work: Workload, effort: Effort) -> Group:
    """Counting beside not counting."""
    runs = {ON: native(work.request, work.steps), OFF: uncounted(work.request, work.steps)}
    cells = in_turn(runs, 2 * effort.rounds, effort.budget_s / 2)
    return Group(work.name, OFF, "ms a step", cells)


def first_clips(request: Request, count: int) -> Request:
    """A request with fewer samples."""
    stimulus = request.stimulus[:count]
    schedule = clips(request.network, len(stimulus), stimulus.shape[-1])
    return replace(request, stimulus=stimulus, schedule=schedule)


def test_set_group(effort: Effort) -> Group:
    """The published test clips: milliseconds a clip, and what share is decided rightly."""
    work, labels = workloads.nw_ucla(16 if effort.quick else None)
    request, count = work.request, len(labels)
    few = first_clips(request, CLIPS_OF_TORCH)
    torch_clips = len(few.stimulus)

    def torch() -> float:
        return 1000 * DenseTorch(few).run().wall_s / torch_clips

    found = engine("native").run(request)
    assert found.readout is not None
    right = int((found.readout.argmax(axis=1) == np.array(labels)).sum())
    runs = {ON: native(request, count), OFF: uncounted(request, count), TORCH: torch}
    cells = in_turn(runs, effort.rounds, effort.budget_s)
    facts = {"clips": count, "right": right, "clips_of_dense_torch": torch_clips}
    return Group(work.name, ON, "ms a clip", cells, facts)


COST_TEXT = """The native engine as it is, beside the same with the counter taken out for this
benchmark (users have no such switch: a count that can be off cannot be relied on)."""
SET_TEXT = """All test clips of NW-UCLA through the zoo's network, on all cores, read-outs and
counts included; the file's own encoder has made them integers before."""


def sections(effort: Effort) -> tuple[Section, ...]:
    """Counting's cost, and the test set where its data is there."""
    steps = 500 if effort.quick else 3000
    made = (
        workloads.ntidigits(steps),
        workloads.pilotnet(),
        workloads.zoo(4 if effort.quick else 16),
    )
    groups = tuple(cost_group(work, effort) for work in made)
    cost = Section("counting", "What counting costs", COST_TEXT, groups)
    title = "A whole test set"
    try:
        whole = Section("test_set", title, SET_TEXT, (test_set_group(effort),))
    except Exception as error:
        whole = Section("test_set", title, SET_TEXT, (), unavailable=reason(error))
    return cost, whole
