"""The comparison as JSON, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from spikewatt.report.comparison import (
    BASELINE,
    BY_SENSOR,
    FROM_EVENTS,
    PASSES,
    THEORETICAL,
    Comparison,
    MeasuredEntry,
    RunEntry,
    TermEntry,
    UnavailableEntry,
)
from spikewatt.report.comparison_tables import (
    ENERGY_COLUMNS,
    LAYER_COLUMNS,
    energy_rows,
    layer_rows,
    side_by_side,
)
from spikewatt.report.tables import Column, Row, plain
from spikewatt.report.writing import write_text

CSV_COLUMNS = (
    "network",
    "backend",
    "samples",
    "steps",
    "layer",
    "estimate",
    "profile",
    "quantity",
    "value",
    "low",
    "high",
    "unit",
    "kind",
    "source",
)
_COUNTS = (
    "dense_macs",
    "paper_sops",
    "synaptic_events",
    "synaptic_events_stored",
    "neuron_updates",
    "spikes_out",
)


def write_json(comparison: Comparison, path: str | Path) -> None:
    """Write the comparison as JSON; energies in joules a sample."""
    write_text(path, comparison.model_dump_json(indent=1) + "\n")


def write_csv(comparison: Comparison, path: str | Path) -> None:
    """Write one line a number: whose it is, what it is, value, band, unit, kind, source."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for run in comparison.runs:
        head = {"network": run.network, "backend": run.backend}
        head |= {"samples": str(run.samples), "steps": str(run.steps)}
        for row in (*_count_lines(run), *_energy_lines(run)):
            writer.writerow(head | {k: "" if v is None else v for k, v in row.items()})
    write_text(path, buffer.getvalue())


def _count_lines(run: RunEntry) -> Iterator[Row]:
    """Counts of each layer and of the network, over all samples (dense MACs a step)."""
    layers = [(str(x.index), x.model_dump()) for x in run.record.layers]
    for name, counts in [*layers, ("all", run.record.totals.model_dump())]:
        for quantity in _COUNTS:
            kind = "theoretical" if quantity in ("dense_macs", "paper_sops") else "counted"
            line = {"layer": name, "quantity": quantity, "value": counts[quantity]}
            yield line | {"unit": "operations", "kind": kind}


def _energy_lines(run: RunEntry) -> Iterator[Row]:
    paper = {"estimate": THEORETICAL, "layer": "all", "quantity": "energy", "unit": "J"}
    yield paper | {"value": run.paper.energy_j, "source": "4.6 pJ x MAC + 0.9 pJ x SOP"}
    for name, entry in run.profiles.items():
        head = {"estimate": FROM_EVENTS, "layer": "all", "profile": name, "unit": "J"}
        low, high = entry.dynamic_band_j or (None, None)
        dynamic = {"quantity": "dynamic", "value": entry.dynamic_j, "low": low, "high": high}
        yield {**head, **dynamic}
        yield {**head, "quantity": "static", "value": entry.static_j}
        yield {**head, "quantity": "total", "value": entry.total_j}
        yield from _term_lines(entry.terms, head)
    yield from _ann_lines(run)
    sensor = {"estimate": BY_SENSOR, "layer": "all", "quantity": "energy", "unit": "J"}
    if isinstance(run.measured, MeasuredEntry):
        source = f"{run.measured.device}, {run.measured.method}"
        yield {**sensor, "value": run.measured.joules, "kind": "measured", "source": source}
    else:
        yield {**sensor, "source": f"unavailable: {run.measured.unavailable}"}
    for x in run.published:
        source = f"{x.source} ({x.caveat})"
        line = {"profile": x.device, "quantity": "published", "value": x.joules, "source": source}
        yield {**sensor, **line, "kind": "measured"}


def _term_lines(terms: Mapping[str, TermEntry], head: Row) -> Iterator[Row]:
    for name, t in terms.items():
        band = {"value": t.energy_j, "low": t.band_j[0], "high": t.band_j[1]}
        yield {**head, "quantity": name, "kind": t.kind, "source": t.source, **band}


def _ann_lines(run: RunEntry) -> Iterator[Row]:
    head = {"estimate": BASELINE, "layer": "all", "unit": "J"}
    if isinstance(run.ann, UnavailableEntry):
        yield {**head, "quantity": "dynamic", "source": f"unavailable: {run.ann.unavailable}"}
        return
    for name, x in run.ann.items():
        head["profile"] = PASSES[name]
        band = {"value": x.energy_j, "low": x.band_j[0], "high": x.band_j[1]}
        yield {**head, "quantity": "dynamic", **band}
        yield from _term_lines(x.terms, head)


_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def tex(text: str) -> str:
    """Text with LaTeX's own characters escaped."""
    return "".join(_TEX.get(character, character) for character in text)


def write_latex(comparison: Comparison, path: str | Path) -> None:
    """Write two booktabs tables a run, operations by layer and energies; several runs in one."""
    parts = ["% needs \\usepackage{booktabs}\n"]
    for run in comparison.runs:
        where = f"{Path(run.network).name} on {run.backend}, {run.samples} samples"
        where += f" of {run.steps} steps"
        parts.append(_tabular(layer_rows(run), LAYER_COLUMNS, f"Operations of {where}."))
        rows = energy_rows(run)
        parts.append(_tabular(rows, ENERGY_COLUMNS, f"Energy a sample in uJ, {where}."))
    if len(comparison.runs) > 1:
        parts.append(_tabular(*side_by_side(comparison), "Runs side by side, a sample."))
    write_text(path, "\n".join(parts))


def _tabular(rows: Sequence[Row], columns: Sequence[Column], caption: str) -> str:
    words = [any(isinstance(row.get(c.key), str) for row in rows) for c in columns]
    lines = [
        r"\begin{table}",
        rf"\caption{{{tex(caption)}}}",
        rf"\begin{{tabular}}{{{''.join('l' if w else 'r' for w in words)}}}",
        r"\toprule",
        " & ".join(tex(c.title) for c in columns) + r" \\",
        r"\midrule",
        *(" & ".join(tex(plain(row.get(c.key))) for c in columns) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)
