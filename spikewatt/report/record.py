"""The record of one run, as RUN.json holds it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from spikewatt.energy.activity import UNPLACED, Activity, Placement
from spikewatt.energy.ann import AnnEnergy, AnnLayer, ann_energy
from spikewatt.energy.measured import Measured, Measurement, Unavailable
from spikewatt.energy.paper import PaperEnergy, PaperLayer, paper_energy
from spikewatt.errors import SpikewattError
from spikewatt.report.entry import Entry
from spikewatt.report.placed import PlacementRecord
from spikewatt.report.spikes import Raster, Rates
from spikewatt.report.writing import write_text

SCHEMA = "spikewatt.run/1"
HINT = "Make one with `spikewatt run NET.net ... --json RUN.json`."
Record = TypeVar("Record", bound=Entry)


class LayerRecord(Entry):
    """One layer; counts are totals over all samples and counted steps.

    dense_macs is a step's. firing_rate_in = spikes_in / (source neurons x steps x samples);
    paper_sops = firing_rate_in x steps x samples x dense_macs, so it compares with
    synaptic_events. Several projections into one layer are summed before. `fill` is what
    happened outside the counted steps. synaptic_events_by_step sums samples, and
    `steps_per_bin` steps where a run is long. analog_input: spikes that arrive carry values.
    module: path in the trained network, where the file names it.
    sources: neurons or inputs that its projections come from; weights: those of its projections,
    shared kernels once; None in files written before they were known. rates, raster: only where
    the layer's spikes were recorded.
    """

    index: int
    type: str
    neurons: int
    synapses: int
    synapses_nonzero: int
    spikes_in: int
    spikes_out: int
    synaptic_events: int
    synaptic_events_stored: int
    neuron_updates: int
    dense_macs: int
    firing_rate_in: float
    paper_sops: float
    fill: dict[str, int]
    analog_input: bool = False
    steps_per_bin: int = 1
    synaptic_events_by_step: list[int] = Field(default=[])
    module: str = ""
    sources: int | None = None
    weights: int | None = None
    rates: Rates | None = None
    raster: Raster | None = None


class Totals(Entry):
    """Sums over layers; coverage is the share of synapses whose events were counted."""

    synaptic_events: int
    synaptic_events_stored: int
    neuron_updates: int
    spikes_out: int
    dense_macs: int
    paper_sops: float
    coverage: float = Field(ge=0, le=1)


class MetricsRecord(Entry):
    """NeuroBench's names; see spikewatt.energy.metrics for their definitions."""

    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    effective_macs: float
    effective_acs: float


class HostRecord(Entry):
    """What a processor computed beside the cores: the network's stage for the host.

    macs, acs, neuron_updates: of all clips together (energy/host.py); dense_macs: of one clip, and
    their share of all dense MACs of the network. coverage: share of the stage that was counted.
    """

    module: str
    clips: int
    macs: int
    acs: int
    neuron_updates: int
    dense_macs: int
    dense_macs_share: float = Field(ge=0, le=1)
    coverage: float = Field(ge=0, le=1)


class MeasuredRecord(Entry):
    """Energy of one sample that a sensor read; see `spikewatt.energy.measured.Measured`."""

    joules: float = Field(gt=0)
    device: str
    method: str
    error_j: float | None = None
    total_j: float | None = None


class UnmeasuredRecord(Entry):
    """Why a sensor that was asked read nothing."""

    unavailable: str


def measured_record(found: Measurement) -> MeasuredRecord | UnmeasuredRecord:
    """A measurement as the record keeps it."""
    if isinstance(found, Unavailable):
        return UnmeasuredRecord(unavailable=found.reason)
    return MeasuredRecord(**asdict(found))


