"""One small table renderer for all commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO, TypeAlias

import numpy as np

Row: TypeAlias = Mapping[str, object]

DIGITS = 6  # significant digits of fractions


@dataclass(frozen=True)
class Column:
    """A column: the rows' key, and the heading (the key where there is none)."""

    key: str
    heading: str = ""

    @property
    def title(self) -> str:
        """What stands above the column."""
        return self.heading or self.key


def plain(value: object) -> str:
    """A value as plain digits: no exponent, no separators; `-` where there is none."""
    if value is None:
        return "-"
    if not isinstance(value, float | np.floating) or not np.isfinite(value):
        return str(value)
    # Whole digits are never rounded away; DIGITS only limits what comes after the point.
    if abs(value) >= 10 ** (DIGITS - 1):
        return str(round(value))
    text = np.format_float_positional(value, DIGITS, unique=False, fractional=False, trim="-")
    return str(text)


def grouped(value: object) -> str:
    """As `plain`, with thousands set apart for people."""
    text = plain(value)
    whole, point, fraction = text.partition(".")
    if isinstance(value, str) or not whole.isdigit():
        return text
    return f"{int(whole):,}{point}{fraction}"


def render(rows: Sequence[Row], columns: Sequence[Column], file: TextIO) -> None:
    """Write a table: with rules and grouped digits on a terminal, plain text elsewhere.

    Nothing is cut or wrapped; a table wider than the terminal is written as plain text.
    """
    if file.isatty() and _render_rich(rows, columns, file):
        return
    file.write(plain_text(rows, columns))


def plain_text(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """The table as lines of text, two spaces between columns, numbers to the right."""
    titles = [c.title for c in columns]
    cells = [[plain(row.get(c.key)) for c in columns] for row in rows]
    right = [_numeric(rows, c) for c in columns]
    widths = [max(len(r[i]) for r in (titles, *cells)) for i in range(len(columns))]
    lines = []
    for line in (titles, *cells):
        parts = zip(line, widths, right, strict=True)
        lines.append("  ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in parts).rstrip())
    return "\n".join(lines) + "\n"


def _numeric(rows: Sequence[Row], column: Column) -> bool:
    values = [row.get(column.key) for row in rows]
    known = [v for v in values if v is not None]
    return bool(known) and all(isinstance(v, int | float | np.number) for v in known)


def _render_rich(rows: Sequence[Row], columns: Sequence[Column], file: TextIO) -> bool:
    """Draw on a terminal; False where the table does not fit."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(file=file, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for c in columns:
        justify = "right" if _numeric(rows, c) else "left"
        table.add_column(c.title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(grouped(row.get(c.key)).replace("[", r"\[") for c in columns))
    endless = console.options.update(width=1_000_000)
    if console.measure(table, options=endless).maximum > console.width:
        return False
    console.print(table)
    return True
