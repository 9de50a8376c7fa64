"""What a bench holds: the types of its JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from spikewatt.report.comparison import MeasuredEntry, UnavailableEntry
from spikewatt.report.entry import Entry


class ModelledEntry(Entry):
    """Energy a sample under a profile, from counted events; None is not known, never 0."""

    dynamic_j: float | None
    dynamic_band_j: tuple[float, float] | None
    static_j: float | None
    total_j: float | None
    absent: list[str]

    @property
    def modelled_j(self) -> float | None:
        """Dynamic energy, or the all-in figure where that is what the profile has."""
        return self.total_j if self.dynamic_j is None else self.dynamic_j


class BenchEnergy(Entry):
    """Three kinds of energy a sample, in joules: theoretical, by profile, and a sensor's."""

    theoretical_j: float | None = None
    profiles: dict[str, ModelledEntry] = Field(default={})
    measured: MeasuredEntry | UnavailableEntry


class BenchRow(Entry):
    """One turn of one backend.

    repeat: the round, from 0. latency_s: one sample alone. samples_per_s: all of them. Both are
    of stepping; building is apart.
    """

    network: str
    input: str
    backend: str
    repeat: int
    build_s: float
    latency_s: float
    samples_per_s: float
    accuracy: float | None
    energy: BenchEnergy


class Spread(Entry):
    """Median of the repeats, smallest and largest."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return Spread(median=statistics.median(values), low=min(values), high=max(values))


class BenchMedian(Entry):
    """One backend on one network over all repeats, or why it did not run.

    synaptic_events: a sample. same_as: whose counts, output spikes and read-outs its own were
    compared with; same: whether all were equal, None where it is not the same network or nothing
    was there to compare with; differs: what was not.
    """

    network: str
    input: str
    backend: str
    samples: int
    steps: int
    unavailable: str | None = None
    build_s: Spread | None = None
    latency_s: Spread | None = None
    samples_per_s: Spread | None = None
    accuracy: float | None = None
    synaptic_events: float | None = None
    energy: BenchEnergy | None = None
    same_as: str | None = None
    same: bool | None = None
    differs: str | None = None


class Bench(Entry):
    """Backends on networks: a row a turn, and their medians in the order asked for."""

    schema_: Literal["spikewatt.bench/1"] = Field(default="spikewatt.bench/1", alias="schema")
    spikewatt_version: str
    command: str
    versions: dict[str, str]
    cores: int
    repeats: int
    rows: list[BenchRow]
    medians: list[BenchMedian]

    @property
    def equal(self) -> bool:
        """Whether no backend differs from another."""
        return all(m.same is not False for m in self.medians)