class RunRecord(Entry):
    """Everything that one run says about itself; `load` and `save` make files of it.

    placements: by profile, where a mapping of the network to its cores is known. persons: so many
    samples are one clip; accuracy, predictions and all energies are those of clips. host: what a
    processor computed, which no price of a profile covers.
    """

    schema_: Literal["spikewatt.run/1"] = Field(default="spikewatt.run/1", alias="schema")
    spikewatt_version: str
    network: str
    network_sha256: str | None
    input: str
    input_sha256: str | None
    command: str
    seed: int | None
    backend: str
    versions: dict[str, str]
    samples: int = Field(ge=1)
    steps: int = Field(ge=1)
    persons: int = Field(default=1, ge=1)
    latency_steps: int
    build_s: float
    wall_s: float
    steps_per_s: float | None
    layers: list[LayerRecord]
    totals: Totals
    metrics: MetricsRecord
    accuracy: float | None = None
    predictions: list[int] | None = None
    verified_against: list[str] = Field(default=[])  # what spikes and counts were equal to
    measured: MeasuredRecord | UnmeasuredRecord | None = None
    placements: dict[str, PlacementRecord] | None = None
    host: HostRecord | None = None

    @property
    def clips(self) -> int:
        """Clips of the run, of as many samples as there are persons."""
        return self.samples // self.persons

    @property
    def steps_a_clip(self) -> int:
        """Steps of all of a clip's persons."""
        return self.steps * self.persons

    def activity(self) -> Activity:
        """The totals that prices apply to, for a clip: its persons are executed in turn."""
        graded = [layer for layer in self.layers if layer.analog_input]
        return Activity(
            samples=self.clips,
            steps=self.steps_a_clip,
            synaptic_events=self.totals.synaptic_events,
            synaptic_events_graded=sum(layer.synaptic_events for layer in graded),
            neuron_updates=self.totals.neuron_updates,
            firing=self.totals.spikes_out,
        )

    def paper_energy(self) -> PaperEnergy:
        """What the papers' formula says about a clip."""
        layers = [PaperLayer(x.dense_macs, x.paper_sops, x.analog_input) for x in self.layers]
        return paper_energy(layers, self.clips, self.steps_a_clip)

    def ann_energy(self, passes: int) -> AnnEnergy | Unavailable:
        """What an int8 ANN of the same shape costs a sample with so many passes."""
        layers = []
        for x in self.layers:
            if x.weights is None or x.sources is None:
                return Unavailable(
                    "the record does not say how many weights each layer has; run it again"
                )
            layers.append(AnnLayer(x.dense_macs, x.weights, x.sources, x.neurons))
        return ann_energy(layers, passes)

    def placement(self, profile: str) -> Placement:
        """The network on a profile's cores, as far as the record knows."""
        found = (self.placements or {}).get(profile)
        return UNPLACED if found is None else found.placement()

    def measurement(self) -> Measurement:
        """What a sensor read, or why none did."""
        if self.measured is None:
            return Unavailable(f"the {self.backend} backend has no power sensor")
        if isinstance(self.measured, UnmeasuredRecord):
            return Unavailable(self.measured.unavailable)
        return Measured(**self.measured.model_dump())


# keys that are not written where there is nothing to say
_LEFT_OUT = ("accuracy", "predictions", "measured", "placements", "host")


def save(record: RunRecord, path: str | Path) -> None:
    """Write RUN.json, whole or not at all."""
    without = {name for name in _LEFT_OUT if not _has(record, name)}
    write_text(path, record.model_dump_json(by_alias=True, indent=1, exclude=without) + "\n")


def _has(record: RunRecord, name: str) -> bool:
    return getattr(record, name) is not None


def load(path: str | Path) -> RunRecord:
    """Read RUN.json; SpikewattError names the file and what is wrong with it."""
    return parsed(RunRecord, read_text(path, "Run record", HINT), path, "run record", HINT)


def read_text(path: str | Path, what: str, hint: str) -> str:
    """The text of a record; SpikewattError where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SpikewattError(f"{what} {path} cannot be read: {error.strerror}. {hint}") from error
    except UnicodeDecodeError as error:
        raise SpikewattError(f"{path} is not a {what.lower()} but binary data. {hint}") from error


def parsed(kind: type[Record], text: str, path: str | Path, what: str, hint: str) -> Record:
    """The record in a text; SpikewattError names the first problems."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise SpikewattError(f"{path} is not a {what}: {_first(error)}. {hint}") from error


def _first(error: ValidationError) -> str:
    """The first few problems, each with its key."""
    problems = error.errors(include_url=False)
    shown = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in problems[:3]]
    more = len(problems) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
