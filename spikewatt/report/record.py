"""The record of one run, as RUN.json holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikewatt.energy.activity import Activity
from spikewatt.energy.measured import Measured, Unavailable
from spikewatt.energy.paper import PaperEnergy, PaperLayer, paper_energy
from spikewatt.errors import SpikewattError
from spikewatt.report.writing import write_text

SCHEMA = "spikewatt.run/1"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LayerRecord(_Entry):
    """One layer; counts are totals over all samples and counted steps.

    dense_macs is a step's. firing_rate_in = spikes_in / (source neurons x steps x samples);
    paper_sops = firing_rate_in x steps x samples x dense_macs, so it compares with
    synaptic_events. Several projections into one layer are summed before. `fill` is what
    happened outside the counted steps. synaptic_events_by_step sums samples, and
    `steps_per_bin` steps where a run is long. analog_input: spikes that arrive carry values.
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
    synaptic_events_by_step: list[int] = []


class Totals(_Entry):
    """Sums over layers; coverage is the share of synapses whose events were counted."""

    synaptic_events: int
    synaptic_events_stored: int
    neuron_updates: int
    spikes_out: int
    dense_macs: int
    paper_sops: float
    coverage: float = Field(ge=0, le=1)


class MetricsRecord(_Entry):
    """NeuroBench's names; see spikewatt.energy.metrics for their definitions."""

    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    effective_macs: float
    effective_acs: float


class MeasuredRecord(_Entry):
    """Energy of one sample that a sensor read."""

    joules: float = Field(gt=0)
    device: str
    method: str


class RunRecord(_Entry):
    """Everything that one run says about itself; `load` and `save` make files of it."""

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
    latency_steps: int
    build_s: float
    wall_s: float
    steps_per_s: float | None
    layers: list[LayerRecord]
    totals: Totals
    metrics: MetricsRecord
    accuracy: float | None = None
    predictions: list[int] | None = None
    verified_against: list[str] = []  # engines or files whose spikes and counts were equal
    measured: MeasuredRecord | None = None

    def activity(self) -> Activity:
        """The totals that prices apply to."""
        graded = [layer for layer in self.layers if layer.analog_input]
        return Activity(
            samples=self.samples,
            steps=self.steps,
            synaptic_events=self.totals.synaptic_events,
            synaptic_events_graded=sum(layer.synaptic_events for layer in graded),
            neuron_updates=self.totals.neuron_updates,
            firing=self.totals.spikes_out,
        )

    def paper_energy(self) -> PaperEnergy:
        """What the papers' formula says about a sample."""
        layers = [PaperLayer(x.dense_macs, x.paper_sops, x.analog_input) for x in self.layers]
        return paper_energy(layers, self.samples, self.steps)

    def measurement(self) -> Measured | Unavailable:
        """What a sensor read, or why none did."""
        if self.measured is None:
            return Unavailable(f"the {self.backend} backend has no power sensor")
        return Measured(self.measured.joules, self.measured.device, self.measured.method)


def save(record: RunRecord, path: str | Path) -> None:
    """Write RUN.json, whole or not at all."""
    without = {name for name in ("accuracy", "predictions", "measured") if not _has(record, name)}
    write_text(path, record.model_dump_json(by_alias=True, indent=1, exclude=without) + "\n")


def _has(record: RunRecord, name: str) -> bool:
    return getattr(record, name) is not None


def load(path: str | Path) -> RunRecord:
    """Read RUN.json; SpikewattError names the file and what is wrong with it."""
    hint = "Make one with `spikewatt run NET.net ... --json RUN.json`."
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SpikewattError(
            f"Run record {path} cannot be read: {error.strerror}. {hint}"
        ) from error
    except UnicodeDecodeError as error:
        raise SpikewattError(f"{path} is not a run record but binary data. {hint}") from error
    try:
        return RunRecord.model_validate_json(text)
    except ValidationError as error:
        raise SpikewattError(f"{path} is not a run record: {_first(error)}. {hint}") from error


def _first(error: ValidationError) -> str:
    """The first few problems, each with its key."""
    problems = error.errors(include_url=False)
    shown = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in problems[:3]]
    more = len(problems) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
