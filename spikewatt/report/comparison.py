"""What a comparison holds: the types of its JSON."""

from __future__ import annotations

from pydantic import Field

from spikewatt.energy.paper import PRICES
from spikewatt.report.entry import Entry
from spikewatt.report.record import RunRecord

THEORETICAL = "theoretical"
FROM_EVENTS = "from measured events"
BY_SENSOR = "measured (sensor)"
BASELINE = "int8 ANN"
A_PASS_A_STEP, A_PASS_A_SAMPLE = "per_step", "per_sample"
FEATURED = ("loihi2_derived", "loihi1_davies")
PASSES = {A_PASS_A_STEP: "a pass a step", A_PASS_A_SAMPLE: "a pass a sample"}


class PaperEntry(Entry):
    """4.6 pJ x MAC + 0.9 pJ x SOP, a sample."""

    energy_j: float
    macs: float
    sops: float


class TermEntry(Entry):
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


class ProfileEntry(Entry):
    """Modelled energy a sample under one profile; None is not known, never 0.

    ratio_to_paper, ratio_to_ann: modelled (dynamic, or the all-in figure) over theoretical
    energy, and over that of an int8 ANN, by its passes.
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
    ratio_to_ann: dict[str, float]

    @property
    def modelled_j(self) -> float | None:
        """Dynamic energy, or the all-in figure where that is what the profile has."""
        return self.total_j if self.dynamic_j is None else self.dynamic_j


class MeasuredEntry(Entry):
    """Joules a sample that a sensor read; see `spikewatt.energy.measured.Measured`."""

    joules: float
    device: str
    method: str
    error_j: float | None = None
    total_j: float | None = None


class CountersEntry(Entry):
    """A chip's own counters, a sample, under Intel's names, summed over its cores."""

    cores: int
    syn_ops: float
    dendrite_updates: float
    axon_out: float
    spikes_in: float


class PublishedEntry(MeasuredEntry):
    """Joules a sample that others measured on this network, with other inputs."""

    source: str
    caveat: str


class UnavailableEntry(Entry):
    """Why there is no measurement."""

    unavailable: str


class AnnEntry(Entry):
    """An int8 ANN of the same shape, a sample; passes: how often it computes every MAC."""

    passes: int
    energy_j: float
    band_j: tuple[float, float]
    ratio_to_paper: float | None
    terms: dict[str, TermEntry]
    absent_why: dict[str, str]


class RunEntry(Entry):
    """One run under all profiles; `record` is the run itself and stays out of the JSON."""

    network: str
    backend: str
    samples: int
    steps: int
    paper: PaperEntry
    profiles: dict[str, ProfileEntry]
    ann: dict[str, AnnEntry] | UnavailableEntry  # by A_PASS_A_STEP and A_PASS_A_SAMPLE
    measured: MeasuredEntry | UnavailableEntry
    published: list[PublishedEntry]
    counters: CountersEntry | None = None
    record: RunRecord = Field(exclude=True)

    @property
    def featured(self) -> str | None:
        """The profile that headlines tell: a preferred one, else the last that is hardware."""
        hardware = [name for name in self.profiles if name != PRICES]
        preferred = [name for name in FEATURED if name in hardware]
        return next(iter(preferred or hardware[-1:]), None)


class Comparison(Entry):
    """Several runs side by side, all energies in joules a sample."""

    runs: list[RunEntry]
