"""Measure everything and write the page, its JSON and its figures.

    uv run python benchmarks/table.py [--out DIR] [--quick] [--only SECTION,...]

Without --out: docs/benchmarks.md, docs/benchmarks.json and docs/figures/benchmarks-*.svg; with it
all of them in DIR. Under ten minutes on two idle cores, --quick under two. The table goes to
stdout, progress to stderr. What cannot be measured says so in its row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import counting_cost  # noqa: E402
import curves  # noqa: E402
import engines  # noqa: E402
import figures  # noqa: E402
import machine  # noqa: E402
import neurons  # noqa: E402
import page  # noqa: E402
from measuring import FULL, QUICK, Effort, Section, reason  # noqa: E402

DOCS = HERE.parent / "docs"
PARTS: dict[str, Callable[[Effort], Section]] = {
    "engines": engines.section,
    **curves.SECTIONS,
    "counting": counting_cost.section,
    "test_set": counting_cost.test_set_section,
    "neurons": neurons.section,
}


def measured(name: str, effort: Effort) -> Section:
    """One section; where it fails as a whole, it says why."""
    begun = perf_counter()
    sys.stderr.write(f"{name} ... ")
    sys.stderr.flush()
    try:
        found = PARTS[name](effort)
    except Exception as error:
        found = Section(name, name.capitalize(), "", (), unavailable=reason(error))
    sys.stderr.write(f"{perf_counter() - begun:.0f} s\n")
    return found


def write(out: Path | None, effort: Effort, names: list[str]) -> str:
    """Measure, write all files, return the page."""
    on = machine.describe()
    sections = [measured(name, effort) for name in names]
    folder = out or DOCS
    folder.mkdir(parents=True, exist_ok=True)
    into = folder if out else folder / "figures"
    drawn = figures.draw(sections, into)
    links = {key: (into / name).relative_to(folder).as_posix() for key, name in drawn.items()}
    text = page.page(on, sections, links, effort.quick)
    found = {
        "schema": 1,
        "quick": effort.quick,
        "machine": on,
        "sections": {section.key: section.to_dict() for section in sections},
    }
    (folder / "benchmarks.md").write_text(text, encoding="utf-8")
    (folder / "benchmarks.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return text


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write everything here instead of docs/")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of: {', '.join(PARTS)}")
    given = parser.parse_args(arguments)
    names = given.only.split(",")
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are {', '.join(PARTS)}")
    sys.stdout.write(write(given.out, QUICK if given.quick else FULL, names))


if __name__ == "__main__":
    main()
