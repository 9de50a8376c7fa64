"""Tables: plain text on a pipe, ruled on a terminal, never cut."""

import io
import re

import numpy as np
import pytest

from spikewatt.hardware_profiles import load, names
from spikewatt.report.compare import compare
from spikewatt.report.comparison_tables import LAYER_COLUMNS, layer_rows, write_comparison
from spikewatt.report.tables import Column, grouped, plain, render


class Terminal(io.StringIO):
    """A text file that says it is a terminal."""

    def isatty(self):
        return True


ROWS = [
    {"name": "a [b] c", "count": 12345678901, "share": 2.26056e-06},
    {"name": "x" * 300, "count": None, "share": 0.5},
]
COLUMNS = [Column("name"), Column("count", "how many"), Column("share")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "True"),
        (0, "0"),
        (12345678901, "12345678901"),
        (np.int64(7), "7"),
        (0.0, "0"),
        (0.5, "0.5"),
        (2.26056e-06, "0.00000226056"),
        (1 / 3, "0.333333"),
        (123456789.4, "123456789"),
        (99999.95, "99999.9"),
        (float("nan"), "nan"),
        ("1e5", "1e5"),
    ],
)
def test_numbers_are_plain_digits(value, text):
    assert plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1234567, "1,234,567"), (1234.5, "1,234.5"), (0.1, "0.1"), (None, "-")]
)
def test_people_get_groups(value, text):
    assert grouped(value) == text


def test_a_pipe_gets_plain_whole_text(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    file = io.StringIO()
    render(ROWS, COLUMNS, file)
    lines = file.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].split("  ")[0] == "name"
    assert "12345678901" in lines[1]
    assert lines[1].startswith("a [b] c")
    assert "x" * 300 in lines[2]
    assert "\x1b" not in file.getvalue()
    assert file.getvalue().isascii()


def test_columns_line_up():
    file = io.StringIO()
    render(ROWS[:1] * 2, COLUMNS, file)
    assert len({len(line) for line in file.getvalue().splitlines()}) == 1


def test_a_terminal_gets_rules_and_groups(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()
    render(ROWS[:1], COLUMNS, file)
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert "12,345,678,901" in text
    assert "a [b] c" in text
    assert "\N{BOX DRAWINGS LIGHT HORIZONTAL}" in text


def test_what_does_not_fit_a_terminal_is_not_cut(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    file = Terminal()
    render(ROWS, COLUMNS, file)
    assert "x" * 300 in file.getvalue()


def test_an_empty_table_has_its_headings():
    file = io.StringIO()
    render([], COLUMNS, file)
    assert file.getvalue() == "name  how many  share\n"


def test_comparison_as_text(record):
    file = io.StringIO()
    write_comparison(compare([record], [load(name) for name in names()]), file)
    text = file.getvalue()
    for column in ("theoretical", "from measured events", "measured (sensor)"):
        assert column in text
    assert all(name in text for name in names())
    assert "calibrated on PilotNet" in text
    assert str(record.totals.synaptic_events) in text
    assert not re.search(r"\d[eE][-+]?\d", text)


def test_layer_table_ends_with_the_sum(record):
    [run] = compare([record], []).runs
    rows = layer_rows(run)
    assert [row["layer"] for row in rows] == [1, 2, 3, "all"]
    for key in ("dense_macs", "paper_sops", "synaptic_events", "synaptic_events_stored"):
        assert rows[-1][key] == sum(row[key] for row in rows[:-1])
    assert rows[0]["ratio"] == record.layers[0].synaptic_events / record.layers[0].paper_sops
    assert {c.key for c in LAYER_COLUMNS} >= {"dense_macs", "paper_sops", "synaptic_events"}
