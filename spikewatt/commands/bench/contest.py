"""One network on one input: everybody's turns, and whether all did the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from spikewatt.commands.bench.contestants import Contestant, Facts, Timed
from spikewatt.commands.bench.turns import burst, turns
from spikewatt.energy.events import Counts
from spikewatt.energy.measured import Measurement, Unavailable
from spikewatt.energy.sensors import measure_with
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.engine import Execution, Request, no_progress
from spikewatt.lava_runtime.schedule import clips

Tick = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Turn:
    """What one turn gave; latency_s: one sample alone, wall_s: all of them."""

    build_s: float
    latency_s: float
    wall_s: float


@dataclass(eq=False)
class Lane:
    """One contestant's turns; unavailable: why it has none. differs: from the reference.

    execution: the first that tells what it did.
    """

    name: str
    contestant: Contestant | None = None
    facts: Facts = field(default_factory=Facts)
    turns: list[Turn] = field(default_factory=list)
    execution: Execution | None = None
    unavailable: str | None = None
    differs: str | None = None
    measured: Measurement = field(default_factory=lambda: Unavailable("it did not run"))

    @property
    def runs(self) -> bool:
        """Whether it takes turns."""
        return self.contestant is not None and self.unavailable is None


def lane(name: str, make: Callable[[], Contestant]) -> Lane:
    """A contestant's lane, or that of one who is not there, with the reason."""
    try:
        made = make()
    except SpikewattError as error:
        return Lane(name, unavailable=str(error))
    return Lane(made.name, made)


class Contest:
    """A request and the lanes of those who execute it; the first that tells is the reference."""

    def __init__(self, request: Request, lanes: list[Lane], sensor: str | None = None) -> None:
        self.request, self.lanes, self.sensor = request, lanes, sensor
        self.alone = _first_sample(request)

    @property
    def reference(self) -> Lane | None:
        """Whose counts the others' are compared with."""
        return next((x for x in self.lanes if x.execution is not None), None)

    def hold(self, rounds: int, tick: Tick) -> None:
        """Check everybody, then all turns, then energy; tick: told after each turn."""
        for entered in self.lanes:
            self._try(entered, self._check)
        for order in turns(self.lanes, rounds):
            for entered in order:
                self._try(entered, self._turn)
                tick()
        for entered in self.lanes:
            self._try(entered, self._measure)
            self._compare(entered)

    def _try(self, entered: Lane, do: Callable[[Lane, Contestant], None]) -> None:
        """One that fails says why, and is not asked again."""
        if not entered.runs or entered.contestant is None:
            return
        try:
            do(entered, entered.contestant)
        except SpikewattError as error:
            entered.unavailable = str(error)

    def _check(self, entered: Lane, who: Contestant) -> None:
        entered.facts = who.check(self.request)
        entered.execution = entered.facts.execution

    def _turn(self, entered: Lane, who: Contestant) -> None:
        alone, latency_s = self.alone, None
        if alone is not None:
            latency_s = burst(lambda: who.run(alone, no_progress).wall_s)
        found: list[Timed] = []

        def once() -> float:
            found.append(who.run(self.request, no_progress))
            self._note(entered, found[-1])
            return found[-1].wall_s

        wall_s = burst(once)
        entered.turns.append(Turn(found[0].build_s, latency_s or wall_s, wall_s))

    def _measure(self, entered: Lane, who: Contestant) -> None:
        if self.sensor is None:
            entered.measured = Unavailable(
                "no sensor was asked; add --measure cpu or --measure gpu"
            )
            return

        def work() -> int:
            who.run(self.request, no_progress)
            return self.request.schedule.samples

        entered.measured = measure_with(self.sensor, work)

    def _note(self, entered: Lane, done: Timed) -> None:
        """Keep what the first run did; every later one has to do the same."""
        if done.execution is None:
            return
        if entered.execution is None:
            entered.execution = done.execution
        elif entered.differs is None:
            entered.differs = self._difference(entered.execution, done.execution)

    def _compare(self, entered: Lane) -> None:
        first = self.reference
        if first is None or first.execution is None or entered.execution is None:
            return
        if entered is not first and entered.differs is None:
            entered.differs = self._difference(first.execution, entered.execution)

    def _difference(self, expected: Execution, found: Execution) -> str | None:
        """In words; None where counts, recorded spikes and read-outs are equal."""
        alike = all(layer.fill for e in (expected, found) for layer in e.counts.layers)
        if not alike:
            expected, found = _counted_only(expected), _counted_only(found)
        agreement = compare(self.request.network, expected, found, self.request)
        return None if agreement.equal else str(agreement)


def _first_sample(request: Request) -> Request | None:
    """The first sample alone, or None where there is no other."""
    if request.schedule.samples == 1:
        return None
    schedule = clips(request.network, 1, request.schedule.steps)
    return replace(request, stimulus=request.stimulus[:1], schedule=schedule)


def _counted_only(execution: Execution) -> Execution:
    """Without what happens outside the counted steps, which the dense pass does not have."""
    counts = execution.counts
    layers = tuple(replace(layer, fill={}) for layer in counts.layers)
    return replace(execution, counts=Counts(counts.samples, counts.steps, layers))
