"""The tables of a comparison: operations by layer, and the three kinds of energy."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from spikewatt.report.comparison import (
    A_PASS_A_SAMPLE,
    A_PASS_A_STEP,
    BASELINE,
    BY_SENSOR,
    FROM_EVENTS,
    PASSES,
    THEORETICAL,
    Comparison,
    MeasuredEntry,
    RunEntry,
    UnavailableEntry,
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
    Column(A_PASS_A_STEP, "x ANN/step"),
    Column(A_PASS_A_SAMPLE, "x ANN/sample"),
    Column("absent", "not modelled"),
)


def layer_rows(run: RunEntry) -> list[Row]:
    """A row a layer, and their sum; counts are totals over all samples."""
    rows: list[Row] = []
    for x in run.record.layers:
        row = x.model_dump(include={c.key for c in LAYER_COLUMNS})
        rows.append(row | {"layer": x.index, "ratio": _ratio(x.synaptic_events, x.paper_sops)})
    totals = run.record.totals
    neurons = sum(x.neurons for x in run.record.layers)
    ratio = _ratio(totals.synaptic_events, totals.paper_sops)
    rows.append(totals.model_dump() | {"layer": "all", "neurons": neurons, "ratio": ratio})
    return rows


def _ratio(events: int, paper_sops: float) -> float | None:
    return events / paper_sops if paper_sops else None


def energy_rows(run: RunEntry) -> list[Row]:
    """The kinds of energy of a run and the ANN's, in microjoules a sample."""
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
        row |= entry.ratio_to_ann
        rows.append(row | {"absent": ", ".join(entry.absent) or None})
    return [*rows, *_ann_rows(run), *_sensor_rows(run)]


def _ann_rows(run: RunEntry) -> list[Row]:
    if isinstance(run.ann, UnavailableEntry):
        return [{"estimate": BASELINE, "profile": f"unavailable: {run.ann.unavailable}"}]
    rows: list[Row] = []
    for name, x in run.ann.items():
        row = {"estimate": BASELINE, "profile": PASSES[name], "ratio": x.ratio_to_paper}
        row |= {"energy_uj": _uj(x.energy_j), "low_uj": _uj(x.band_j[0])}
        row |= {"high_uj": _uj(x.band_j[1]), "absent": ", ".join(x.absent_why)}
        rows.append(row)
    return rows


def _sensor_rows(run: RunEntry) -> list[Row]:
    rows: list[Row]
    if isinstance(run.measured, MeasuredEntry):
        total = {"total_uj": _uj(run.measured.total_j)}
        rows = [_joules(run, run.measured.device, run.measured.joules) | total]
    else:
        rows = [{"estimate": BY_SENSOR, "profile": f"unavailable: {run.measured.unavailable}"}]
    for x in run.published:
        rows.append(_joules(run, f"{x.device}, published: {x.caveat}", x.joules))
    return rows


def _joules(run: RunEntry, device: str, joules: float) -> dict[str, object]:
    paper, ann = run.paper.energy_j, run.ann
    row = {"estimate": BY_SENSOR, "profile": device, "energy_uj": joules * UJ}
    over = {} if isinstance(ann, UnavailableEntry) else {n: x.energy_j for n, x in ann.items()}
    ratios = {name: joules / energy_j for name, energy_j in over.items() if energy_j}
    return {**row, **ratios, "ratio": joules / paper if paper else None}


def _uj(joules: float | None) -> float | None:
    return None if joules is None else joules * UJ


def side_by_side(comparison: Comparison) -> tuple[list[Row], list[Column]]:
    """A row a quantity and estimate, a column a run; energies in microjoules a sample."""
    columns = [Column("quantity")]
    rows: dict[str, dict[str, object]] = {}
    for number, run in enumerate(comparison.runs):
        key = f"run {number + 1}"
        columns.append(Column(key, f"{Path(run.network).name} ({run.backend})"))
        for name, value in _side(run).items():
            rows.setdefault(name, {"quantity": name})[key] = value
    return list(rows.values()), columns


def _side(run: RunEntry) -> dict[str, object]:
    """One run's column: operations and energies a sample."""
    totals, n = run.record.totals, run.samples
    side: dict[str, object] = {
        "steps": run.steps,
        "dense_macs": totals.dense_macs * run.steps,
        "paper_sops": totals.paper_sops / n,
        "synaptic_events": totals.synaptic_events / n,
        "synaptic_events_stored": totals.synaptic_events_stored / n,
        "neuron_updates": totals.neuron_updates / n,
        "accuracy": run.record.accuracy,
    }
    for row in energy_rows(run):
        name = str(row["estimate"])
        if name != THEORETICAL:
            if row.get("energy_uj") is None:
                continue
            name = f"{name}, {row['profile']}"
        side[f"{name} [uJ]"] = row.get("energy_uj")
    return side


def write_comparison(comparison: Comparison, file: TextIO) -> None:
    """Write all tables of a comparison; several runs also side by side."""
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

    if len(comparison.runs) > 1:
        file.write("\nSide by side, a sample\n")
        render(*side_by_side(comparison), file)


def notes(run: RunEntry) -> list[str]:
    """What a reader must know beside the numbers, one line each."""
    lines = []
    if run.record.totals.coverage < 1:
        lines.append(f"Counted: {run.record.totals.coverage:.1%} of the synapses.")
    for name, entry in run.profiles.items():
        for point in entry.calibrated_on:
            lines.append(f"{name} is calibrated on {point}: agreement there validates nothing.")
    return [*lines, *_counter_notes(run)]


def _counter_notes(run: RunEntry) -> list[str]:
    """The chip's own counters beside what the execution counted, a sample."""
    if run.counters is None:
        return []
    totals, lines = run.record.totals, []
    for name, here in (
        ("syn_ops", totals.synaptic_events_stored),
        ("dendrite_updates", totals.neuron_updates),
    ):
        chip, ours = getattr(run.counters, name), here / run.samples
        ratio = f"{chip / ours:.3f} times" if ours else "not comparable with"
        lines.append(
            f"The chip counted {chip:.0f} {name} a sample on {run.counters.cores} cores, {ratio} "
            f"the {ours:.0f} counted here."
        )
    return lines
