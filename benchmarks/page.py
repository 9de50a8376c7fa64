"""The page of the benchmarks: Markdown from sections."""

from __future__ import annotations

from typing import Any

from measuring import Cell, Group, Section

INTRO = """# Benchmarks

Made by `uv run python benchmarks/table.py`; `benchmarks/README.md` says how. Contestants of a table
or a curve's point run in turn, round by round, in one run on one machine. A ratio is taken within
each round; medians stand here, smallest and largest in brackets. `benchmarks.json` beside this page
has every number. A row that could not be measured says why.
"""
BUSY_LOAD = 0.5
BUSY_NOTE = (
    "**The machine was busy when this began: rows on several threads waited for it. "
    "Measure again.**\n\n"
)
QUICK_NOTE = "**A quick run: small sizes and few rounds. Do not quote it.**\n"


def number(value: float) -> str:
    """Three significant digits, without an exponent where plain digits are short."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 0.001 <= abs(value) < 1e6:
        digits = max(0, 3 - len(str(int(abs(value)))))
        return f"{value:.{digits}f}" if abs(value) >= 1 else f"{value:.3g}"
    return f"{value:.2e}"


def with_spread(cell: Cell) -> str:
    """A median and its spread; one round has none."""
    if len(cell.values) == 1:
        return number(cell.median)
    low, high = (number(v) for v in cell.spread)
    return f"{number(cell.median)} ({low}-{high})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def ratio(group: Group, name: str) -> str:
    """A contestant's ratio to the base, as a cell."""
    found = group.ratio(name)
    if found is None:
        return "" if group.cells[name].values else "unavailable"
    return "1" if name == group.base else with_spread(found)


def facts_of(group: Group) -> str:
    """A group's own numbers in words."""
    plain = {k: v for k, v in group.facts.items() if isinstance(v, int | float)}
    said = [f"{k.replace('_', ' ')} {v if v < 1e5 else number(v)}" for k, v in plain.items()]
    return ", ".join(said)


BUILD, SAME = "build_s", "equal"


def _row(group: Group, name: str, extra: list[str]) -> list[str]:
    cell = group.cells[name]
    if not cell.values:
        return [name, f"unavailable, because {cell.unavailable}", "", *[""] * len(extra)]
    facts = {
        BUILD: lambda: number(cell.facts[BUILD]) if BUILD in cell.facts else "",
        SAME: lambda: {True: "same", False: "DIFFERS"}.get(cell.facts.get(SAME), ""),
    }
    return [name, with_spread(cell), ratio(group, name), *(facts[key]() for key in extra)]


def group_table(group: Group) -> str:
    """One group, a row for each contestant."""
    known = {key for cell in group.cells.values() for key in cell.facts}
    extra = [key for key in (BUILD, SAME) if key in known]
    names = {BUILD: "build, s", SAME: f"against {group.base}"}
    head = ["", group.unit, f"ratio to {group.base}", *(names[key] for key in extra)]
    facts = facts_of(group)
    title = f"**{group.name}**" + (f" ({facts})" if facts else "")
    return f"{title}\n\n" + table(head, [_row(group, name, extra) for name in group.cells])


def curve_table(section: Section) -> str:
    """A row for each point: the base's value, and the others as ratios to it."""
    base = section.groups[0].base
    others = list(dict.fromkeys(n for g in section.groups for n in g.cells if n != base))
    unit = section.groups[0].unit
    head = [section.x_label, f"{base}, {unit}", *(f"{n} / {base}" for n in others)]
    rows = []
    for group in section.groups:
        own = group.cells[base]
        first = with_spread(own) if own.values else f"unavailable, because {own.unavailable}"
        cells = [ratio(group, n) if n in group.cells else "not run" for n in others]
        rows.append([number(group.x or 0), first, *cells])
    return table(head, rows) + _reasons(section)


def _reasons(section: Section) -> str:
    """Why points of a curve are missing, once each."""
    missing = {
        f"{name}, because {cell.unavailable}"
        for group in section.groups
        for name, cell in group.cells.items()
        if not cell.values
    }
    return "".join(f"\nUnavailable: {line}.\n" for line in sorted(missing))


def section_text(section: Section, figures: dict[str, str]) -> str:
    """One section of the page."""
    parts = [f"## {section.title}\n", f"{section.text}\n"]
    if section.unavailable:
        return "\n".join([*parts, f"unavailable, because {section.unavailable}\n"])
    if section.key in figures:
        parts.append(f"![{section.title}]({figures[section.key]})\n")
    if section.x_label:
        parts.append(curve_table(section))
    else:
        parts += [group_table(group) for group in section.groups]
    return "\n".join(parts)


def machine_text(machine: dict[str, Any]) -> str:
    """What it was measured on."""
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    busy = machine["load_at_start"] > BUSY_LOAD
    return (
        "## Measured on\n\n"
        f"{BUSY_NOTE if busy else ''}"
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB of memory; "
        f"CUDA GPU: {machine['gpu']}; load when it began {machine['load_at_start']}. {versions}.\n"
    )


def page(
    machine: dict[str, Any], sections: list[Section], figures: dict[str, str], quick: bool
) -> str:
    """The whole page."""
    parts = [INTRO, QUICK_NOTE] if quick else [INTRO]
    parts += [section_text(section, figures) for section in sections]
    return "\n".join([*parts, machine_text(machine)])
