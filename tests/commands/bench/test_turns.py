"""Rounds in turn."""

from __future__ import annotations

from spikewatt.commands.bench.turns import burst, turns


def test_nobody_is_always_first() -> None:
    assert list(turns("abc", 4)) == [list("abc"), list("bca"), list("cab"), list("abc")]
    assert list(turns("", 2)) == [[], []]


def test_a_burst_is_the_median_of_short_runs() -> None:
    values = iter([100.0] + [1.0] * 10**7)
    assert burst(lambda: next(values), 0.01) == 1.0
    assert burst(lambda: 5.0, 0.0) == 5.0
