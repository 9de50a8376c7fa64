"""Time against events, steps, clips and network size, and memory; each curve in one run.

    uv run python benchmarks/curves.py [--quick]

prints the points as JSON; `table.py` draws them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from engines import LAVA, NATIVE, STOCK, TORCH, total_events
from measuring import FULL, QUICK, Cell, Effort, Group, Measure, Section, in_turn
from workloads import LIF, Synthetic

from spikewatt.commands.bench.dense_torch import DenseTorch
from spikewatt.export import netx
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import Dense, Input, Network, Population, Projection

POINT_BUDGET_S = 6.0
LAVA_STEPS_MAX = 8192  # of all clips: some seconds
STOCK_STEPS, STOCK_BUDGET_S = 32, 25.0


@dataclass(frozen=True, eq=False)
class Point:
    """One point of a curve: where it stands, its work, and per what its time is given."""

    x: float
    request: Request
    per: int


def as_stream(request: Request) -> Request:
    """One sample as one plain Lava run."""
    return replace(request, schedule=stream(request.stimulus.shape[-1]))


def run_engine(name: str, point: Point) -> Measure:
    """Milliseconds of stepping of one of our engines."""
    return lambda: 1000 * engine(name).run(point.request).wall_s / point.per


def run_torch(point: Point) -> Measure:
    """Milliseconds of the dense pass, torch warm before."""

    @cache
    def network() -> DenseTorch:
        made = DenseTorch(point.request)
        made.run()
        return made

    return lambda: 1000 * network().run().wall_s / point.per


def run_stock(point: Point, folder: Path) -> Measure:
    """Milliseconds of lava-dl on the first steps, from a file that our writer makes."""

    def run() -> float:
        import stock_lava

        path = folder / f"{point.x:g}.net"
        netx.write(point.request.network, path)
        found = stock_lava.stock_file(path, point.request.stimulus[0], STOCK_STEPS)
        return 1000 * found.wall_s / STOCK_STEPS

    return run


def at(point: Point, effort: Effort, more: dict[str, Measure] | None = None) -> Group:
    """One point: native and dense torch always, our Lava engine where it takes seconds only.

    more: others, which take their time.
    """
    runs = {NATIVE: run_engine("native", point), TORCH: run_torch(point)}
    schedule = point.request.schedule
    if schedule.samples * schedule.steps <= LAVA_STEPS_MAX:
        runs[LAVA] = run_engine("lava", point)
    budget_s = STOCK_BUDGET_S if more else POINT_BUDGET_S
    cells = in_turn(runs | (more or {}), effort.rounds, budget_s)
    return Group(f"{point.x:g}", NATIVE, "ms", cells, _facts(point), point.x)


def _facts(point: Point) -> dict[str, float]:
    counts = engine("native").run(point.request).counts
    return {"synaptic_events": total_events(counts), "per": point.per}


def one_projection(rate: float, neurons: int = 1024, steps: int = 256) -> Request:
    """A single dense projection, whose targets never fire, so that the input is all the work."""
    rng = np.random.default_rng(0)
    weight = (2 * rng.integers(1, 100, (neurons, neurons)) - 100).astype(np.int32)
    weight[weight == 0] = 2
    silent = Population(1, (neurons,), replace(LIF, v_threshold=2**17 - 1))
    network = Network(Input(0, (neurons,)), (silent,), (Projection(0, 1, Dense(weight)),))
    spikes = (rng.random((1, neurons, steps)) < rate).astype(np.int32)
    return Request(network, spikes, stream(steps))


def activity_section(effort: Effort) -> Section:
    """Time of a step against its events, over three decades."""
    rates = (0.01, 0.1) if effort.quick else (0.0005, 0.002, 0.005, 0.02, 0.05, 0.2, 0.5)
    neurons = 256 if effort.quick else 1024
    points = []
    for rate in rates:
        request = one_projection(rate, neurons)
        events = total_events(engine("native").run(request).counts)
        steps = request.schedule.steps
        points.append(Point(events / steps, request, steps))
    text = (
        f"One dense projection ({neurons} x {neurons}, with its neurons), milliseconds a step, "
        "against the synaptic events of a step; the input spikes in "
        f"{100 * rates[0]:g} to {100 * rates[-1]:g} % of its cells."
    )
    x_label = "synaptic events a step"
    found = _curve("events", "Time against events", text, points, effort, x_label)
    return replace(found, text=f"{text} {_line(found.groups)}")


def _line(groups: tuple[Group, ...]) -> str:
    """How straight native's curve is: the line with the least relative errors, and these."""
    events = np.array([group.x for group in groups])
    times = np.array([group.cells[NATIVE].median for group in groups])
    slope, start = np.polyfit(events, times, 1, w=1 / times)
    off = 100 * (times / (start + slope * events) - 1)
    errors = ", ".join(f"{error:+.0f}" for error in off)
    straight = np.corrcoef(events, times)[0, 1] ** 2
    return (
        f"The straight line closest to native's medians is {start:.3g} ms and 1 ms for each "
        f"{1e-6 / slope:.3g} million events; the medians, from the first to the last, are off it "
        f"by {errors} %; r^2 of time and events is {straight:.4f}."
    )


