"""What counting costs the native engine, and a whole test set through the zoo's network."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import workloads
from measuring import Cell, Effort, Group, Measure, Section, guarded, in_turn
from workloads import Workload

from spikewatt.commands.bench.dense_torch import DenseTorch
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.native.state import Inlet
from spikewatt.lava_runtime.schedule import clips

ON, OFF, TORCH = "counting", "counting taken out", "dense torch"
CLIPS_OF_TORCH = 64
LAVA_RUNS = (("ntidigits", 1000), ("pilotnet", 24))  # steps
LAVA_REPEATS = 5
LAVA_SCRIPT = Path(__file__).with_name("lava_counting.py")


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


def lava_group(name: str, steps: int) -> Group:
    """The same in our Lava engine, in a process of its own: the best of runs in turn."""
    command = [sys.executable, str(LAVA_SCRIPT), name, str(steps), str(LAVA_REPEATS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    told = json.loads(done.stdout)
    by_label = {ON: "counting", OFF: "without"}
    cells = {shown: Cell((told[f"wall_ms_a_step_{label}"],)) for shown, label in by_label.items()}
    facts = {key: told[key] for key in ("repeats", "wall_added_percent", "cpu_added_percent")}
    return Group(f"{name}, our Lava engine", OFF, "ms a step", cells, facts)


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


COST_TEXT = """Our engines as they are, beside the same with the counter taken out just for this
(users have no such switch: a count that can be off cannot be relied on). Rows are the native
engine's unless they say otherwise; our Lava engine's are the best of several runs in turn."""
SET_TEXT = """All test clips of NW-UCLA through the zoo's network, on all cores, read-outs and
counts included; the file's own encoder has made them integers before."""


def section(effort: Effort) -> Section:
    """Counting's cost in both engines."""
    quick = effort.quick
    made: dict[str, Callable[[], Workload]] = {
        "ntidigits": lambda: workloads.ntidigits(500 if quick else 3000),
        "PilotNet LIF": workloads.pilotnet,
        "signal-sgn-core": lambda: workloads.zoo(4 if quick else 16),
    }
    groups = [
        guarded(Group(name, OFF, "ms a step", {}), lambda make=make: cost_group(make(), effort))
        for name, make in made.items()
    ]
    for name, steps in () if quick else LAVA_RUNS:
        empty = Group(f"{name}, our Lava engine", OFF, "ms a step", {})
        groups.append(guarded(empty, lambda n=name, s=steps: lava_group(n, s)))
    return Section("counting", "What counting costs", COST_TEXT, tuple(groups))


def test_set_section(effort: Effort) -> Section:
    """The published clips, where they are."""
    empty = Group("signal-sgn-core, NW-UCLA", ON, "ms a clip", {})
    group = guarded(empty, lambda: test_set_group(effort))
    return Section("test_set", "A whole test set", SET_TEXT, (group,))
