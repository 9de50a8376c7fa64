"""Runs against prices: the paper's formula, counted events under profiles, an ANN, sensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from spikewatt.energy.ann import ABSENT, AnnEnergy
from spikewatt.energy.joules import EnergyResult, TermEnergy, energy
from spikewatt.energy.measured import Measured, Unavailable, published
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import Profile
from spikewatt.report.comparison import (
    A_PASS_A_SAMPLE,
    A_PASS_A_STEP,
    AnnEntry,
    Comparison,
    CountersEntry,
    MeasuredEntry,
    PaperEntry,
    ProfileEntry,
    PublishedEntry,
    RunEntry,
    TermEntry,
    UnavailableEntry,
)
from spikewatt.report.record import RunRecord


def compare(
    records: Sequence[RunRecord],
    profiles: Sequence[Profile],
    counters: Mapping[int, CountersEntry] | None = None,
) -> Comparison:
    """Put the three kinds of energy of each run beside one another, a sample each.

    A sample of several persons is a clip of theirs. counters: a chip's, by the number of the run.
    Raises SpikewattError for two different profiles of one name.
    """
    for profile in profiles:
        if any(p.name == profile.name and p != profile for p in profiles):
            raise SpikewattError(
                f"Two different profiles are called {profile.name!r}; a comparison needs names "
                "that differ. Change `name` in one of the files."
            )
    by_run = counters or {}
    return Comparison(
        runs=[_run(record, profiles, by_run.get(i)) for i, record in enumerate(records)]
    )


def _run(
    record: RunRecord, profiles: Sequence[Profile], counters: CountersEntry | None
) -> RunEntry:
    paper = record.paper_energy()
    measurement = record.measurement()
    ann = _ann(record, paper.energy_j)
    return RunEntry(
        network=record.network,
        backend=record.backend,
        samples=record.clips,
        steps=record.steps_a_clip,
        paper=PaperEntry(**asdict(paper)),
        profiles={p.name: _profile(p, _energy(record, p), paper.energy_j, ann) for p in profiles},
        ann=ann,
        measured=MeasuredEntry(**asdict(measurement))
        if isinstance(measurement, Measured)
        else UnavailableEntry(unavailable=measurement.reason),
        published=[
            PublishedEntry(**asdict(p.measured), source=p.source, caveat=p.caveat)
            for p in published(record.network_sha256, record.steps)
        ],
        counters=counters,
        record=record,
    )


def _energy(record: RunRecord, profile: Profile) -> EnergyResult:
    """Modelled energy; what the host computed of the network is absent, with how much it is."""
    found = energy(record.activity(), profile, record.placement(profile.name))
    if (host := record.host) is None:
        return found
    why = (
        f"{host.module} on the host: {host.macs / host.clips:.4g} MACs and "
        f"{host.acs / host.clips:.4g} ACs a clip have no price"
    )
    return replace(found, absent=found.absent | {"host": why})


def _ann(record: RunRecord, paper_j: float) -> dict[str, AnnEntry] | UnavailableEntry:
    """The baseline with a pass a step and with a pass a sample."""
    entries = {}
    passes_of = {A_PASS_A_STEP: record.steps_a_clip, A_PASS_A_SAMPLE: record.persons}
    for name, passes in passes_of.items():
        found = record.ann_energy(passes)
        if isinstance(found, Unavailable):
            return UnavailableEntry(unavailable=found.reason)
        entries[name] = _ann_entry(found, paper_j)
    return entries


def _ann_entry(found: AnnEnergy, paper_j: float) -> AnnEntry:
    return AnnEntry(
        passes=found.passes,
        energy_j=found.energy_j,
        band_j=found.band_j,
        ratio_to_paper=_ratio(found.energy_j, paper_j),
        terms=_terms(found.terms),
        absent_why=ABSENT,
    )


def _ratio(energy_j: float, other_j: float) -> float | None:
    return energy_j / other_j if other_j > 0 else None


def _profile(
    profile: Profile,
    result: EnergyResult,
    paper_j: float,
    ann: Mapping[str, AnnEntry] | UnavailableEntry,
) -> ProfileEntry:
    baselines = {} if isinstance(ann, UnavailableEntry) else ann
    over_ann = {name: _ratio(result.known_j, x.energy_j) for name, x in baselines.items()}
    return ProfileEntry(
        title=profile.title,
        dynamic_j=result.dynamic_j,
        dynamic_band_j=result.dynamic_band_j,
        static_j=result.static_j,
        total_j=result.total_j,
        terms=_terms(result.terms),
        absent=list(result.absent),
        absent_why=result.absent,
        cores=result.cores,
        chips=result.chips,
        step_time_s=result.step_time_s,
        calibrated_on=list(result.calibrated_on),
        ratio_to_paper=_ratio(result.known_j, paper_j),
        ratio_to_ann={name: r for name, r in over_ann.items() if r is not None},
    )


def _terms(found: Mapping[str, TermEnergy]) -> dict[str, TermEntry]:
    terms = {}
    for name, term in found.items():
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
