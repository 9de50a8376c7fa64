"""The log of Intel's probes on a board, as PROBE.json holds it (docs/loihi2.md has its fields)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from spikewatt.energy.board import BoardLog, CoreActivity
from spikewatt.energy.measured import Unavailable
from spikewatt.errors import SpikewattError
from spikewatt.report.comparison import CountersEntry
from spikewatt.report.entry import Entry
from spikewatt.report.record import RunRecord, measured_record, parsed, read_text
from spikewatt.report.writing import write_text

SCHEMA = "spikewatt.probe/1"
US = 1e-6
HINT = "`spikewatt run NET.net --backend loihi2 --probe PROBE.json` writes one on a board."


class CoreRecord(Entry):
    """Counters of one core over all steps, by the names of Intel's activity probe."""

    chip: int = Field(ge=0)
    core: int = Field(ge=0)
    syn_ops: int = Field(ge=0)
    dendrite_updates: int = Field(ge=0)
    axon_out: int = Field(ge=0)
    spikes_in: int = Field(ge=0)


class ProbeRecord(Entry):
    """One run on a board; powers in watts are of all its chips.

    source: where the log comes from, if not from spikewatt. network_sha256: of the file that ran.
    """

    schema_: Literal["spikewatt.probe/1"] = Field(default="spikewatt.probe/1", alias="schema")
    network: str
    network_sha256: str
    board: str
    steps: int = Field(ge=1)
    steps_per_sample: int = Field(ge=1)
    chips: int = Field(ge=1)
    active_chips: int = Field(ge=1)
    step_time_us: float = Field(gt=0)
    power_w: float = Field(gt=0)
    static_power_w: float = Field(ge=0)
    activity: list[CoreRecord] = Field(default=[])
    source: str = ""

    @model_validator(mode="after")
    def _chips_fit(self) -> ProbeRecord:
        if self.active_chips > self.chips:
            raise ValueError(f"active_chips {self.active_chips} of {self.chips} chips")
        return self

    @property
    def log(self) -> BoardLog:
        """What the probes said."""
        return BoardLog(
            board=self.board,
            steps=self.steps,
            steps_per_sample=self.steps_per_sample,
            chips=self.chips,
            active_chips=self.active_chips,
            step_time_s=self.step_time_us * US,
            power_w=self.power_w,
            static_w=self.static_power_w,
            activity=tuple(CoreActivity(**core.model_dump()) for core in self.activity),
        )

    @staticmethod
    def of(log: BoardLog, network: str, network_sha256: str) -> ProbeRecord:
        """The record of a log."""
        return ProbeRecord(
            network=network,
            network_sha256=network_sha256,
            board=log.board,
            steps=log.steps,
            steps_per_sample=log.steps_per_sample,
            chips=log.chips,
            active_chips=log.active_chips,
            step_time_us=log.step_time_s / US,
            power_w=log.power_w,
            static_power_w=log.static_w,
            activity=[CoreRecord(**asdict(core)) for core in log.activity],
        )

    def counters(self) -> CountersEntry | None:
        """The counters of all cores, a sample; None where the log has none."""
        log = self.log
        if not log.activity:
            return None
        names = ("syn_ops", "dendrite_updates", "axon_out", "spikes_in")
        sums = {n: sum(getattr(c, n) for c in log.activity) / log.samples for n in names}
        return CountersEntry(cores=len(log.activity), **sums)


def save(record: ProbeRecord, path: str | Path) -> None:
    """Write PROBE.json, whole or not at all."""
    write_text(path, record.model_dump_json(by_alias=True, indent=1) + "\n")


def load(path: str | Path) -> ProbeRecord:
    """Read PROBE.json; SpikewattError names the file and what is wrong with it."""
    return parsed(ProbeRecord, read_text(path, "Probe log", HINT), path, "probe log", HINT)


def applied(probe: ProbeRecord, run: RunRecord) -> RunRecord:
    """The run with what the board drew for it as its measurement."""
    found = probe.log.measurement()
    if isinstance(found, Unavailable) or not probe.source:
        return run.model_copy(update={"measured": measured_record(found)})
    measured = measured_record(found).model_copy(
        update={"method": f"{found.method}; {probe.source}"}
    )
    return run.model_copy(update={"measured": measured})


def matching(probe: ProbeRecord, runs: list[RunRecord], path: str | Path) -> list[int]:
    """Indices of the runs of the probe's network and steps; SpikewattError where there is none."""
    steps = probe.steps_per_sample
    own = [i for i, r in enumerate(runs) if r.network_sha256 == probe.network_sha256]
    found = [i for i in own if runs[i].steps == steps]
    if not found:
        other = f"; runs of it here have {runs[own[0]].steps} steps" if own else ""
        raise SpikewattError(
            f"{path} is a log of {probe.network} ({probe.network_sha256[:12]}) with {steps} steps "
            f"a sample, and no run of that is among the files{other}. Make one with `spikewatt "
            f"run {probe.network} --steps {steps} ... --json RUN.json`, and compare both."
        )
    return found
