"""Runs against prices: the paper's formula, counted events under profiles, and sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pydantic import BaseModel, ConfigDict, Field

from spikewatt.energy.joules import EnergyResult, energy
from spikewatt.energy.measured import Measured
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import Profile
from spikewatt.report.record import RunRecord

THEORETICAL = "theoretical"
FROM_EVENTS = "from measured events"
BY_SENSOR = "measured (sensor)"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PaperEntry(_Entry):
    """4.6 pJ x MAC + 0.9 pJ x SOP, a sample."""

    energy_j: float
    macs: float
    sops: float


class TermEntry(_Entry):
    """One term of a modelled energy, a sample, and where its price comes from."""

    energy_j: float
    band_j: tuple[float, float]
    count: float
    price: float
    price_low: float
    price_high: float
    unit: str
    kind: str
    scope: str
    source: str
    calibrated_on: str | None


class ProfileEntry(_Entry):
    """Modelled energy a sample under one profile; None is not known, never 0.

    ratio_to_paper: modelled (dynamic, or the all-in figure) over theoretical energy.
    """

    title: str
    dynamic_j: float | None
    dynamic_band_j: tuple[float, float] | None
    static_j: float | None
    total_j: float | None
    terms: dict[str, TermEntry]
    absent: list[str]
    absent_why: dict[str, str]
    cores: int | None
    chips: int | None
    step_time_s: float | None
    calibrated_on: list[str]
    ratio_to_paper: float | None

    @property
    def modelled_j(self) -> float | None:
        """Dynamic energy, or the all-in figure where that is what the profile has."""
        return self.total_j if self.dynamic_j is None else self.dynamic_j


class MeasuredEntry(_Entry):
    """Joules a sample that a sensor read."""

    joules: float
    device: str
    method: str


class UnavailableEntry(_Entry):
    """Why there is no measurement."""

    unavailable: str


class RunEntry(_Entry):
    """One run under all profiles; `record` is the run itself and stays out of the JSON."""

    network: str
    backend: str
    samples: int
    steps: int
    paper: PaperEntry
    profiles: dict[str, ProfileEntry]
    measured: MeasuredEntry | UnavailableEntry
    record: RunRecord = Field(exclude=True)


class Comparison(_Entry):
    """Several runs side by side, all energies in joules a sample."""

    runs: list[RunEntry]


def compare(records: Sequence[RunRecord], profiles: Sequence[Profile]) -> Comparison:
    """Put the three kinds of energy of each run beside one another, a sample each.

    Raises SpikewattError for two different profiles of one name.
    """
    for profile in profiles:
        if any(p.name == profile.name and p != profile for p in profiles):
            raise SpikewattError(
                f"Two different profiles are called {profile.name!r}; a comparison needs names "
                "that differ. Change `name` in one of the files."
            )
    return Comparison(runs=[_run(record, profiles) for record in records])


def _run(record: RunRecord, profiles: Sequence[Profile]) -> RunEntry:
    paper = record.paper_energy()
    activity = record.activity()
    measurement = record.measurement()
    return RunEntry(
        network=record.network,
        backend=record.backend,
        samples=record.samples,
        steps=record.steps,
        paper=PaperEntry(**asdict(paper)),
        profiles={p.name: _profile(p, energy(activity, p), paper.energy_j) for p in profiles},
        measured=MeasuredEntry(**asdict(measurement))
        if isinstance(measurement, Measured)
        else UnavailableEntry(unavailable=measurement.reason),
        record=record,
    )


def _profile(profile: Profile, result: EnergyResult, paper_j: float) -> ProfileEntry:
    return ProfileEntry(
        title=profile.title,
        dynamic_j=result.dynamic_j,
        dynamic_band_j=result.dynamic_band_j,
        static_j=result.static_j,
        total_j=result.total_j,
        terms=_terms(result),
        absent=list(result.absent),
        absent_why=result.absent,
        cores=result.cores,
        chips=result.chips,
        step_time_s=result.step_time_s,
        calibrated_on=list(result.calibrated_on),
        ratio_to_paper=result.known_j / paper_j if paper_j > 0 else None,
    )


def _terms(result: EnergyResult) -> dict[str, TermEntry]:
    terms = {}
    for name, term in result.terms.items():
        low, value, high = term.price.band
        terms[name] = TermEntry(
            energy_j=term.energy_j,
            band_j=term.band_j,
            count=term.count,
            price=value,
            price_low=low,
            price_high=high,
            unit=term.price.unit,
            kind=term.price.kind,
            scope=term.price.scope,
            source=term.price.source,
            calibrated_on=term.price.calibrated_on,
        )
    return terms
