"""Timing in turn: every round runs each contestant once, and ratios are taken within a round."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from spikewatt.commands.bench.turns import BURST_S, burst, turns

Measure = Callable[[], float]  # runs once; the seconds (or other quantity) to be compared


@dataclass(frozen=True)
class Cell:
    """One contestant: a value a round, or why there is none."""

    values: tuple[float, ...] = ()
    unavailable: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest."""
        return min(self.values), max(self.values)

    def over(self, base: Cell) -> Cell:
        """Ratios to another, round by round."""
        pairs = zip(self.values, base.values, strict=False)
        return Cell(tuple(a / b for a, b in pairs))


@dataclass(frozen=True)
class Group:
    """Contestants that were measured in turn on the same work.

    base: whose value the others are divided by. x: where on a curve's axis the group stands.
    """

    name: str
    base: str
    unit: str
    cells: Mapping[str, Cell]
    facts: Mapping[str, Any] = field(default_factory=dict)
    x: float | None = None

    def ratio(self, name: str) -> Cell | None:
        """A contestant's value over the base's, or None where one of them is unavailable."""
        cell, base = self.cells[name], self.cells.get(self.base, Cell())
        return cell.over(base) if cell.values and base.values else None

    def to_dict(self) -> dict[str, Any]:
        """Every number, for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "base": self.base,
            "x": self.x,
            "facts": dict(self.facts),
            "cells": {name: self._cell(name) for name in self.cells},
        }

    def _cell(self, name: str) -> dict[str, Any]:
        cell, ratio = self.cells[name], self.ratio(name)
        if not cell.values:
            return {"unavailable": cell.unavailable}
        found = {"median": cell.median, "spread": cell.spread, "values": cell.values}
        if ratio is not None:
            found |= {"ratio_to_base": ratio.median, "ratio_spread": ratio.spread}
        return found | {"facts": dict(cell.facts)}


def reason(error: BaseException) -> str:
    """An error in one line, without the machine's paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1] if lines else type(error).__name__
    said = re.sub(r"(?:/[\w.+-]+)+/([\w.+-]+)", r"\1", said)
    return said if len(said) <= 200 else f"{said[:197]}..."


def attempt(measure: Measure, burst_s: float = 0.0) -> Cell:
    """One value, or the reason why there is none: one row must not end the whole table."""
    try:
        return Cell((burst(measure, burst_s),))
    except Exception as error:
        return Cell(unavailable=reason(error))


def guarded(group: Group, make: Callable[[], Group]) -> Group:
    """What `make` gives; where that fails, the given group's name with the reason."""
    try:
        return make()
    except Exception as error:
        return replace(group, cells={group.base: Cell(unavailable=reason(error))})


def in_turn(
    contestants: Mapping[str, Measure], rounds: int, budget_s: float, burst_s: float = BURST_S
) -> dict[str, Cell]:
    """Rounds in which each has a turn of a burst, at least one, until the budget is spent.

    One that fails is not asked again.
    """
    values: dict[str, list[float]] = {name: [] for name in contestants}
    failed: dict[str, str] = {}
    begun = perf_counter()
    for done, order in enumerate(turns(list(contestants), rounds)):
        spent = perf_counter() - begun
        if done and spent * (done + 1) / done > budget_s:
            break
        for name in order:
            if name not in failed:
                cell = attempt(contestants[name], burst_s)
                values[name] += cell.values
                if cell.unavailable:
                    failed[name] = cell.unavailable
    return {name: Cell(tuple(v), failed.get(name, "")) for name, v in values.items()}


@dataclass(frozen=True)
class Section:
    """A part of the page: a table of groups, or a curve over their x where `x_label` says so."""

    key: str
    title: str
    text: str
    groups: tuple[Group, ...]
    x_label: str = ""
    unavailable: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Every number, for JSON."""
        if self.unavailable:
            return {"title": self.title, "unavailable": self.unavailable}
        groups = [g.to_dict() for g in self.groups]
        return {"title": self.title, "text": self.text, "x_label": self.x_label, "groups": groups}


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds at most, seconds for a group, and whether sizes are small."""

    rounds: int = 5
    budget_s: float = 45.0
    quick: bool = False

    def sizes(self, full: tuple[int, ...], quick: tuple[int, ...]) -> tuple[int, ...]:
        """The points of a curve."""
        return quick if self.quick else full


QUICK = Effort(rounds=2, budget_s=5.0, quick=True)
FULL = Effort()
