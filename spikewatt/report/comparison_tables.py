"""The tables of a comparison: operations by layer, and the three kinds of energy."""

from __future__ import annotations

from typing import TextIO

from spikewatt.report.compare import (
    BY_SENSOR,
    FROM_EVENTS,
    THEORETICAL,
    Comparison,
    MeasuredEntry,
    RunEntry,
)
from spikewatt.report.tables import Column, Row, render

UJ = 1e6  # joules to microjoules

LAYER_COLUMNS = (
    Column("layer"),
    Column("type"),
    Column("neurons"),
    Column("firing_rate_in"),
    Column("dense_macs"),
    Column("paper_sops"),
    Column("synaptic_events"),
    Column("synaptic_events_stored", "stored"),
    Column("neuron_updates"),
    Column("ratio", "events/paper_sops"),
)

ENERGY_COLUMNS = (
    Column("estimate"),
    Column("profile"),
    Column("energy_uj"),
    Column("low_uj"),
    Column("high_uj"),
    Column("static_uj"),
    Column("total_uj"),
    Column("ratio", "x theoretical"),
    Column("absent", "not modelled"),
)


def layer_rows(run: RunEntry) -> list[Row]:
    """A row a layer, and their sum; counts are totals over all samples."""
    rows: list[Row] = []
    for x in run.record.layers:
        row = x.model_dump(exclude={"index", "fill", "synaptic_events_by_step"})
        rows.append(row | {"layer": x.index, "ratio": _ratio(x.synaptic_events, x.paper_sops)})
    totals = run.record.totals
    neurons = sum(x.neurons for x in run.record.layers)
    ratio = _ratio(totals.synaptic_events, totals.paper_sops)
    rows.append(totals.model_dump() | {"layer": "all", "neurons": neurons, "ratio": ratio})
    return rows


def _ratio(events: int, paper_sops: float) -> float | None:
    return events / paper_sops if paper_sops else None


def energy_rows(run: RunEntry) -> list[Row]:
    """The three kinds of energy of a run, in microjoules a sample."""
    rows: list[Row] = [
        {
            "estimate": THEORETICAL,
            "profile": "4.6 pJ x MAC + 0.9 pJ x SOP",
            "energy_uj": run.paper.energy_j * UJ,
            "ratio": 1.0,
        }
    ]
    for name, entry in run.profiles.items():
        low, high = entry.dynamic_band_j or (None, None)
        row = {"estimate": FROM_EVENTS, "profile": name, "ratio": entry.ratio_to_paper}
        row |= {"energy_uj": _uj(entry.modelled_j), "low_uj": _uj(low), "high_uj": _uj(high)}
        row |= {"static_uj": _uj(entry.static_j), "total_uj": _uj(entry.total_j)}
        rows.append(row | {"absent": ", ".join(entry.absent) or None})
    rows.append(_sensor_row(run))
    return rows


def _sensor_row(run: RunEntry) -> Row:
    if not isinstance(run.measured, MeasuredEntry):
        return {"estimate": BY_SENSOR, "profile": f"unavailable: {run.measured.unavailable}"}
    joules, paper = run.measured.joules, run.paper.energy_j
    return {
        "estimate": BY_SENSOR,
        "profile": run.measured.device,
        "energy_uj": joules * UJ,
        "ratio": joules / paper if paper else None,
    }


def _uj(joules: float | None) -> float | None:
    return None if joules is None else joules * UJ


def write_comparison(comparison: Comparison, file: TextIO) -> None:
    """Write all tables of a comparison."""
    for number, run in enumerate(comparison.runs):
        r = run.record
        file.write("\n" * bool(number))
        file.write(f"{run.network} on {run.backend}: {r.samples} samples of {r.steps} steps\n\n")
        file.write("Operations, all samples (dense_macs: one step)\n")
        render(layer_rows(run), LAYER_COLUMNS, file)
        file.write("\nEnergy a sample, in uJ\n")
        render(energy_rows(run), ENERGY_COLUMNS, file)
        for line in notes(run):
            file.write(f"{line}\n")


def notes(run: RunEntry) -> list[str]:
    """What a reader must know beside the numbers, one line each."""
    lines = []
    if run.record.totals.coverage < 1:
        lines.append(f"Counted: {run.record.totals.coverage:.1%} of the synapses.")
    for name, entry in run.profiles.items():
        for point in entry.calibrated_on:
            lines.append(f"{name} is calibrated on {point}: agreement there validates nothing.")
    return lines
