"""Writes the tables of docs/validation.md between its markers.

uv run python benchmarks/validation/validation_table.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

import peer  # noqa: E402
import points  # noqa: E402

PAGE = ROOT / "docs" / "validation.md"


def rows(cells: Iterable[Iterable[str]]) -> str:
    """Lines of a Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def measured() -> str:
    """Chips' measurements and the model."""
    head = ["point", "role", "published", "model", "in its band?", "remarks"]
    found = [[p.what, p.role, p.published, p.model, p.verdict, p.why] for p in points.points()]
    return rows([head, ["---"] * len(head), *found])


def sanafe() -> str:
    """SANA-FE and spikewatt, or why SANA-FE did not run."""
    found = peer.compare()
    if isinstance(found, str):
        return f"SANA-FE {peer.VERSION} could not run here: {found}."
    head = ["network", "quantity", "SANA-FE", "spikewatt, loihi1_sanafe"]
    lines: list[list[str]] = []
    for b in found:
        lines.append([b.name, "spikes of neurons", *map(str, b.spikes)])
        lines.append(["", "events, weights of 0 connected", str(b.events[0]), ""])
        lines.append(["", "events, weights of 0 left out", *map(str, b.events[1:])])
        lines.append(["", "energy, weights of 0 connected", *(f"{e:.1f} pJ" for e in b.total_pj)])
        for cause, pj in b.explained_pj.items():
            lines.append(["", f"difference by {cause}", difference(pj), ""])
        lines.append(["", "difference not explained", difference(b.unexplained_pj), ""])
    return rows([head, ["---"] * len(head), *lines])


def difference(pj: float) -> str:
    """A difference with its sign; 0 without."""
    return f"{pj:+.1f} pJ" if abs(pj) >= 0.05 else "0"


def between(text: str, name: str, content: str) -> str:
    """The page with new content between the markers of this name."""
    start, stop = (
        f"<!-- {name}: made by benchmarks/validation/validation_table.py -->",
        f"<!-- end {name} -->",
    )
    before, rest = text.split(start)
    return f"{before}{start}\n\n{content}\n\n{stop}{rest.split(stop)[1]}"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    page = between(page, "measured", measured())
    PAGE.write_text(between(page, "sanafe", sanafe()), encoding="utf-8")
