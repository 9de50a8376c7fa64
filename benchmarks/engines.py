"""The engines on the same networks: native, our Lava engine, lava-dl as shipped, dense torch.

    uv run python benchmarks/engines.py

prints the rows as JSON; `table.py` makes the page. Only stepping is timed, building is apart.
Our engines count every event while they run; the other two count nothing.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import workloads
from measuring import FULL, QUICK, Cell, Effort, Group, Measure, Section, guarded, in_turn
from workloads import Workload

from spikewatt.commands.bench.dense_torch import DenseTorch
from spikewatt.energy.events import Counts
from spikewatt.lava_runtime.engine import Execution
from spikewatt.lava_runtime.engines import engine

NATIVE, LAVA, TORCH = "native", "our Lava engine", "dense torch"
STOCK = "lava-dl, unmodified"


def same_counts(one: Counts, other: Counts) -> bool:
    """Whether two executions counted alike, at every layer, sample and step."""
    names = ("spikes_in", "spikes_out", "synaptic_events", "synaptic_events_stored")
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one.layers, other.layers, strict=True)
        for name in names
    )


def total_events(counts: Counts) -> int:
    """Synaptic events of all layers, samples and steps."""
    return sum(int(layer.synaptic_events.sum()) for layer in counts.layers)


@dataclass(eq=False)
class Contest:
    """One workload's contestants; each gives milliseconds a step of one run.

    builds: seconds of building, by contestant. agrees: whether it did what native does.
    """

    work: Workload
    builds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    agrees: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counts = engine("native").run(self.work.request).counts

    def contestants(self) -> dict[str, Measure]:
        """The base first."""
        found = {NATIVE: self.native, TORCH: self.torch, LAVA: self.lava}
        return found | ({STOCK: self.stock} if self.work.stock_steps else {})

    def native(self) -> float:
        """Our compiled engine."""
        return self._own("native", NATIVE)

    def lava(self) -> float:
        """Our engine in Lava's simulator."""
        return self._own("lava", LAVA)

    def _own(self, name: str, label: str) -> float:
        run: Execution = engine(name).run(self.work.request)
        self.builds[label].append(run.build_s)
        self.agrees[label] = same_counts(run.counts, self.counts)
        return 1000 * run.wall_s / self.work.steps

    def torch(self) -> float:
        """The dense pass."""
        run = DenseTorch(self.work.request).run()
        self.builds[TORCH].append(run.build_s)
        return 1000 * run.wall_s / self.work.steps

    def stock(self) -> float:
        """lava-dl in a process of its own, on the first steps."""
        import stock_lava

        job, steps = stock_job(self.work)
        run = stock_lava.stock(job, steps)
        self.builds[STOCK].append(run.build_s)
        own = engine("native").run(stock_lava.request(job, steps))
        self.agrees[STOCK] = stock_lava.same(own, run)
        return 1000 * run.wall_s / steps

    def check_torch(self) -> None:
        """Every layer's spikes of the dense pass against native's; not timed."""
        request = self.work.request
        everything = replace(request, record=tuple(request.network.by_layer))
        own, found = engine("native").run(everything), DenseTorch(everything).execute()
        self.agrees[TORCH] = all(np.array_equal(own.spikes[i], a) for i, a in found.spikes.items())


def stock_job(work: Workload):
    """The workload as lava-dl runs it: clips one after the other, with resets between them."""
    import stock_lava

    request, reset = work.request, work.request.schedule.period
    if work.name == "ntidigits":
        return stock_lava.ntidigits(), work.stock_steps
    if not request.schedule.windowed:
        return stock_lava.Job(work.path, request.stimulus[0], reset=reset), work.stock_steps
    clips = work.stock_steps // request.schedule.steps
    drain = np.zeros((*request.network.input.shape, request.network.latency_steps), np.int32)
    values = np.concatenate([*request.stimulus[:clips], drain], axis=-1)
    return stock_lava.Job(work.path, values, reset=reset), values.shape[-1]


def engine_group(work: Workload, effort: Effort) -> Group:
    """One workload's rows."""
    contest = Contest(work)
    contest.check_torch()  # also warms torch up
    cells = in_turn(contest.contestants(), effort.rounds, effort.budget_s)
    facts = {
        "steps": work.request.schedule.steps,
        "samples": work.request.schedule.samples,
        "synaptic_events": total_events(contest.counts),
        "populations": len(work.request.network.populations),
    }
    return Group(work.name, NATIVE, "ms a step", _with_facts(contest, cells), facts)


def _with_facts(contest: Contest, cells: dict[str, Cell]) -> dict[str, Cell]:
    found = {}
    for name, cell in cells.items():
        facts: dict[str, object] = {}
        if contest.builds[name]:
            facts["build_s"] = statistics.median(contest.builds[name])
        if name in contest.agrees and name != NATIVE:
            facts["equal"] = contest.agrees[name]
        found[name] = replace(cell, facts=facts)
    return found


def workloads_for(effort: Effort) -> dict[str, Callable[[], Workload]]:
    """What the engines run."""
    quick = effort.quick
    return {
        "ntidigits": lambda: workloads.ntidigits(*((500, 50) if quick else (3000, 300))),
        "PilotNet LIF": workloads.pilotnet,
        "the demo's network": lambda: workloads.demo(*((4, 0) if quick else (32, 8))),
        "signal-sgn-core": lambda: workloads.zoo(*((4, 0) if quick else (32, 1))),
    }


TEXT = """Milliseconds of stepping, per step of all samples; building (and compiling, importing,
starting processes) is apart. native and our Lava engine count every synaptic event while they
run; native gives each clip to a core, a stream has one. lava-dl as shipped runs fewer steps.
Dense torch multiplies every weight, clips as one batch, on as many cores as native takes.
"same" says whether it did what native did in this run: our Lava engine all counts at every layer,
sample and step; lava-dl the last layer's spikes and voltages; dense torch every layer's spikes."""


def section(effort: Effort) -> Section:
    """The engines' table."""

    def group(name: str, make: Callable[[], Workload]) -> Group:
        empty = Group(name, NATIVE, "ms a step", {})
        return guarded(empty, lambda: engine_group(make(), effort))

    groups = tuple(group(name, make) for name, make in workloads_for(effort).items())
    return Section("engines", "Engines on the same network", TEXT, groups)


if __name__ == "__main__":
    effort = QUICK if "--quick" in sys.argv else FULL
    print(json.dumps(section(effort).to_dict(), indent=1))