def steps_section(effort: Effort) -> Section:
    """Time against steps."""
    counts = effort.sizes((16, 64, 256, 1024, 4096), (16, 64))
    shapes = (Synthetic(steps=steps) for steps in counts)
    points = (Point(s.steps, as_stream(s.request()), 1) for s in shapes)
    text = "Three dense layers of 256 neurons that fire in about 4 % of steps; milliseconds a run."
    return _curve("steps", "Time against steps", text, points, effort, "steps")


def batch_section(effort: Effort) -> Section:
    """Time against clips in a batch."""
    counts = effort.sizes((1, 4, 16, 64, 256), (1, 8))
    shapes = (Synthetic(samples=count, steps=64) for count in counts)
    points = (Point(s.samples, s.request(), s.samples) for s in shapes)
    text = "The same layers, clips of 64 steps; milliseconds a clip."
    return _curve("batch", "Time against batch", text, points, effort, "clips in a batch")


def size_section(effort: Effort) -> Section:
    """Time against the neurons of a layer; lava-dl as shipped beside."""
    counts = effort.sizes((64, 256, 1024, 4096), (64, 128))
    shapes = (Synthetic(neurons=count, steps=64) for count in counts)
    points = [Point(s.neurons, as_stream(s.request()), s.steps) for s in shapes]
    text = (
        "Three dense layers as wide as x says, 64 steps; milliseconds a step. "
        f"lava-dl as shipped runs {STOCK_STEPS} steps."
    )
    with tempfile.TemporaryDirectory() as name:

        def with_stock(point: Point) -> Group:
            few = replace(effort, rounds=min(2, effort.rounds))
            return at(point, few, {STOCK: run_stock(point, Path(name))})

        if effort.quick:
            groups = tuple(at(point, effort) for point in points)
        else:
            groups = tuple(with_stock(point) for point in points)
    return Section("size", "Time against network size", text, groups, "neurons a layer")


def _curve(
    key: str, title: str, text: str, points: Iterable[Point], effort: Effort, x_label: str
) -> Section:
    return Section(key, title, text, tuple(at(p, effort) for p in points), x_label)


def memory_section(effort: Effort) -> Section:
    """Peak memory against clips in a batch and neurons, each run in a process of its own."""
    import peak_memory

    def cells(shape: Synthetic) -> dict[str, Cell]:
        runs = {name: peak_memory.measure(name, shape) for name in peak_memory.RUNS}
        return in_turn(runs, 1, POINT_BUDGET_S)

    counts = effort.sizes((64, 256, 1024, 4096), (64,))
    groups = tuple(
        Group(f"{n}", NATIVE, "MB", cells(Synthetic(neurons=n, steps=64)), x=n) for n in counts
    )
    text = (
        "Peak resident memory of a process that imports, builds and runs three dense layers as "
        "wide as x says, 64 steps: native and dense torch by Linux's VmHWM, our Lava engine the "
        "proportional memory of all its processes together, without the one that asks. Most of "
        "the smallest is imports."
    )
    return Section("memory", "Memory against network size", text, groups, "neurons a layer")


SECTIONS: dict[str, Callable[[Effort], Section]] = {
    "events": activity_section,
    "steps": steps_section,
    "batch": batch_section,
    "size": size_section,
    "memory": memory_section,
}


if __name__ == "__main__":
    chosen = QUICK if "--quick" in sys.argv else FULL
    print(json.dumps([make(chosen).to_dict() for make in SECTIONS.values()], indent=1))
