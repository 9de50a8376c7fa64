"""From a contest to rows: times, throughput, accuracy and energy of each turn, and medians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from spikewatt.commands.bench.contest import Contest, Lane
from spikewatt.commands.running import RunJob, Stimulus, accuracy_of
from spikewatt.energy.joules import EnergyResult, energy
from spikewatt.energy.measured import Measured, Measurement
from spikewatt.hardware_profiles import Profile
from spikewatt.lava_runtime.engine import Execution
from spikewatt.network import Network
from spikewatt.report.bench import BenchEnergy, BenchMedian, BenchRow, ModelledEntry, Spread
from spikewatt.report.comparison import MeasuredEntry, UnavailableEntry
from spikewatt.report.placing import placement_of
from spikewatt.report.recording import Provenance, record_of


def case_results(
    job: RunJob, stimulus: Stimulus, contest: Contest, profiles: Sequence[Profile]
) -> tuple[list[BenchRow], list[BenchMedian]]:
    """Rows of every turn and a median for each backend, in the order asked for."""
    case = _Case(job, stimulus, contest, profiles)
    return [r for x in contest.lanes for r in case.rows(x)], [case.median(x) for x in contest.lanes]


class _Case:
    """One contest's results; energies of those who did the same are worked out once."""

    def __init__(
        self, job: RunJob, stimulus: Stimulus, contest: Contest, profiles: Sequence[Profile]
    ) -> None:
        self.network, self.input = str(job.network), stimulus.name
        self.stimulus, self.contest, self.profiles = stimulus, contest, profiles
        self.samples = contest.request.schedule.samples
        self.modelled: dict[str, tuple[float, dict[str, ModelledEntry]]] = {}

    def rows(self, lane: Lane) -> list[BenchRow]:
        """A row a turn."""
        accuracy = self._accuracy(lane)
        return [
            BenchRow(
                network=self.network,
                input=self.input,
                backend=lane.name,
                repeat=repeat,
                build_s=turn.build_s,
                latency_s=turn.latency_s,
                samples_per_s=self.samples / turn.wall_s,
                accuracy=accuracy,
                energy=self._energy(lane),
            )
            for repeat, turn in enumerate(lane.turns)
        ]

    def median(self, lane: Lane) -> BenchMedian:
        """Over all turns, or the reason why there are none."""
        bare = BenchMedian(
            network=self.network,
            input=self.input,
            backend=lane.name,
            samples=self.samples,
            steps=self.contest.request.schedule.steps,
            unavailable=lane.unavailable,
        )
        return bare if lane.unavailable is not None else self._filled(bare, lane)

    def _filled(self, bare: BenchMedian, lane: Lane) -> BenchMedian:
        first = self.contest.reference
        compared = first is not None and lane is not first and lane.execution is not None
        found = dict(
            build_s=Spread.of([t.build_s for t in lane.turns]),
            latency_s=Spread.of([t.latency_s for t in lane.turns]),
            samples_per_s=Spread.of([self.samples / t.wall_s for t in lane.turns]),
            accuracy=self._accuracy(lane),
            synaptic_events=_events(lane.execution, self.samples),
            energy=self._energy(lane),
            same_as=first.name if compared and first is not None else None,
            same=lane.differs is None if compared or lane.differs else None,
            differs=lane.differs,
        )
        return bare.model_copy(update=found)

    def _accuracy(self, lane: Lane) -> float | None:
        answers = lane.facts.readout if lane.execution is None else lane.execution.decision
        return accuracy_of(answers, self.stimulus)

    def _energy(self, lane: Lane) -> BenchEnergy:
        theoretical_j, profiles = self._modelled(lane)
        return BenchEnergy(
            theoretical_j=theoretical_j, profiles=profiles, measured=_sensor(lane.measured)
        )

    def _modelled(self, lane: Lane) -> tuple[float | None, dict[str, ModelledEntry]]:
        if lane.execution is None:
            return lane.facts.theoretical_j, {}
        whose = lane if lane.differs else (self.contest.reference or lane)
        if whose.name not in self.modelled:
            network = self.contest.request.network
            execution = whose.execution or lane.execution
            self.modelled[whose.name] = _modelled(network, execution, self.profiles)
        return self.modelled[whose.name]


def _modelled(
    network: Network, execution: Execution, profiles: Sequence[Profile]
) -> tuple[float, dict[str, ModelledEntry]]:
    """Theoretical energy, and counted events under each profile, a sample."""
    record = record_of(network, execution, Provenance("", ""), place=False)
    found = {}
    for profile in profiles:
        placement = placement_of(network, execution.counts, profile).placement()
        found[profile.name] = _entry(energy(record.activity(), profile, placement))
    return record.paper_energy().energy_j, found


def _entry(result: EnergyResult) -> ModelledEntry:
    return ModelledEntry(
        dynamic_j=result.dynamic_j,
        dynamic_band_j=result.dynamic_band_j,
        static_j=result.static_j,
        total_j=result.total_j,
        absent=list(result.absent),
    )


def _events(execution: Execution | None, samples: int) -> float | None:
    if execution is None:
        return None
    return sum(int(x.synaptic_events.sum()) for x in execution.counts.layers) / samples


def _sensor(measured: Measurement) -> MeasuredEntry | UnavailableEntry:
    if isinstance(measured, Measured):
        return MeasuredEntry(**asdict(measured))
    return UnavailableEntry(unavailable=measured.reason)
