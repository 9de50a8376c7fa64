"""The auditor's rows: a claim, what its numbers give, a verdict, and why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from spikewatt.energy.audit.checks import CHECKS
from spikewatt.energy.audit.claims import PAPERS, load_paper
from spikewatt.energy.audit.figures import printed


@dataclass(frozen=True)
class Row:
    """One audited claim; numbers are in the units that their names end in (g: 1e9)."""

    paper: str
    table: str
    row: str
    claimed: dict[str, float]
    computed: dict[str, float | str]
    verdict: str
    why: str


def audit_papers() -> list[Row]:
    """Every row of every paper."""
    return [row for name in PAPERS for row in audit_paper(name)]


def audit_paper(name: str) -> list[Row]:
    """Every row of one paper; SpikewattError where it is unknown."""
    paper = load_paper(name)
    rows = []
    for claim in paper.rows:
        outcome = CHECKS[claim.check](claim, paper)
        why = f"{outcome.why} {claim.note}".strip()
        claimed = {key: float(printed(text).value) for key, text in claim.claimed.items()}
        computed = numbers(outcome.computed)
        rows.append(
            Row(paper.name, claim.table, claim.row, claimed, computed, outcome.verdict, why)
        )
    return rows


def numbers(computed: dict[str, Decimal | str]) -> dict[str, float | str]:
    """Computed values for JSON and tables."""
    return {k: v if isinstance(v, str) else float(v) for k, v in computed.items()}
