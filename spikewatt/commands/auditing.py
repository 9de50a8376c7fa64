"""audit: published energies, or a user's own claim, done again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from spikewatt.energy.audit import OwnClaim, Row, audit_claim, audit_paper, audit_papers
from spikewatt.energy.audit.figures import NOT
from spikewatt.report.tables import Column, plain, render
from spikewatt.report.writing import write_text

_COLUMNS = ("#", "paper", "table", "row", "claimed", "computed", "verdict")
_UNITS = {
    "macs_g": "G MAC",
    "macs_low_g": "G MAC",
    "macs_high_g": "G MAC",
    "macs_as_authors_g": "G MAC as the authors count",
    "sops_g": "G SOP",
    "sops_as_authors_g": "G SOP as the authors count",
    "updates_g": "G neuron updates",
    "energy_mj": "mJ",
    "ratio": "x claimed / computed",
    "share_percent": "%",
    "accuracy_percent": "%",
    "rate_needed_percent": "% rate needed",
}


def run_audit(
    paper: str | None, claim: OwnClaim | None, json_path: Path | None, file: TextIO
) -> None:
    """Audit a user's claim, one paper, or (with neither) every paper; write table and JSON.

    Raises SpikewattError for an unknown paper and for a claim without counts.
    """
    if claim is not None:
        rows = audit_claim(claim)
    else:
        rows = audit_paper(paper) if paper is not None else audit_papers()
    if json_path is not None:
        write_text(json_path, json.dumps({"rows": [asdict(r) for r in rows]}, indent=1) + "\n")
    table = [_cells(number, row) for number, row in enumerate(rows, 1)]
    render(table, [Column(name) for name in _COLUMNS], file)
    file.write("\n")
    for number, row in enumerate(rows, 1):
        file.write(f"{number}: {row.why}\n")
    file.write(f"\n{_summary(rows, claim)}\n")


def _cells(number: int, row: Row) -> dict[str, object]:
    return {
        "#": number,
        "paper": row.paper,
        "table": row.table,
        "row": row.row,
        "claimed": _text(row.claimed),
        "computed": _text(row.computed),
        "verdict": row.verdict,
    }


def _text(values: Mapping[str, float | str]) -> str:
    """Numbers with their units, in the order of the row; names of conventions are left out."""
    parts = [f"{plain(v)} {_UNITS[key]}" for key, v in values.items() if key in _UNITS]
    return ", ".join(parts) or "-"


def _summary(rows: Sequence[Row], claim: OwnClaim | None) -> str:
    """How many rows got each verdict; for a claim, the conventions that it follows."""
    if claim is None:
        verdicts = [row.verdict for row in rows]
        counts = [f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)]
        return f"{len(rows)} rows: {', '.join(counts)}"
    fits = [f"{row.row} ({row.verdict})" for row in rows if row.verdict != NOT]
    return f"follows: {'; '.join(fits)}" if fits else "follows none of the conventions tried"
