"""What papers print, as data: one TOML file a paper, every row with its source."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from spikewatt.energy.audit.figures import Figure, printed
from spikewatt.errors import unknown_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = Path(__file__).parent
PAPERS = {"mk-sgn": "mk_sgn.toml", "svformer": "svformer.toml"}


@dataclass(frozen=True)
class Claim:
    """One row: what is printed, what else is known of it, and the check that applies.

    claimed: printed numbers, with their digits. given: cited numbers that the check needs.
    """

    table: str
    row: str
    check: str
    source: str
    claimed: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def figure(self, name: str) -> Figure | None:
        """A printed number, where there is one."""
        return printed(self.claimed[name], name) if name in self.claimed else None

    def known(self, name: str) -> Figure:
        """A cited number that the check needs."""
        return printed(self.given[name], name)


@dataclass(frozen=True)
class Paper:
    """A paper's claims; rates: firing rates in percent that its authors published."""

    name: str
    title: str
    rows: tuple[Claim, ...]
    rates: dict[str, str] = field(default_factory=dict)
    rates_source: str = ""


@lru_cache(maxsize=8)
def load_paper(name: str) -> Paper:
    """A paper's claims by its name; SpikewattError where it is unknown."""
    key = name.lower().replace("_", "-")
    if key not in PAPERS:
        raise unknown_name("paper", name, list(PAPERS))
    table = tomllib.loads((_FOLDER / PAPERS[key]).read_text(encoding="utf-8"))
    rows = tuple(Claim(**row) for row in table.pop("rows"))
    return Paper(rows=rows, **table)
