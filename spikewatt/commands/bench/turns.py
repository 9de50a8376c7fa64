"""Who goes when: every round has a turn for each, and nobody is always first."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

BURST_S = 0.1


def turns(contestants: Sequence[T], rounds: int) -> Iterator[list[T]]:
    """The order of each round; the next begins with the second of the last."""
    for done in range(rounds):
        first = done % len(contestants) if contestants else 0
        yield [*contestants[first:], *contestants[:first]]


def burst(measure: Callable[[], float], seconds: float = BURST_S) -> float:
    """The median of short runs that follow one another for some time; a long run is alone."""
    begun, found = perf_counter(), [measure()]
    while perf_counter() - begun < seconds:
        found.append(measure())
    return statistics.median(found)
