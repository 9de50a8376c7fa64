"""The benchmarks' scripts: they import, take turns as they say, and run on small sizes."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = [path.stem for path in FOLDER.glob("*.py") if path.stem != "stock_lava_side"]


@pytest.fixture
def script(monkeypatch):
    """Imports a script, which finds its neighbours as scripts do, and forgets all of them."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in SCRIPTS:
            del sys.modules[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_import(script, name):
    assert script(name).__doc__


def test_ratios_are_taken_within_a_round(script):
    measuring = script("measuring")
    speeds, turns = iter([1.0, 10.0]), []

    def first():
        turns.append("first")
        first.now = next(speeds)
        return first.now

    def second():
        turns.append("second")
        return 3 * (10.0 if len(turns) == 3 else first.now)

    cells = measuring.in_turn({"first": first, "second": second}, 2, 60.0, burst_s=0)
    group = measuring.Group("", "first", "s", cells)
    assert turns == ["first", "second", "second", "first"]
    assert group.ratio("second").values == (3.0, 3.0)
    assert group.ratio("second").spread == (3.0, 3.0)


def test_a_row_that_fails_says_why_and_stops_nothing(script):
    measuring, page = script("measuring"), script("page")

    def broken():
        raise OSError("cannot open /somewhere/deep/file.net")

    cells = measuring.in_turn({"good": lambda: 2.0, "broken": broken}, 3, 60.0)
    assert cells["good"].values == (2.0,) * 3
    assert cells["broken"].unavailable == "cannot open file.net"
    group = measuring.Group("a group", "good", "ms", cells)
    assert "unavailable, because cannot open file.net" in page.group_table(group)
    assert group.to_dict()["cells"]["broken"] == {"unavailable": "cannot open file.net"}
    lost = measuring.guarded(group, broken)
    assert "unavailable, because cannot open file.net" in page.group_table(lost)


def test_a_turn_of_short_runs_is_their_median(script):
    values = iter([100.0] + [1.0] * 10**7)
    cells = script("measuring").in_turn({"short": lambda: next(values)}, 1, 60.0, burst_s=0.01)
    assert cells["short"].values == (1.0,)


def test_rounds_end_when_the_time_is_spent(script):
    import time

    measuring = script("measuring")
    cells = measuring.in_turn({"slow": lambda: time.sleep(0.02) or 1.0}, 50, 0.05, burst_s=0)
    assert 1 <= len(cells["slow"].values) < 10


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (4096, "4096"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (1234.5, "1234"),
        (0.01234, "0.0123"),
        (1.2e-5, "1.20e-05"),
    ],
)
def test_numbers(script, value, said):
    assert script("page").number(value) == said


def test_synthetic_layers_of_all_widths_fire_alike(script):
    from spikewatt.lava_runtime.native import NativeEngine

    for neurons in (64, 1024):
        request = script("workloads").Synthetic(neurons, steps=64).request()
        for layer in NativeEngine().run(request).counts.layers:
            assert 0.02 < layer.spikes_out.sum() / layer.neuron_updates < 0.1


def test_counting_taken_out_counts_nothing(script):
    from spikewatt.lava_runtime.native import NativeEngine

    request = script("workloads").Synthetic(64, steps=8).request()
    with script("counting_cost").without_counting():
        taken_out = NativeEngine().run(request).counts
    counts = NativeEngine().run(request).counts
    assert not sum(layer.synaptic_events.sum() for layer in taken_out.layers)
    assert sum(layer.synaptic_events.sum() for layer in counts.layers)


@pytest.mark.slow
def test_the_quick_table(script, tmp_path):
    table, measuring = script("table"), script("measuring")
    tiny = replace(measuring.QUICK, rounds=1, budget_s=0.1)
    text = table.write(tmp_path, tiny, list(table.PARTS))
    found = json.loads((tmp_path / "benchmarks.json").read_text())
    assert text == (tmp_path / "benchmarks.md").read_text()
    assert list(found["sections"]) == list(table.PARTS)
    assert "DIFFERS" not in text
    for group in found["sections"]["engines"]["groups"]:
        assert group["cells"]["native"]["median"] > 0
        others = [c for n, c in group["cells"].items() if n != "native" and "median" in c]
        assert others
        assert all(cell["facts"]["equal"] for cell in others)
