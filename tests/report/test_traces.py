"""Traces of cores: shares add up to what was counted, and the JSON is what Perfetto reads."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from spikewatt.energy.mapping.place import placed
from spikewatt.energy.timing import core_times
from spikewatt.energy.trace import CoreTrace
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import Profile, load
from spikewatt.report import placing
from spikewatt.report.traces import Traced, trace_writer


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Loihi 2 with cores of seven neurons and chips of four cores, so that there are some."""
    chip = load("loihi2_derived")
    small = {"neurons_per_core": 7.0, "cores_per_chip": 4.0}
    changed = {k: chip.limits[k].model_copy(update={"value": v}) for k, v in small.items()}
    return chip.model_copy(update={"limits": chip.limits | changed})


@pytest.fixture
def traced(run) -> Traced:
    network, _, execution = run
    return Traced("small.net on x.npy", network, execution.counts)


def written(path: Path, profile: Profile, *found: Traced) -> Path:
    trace_writer(path, profile)(found)
    return path


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_shares_of_cores_add_up_to_the_counts(tmp_path, profile, traced) -> None:
    rows = lines(written(tmp_path / "t.csv", profile, traced))
    events, updates, firing = defaultdict(float), defaultdict(int), defaultdict(float)
    for row in rows:
        at = int(row["layer"]), int(row["sample"]), int(row["step"])
        events[at] += float(row["synaptic_events"])
        updates[at[0]] += int(row["neuron_updates"])
        firing[at] += float(row["firing"])
    counts = traced.counts
    assert len({row["core"] for row in rows if row["layer"] == "1"}) > 1
    for layer in counts.layers:
        assert updates[layer.layer] == layer.neuron_updates
        for at in np.ndindex(counts.samples, counts.steps):
            assert events[(layer.layer, *at)] == pytest.approx(layer.synaptic_events[at])
            assert firing[(layer.layer, *at)] == pytest.approx(layer.spikes_out[at])


def test_messages_add_up_to_the_mapping(tmp_path, profile, traced) -> None:
    rows = lines(written(tmp_path / "t.csv", profile, traced))
    load = placed(traced.network, traced.counts, profile).load
    assert sum(float(r["messages_in"]) for r in rows) == pytest.approx(load.messages)
    assert 0 < sum(float(r["messages_out"]) for r in rows) < load.messages  # some from outside


def test_steps_follow_each_other_and_no_core_is_slower(tmp_path, profile, traced) -> None:
    place = placed(traced.network, traced.counts, profile)
    trace = CoreTrace(place, profile)
    rows = list(trace.rows())
    assert place.time is not None
    steps = {(r.sample, r.step): (r.start_s, r.step_time_s) for r in rows}
    now = 0.0
    for (sample, step), (start_s, step_time_s) in steps.items():
        assert start_s == pytest.approx(now)
        assert step_time_s == place.time.steps_s[sample, step]
        now += step_time_s
    assert trace.end_s == pytest.approx(place.time.steps_s.sum())
    assert all(r.core_time_s <= r.step_time_s for r in rows)
    busy = core_times(place.load, profile)
    terms = ("neuron_update", "synaptic_event")
    assert busy.max(axis=0).mean() >= max(place.time.terms_s[name] for name in terms)


def test_parts_of_a_long_run_are_one_trace(tmp_path, profile, traced, monkeypatch) -> None:
    whole = lines(written(tmp_path / "whole.csv", profile, traced))
    monkeypatch.setattr(placing, "STEPS_AT_ONCE", traced.counts.steps)  # a sample at a time
    parts = lines(written(tmp_path / "parts.csv", profile, traced))
    for one, other in zip(whole, parts, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            if key in ("network", "profile"):
                assert one[key] == other[key]
            else:
                assert float(one[key]) == pytest.approx(float(other[key]))


def test_the_json_is_the_trace_event_format(tmp_path, profile, traced) -> None:
    """Trace Event Format, Google: complete, counter and metadata events, times in microseconds."""
    found = json.loads(written(tmp_path / "t.json", profile, traced, traced).read_text())
    events = found["traceEvents"]
    by_kind = defaultdict(list)
    for e in events:
        by_kind[e["ph"]].append(e)
        assert isinstance(e["name"], str)
        assert isinstance(e["pid"], int)
        assert isinstance(e["tid"], int)
        assert e["ts"] >= 0
    assert by_kind.keys() == {"M", "X", "C"}
    assert all(e["dur"] >= 0 for e in by_kind["X"])
    assert all(list(e["args"].values()) >= [0] for e in by_kind["C"])
    named = {(e["pid"], e["tid"]) for e in by_kind["M"] if e["name"] == "thread_name"}
    assert {(e["pid"], e["tid"]) for e in by_kind["X"]} == named
    processes = [e["args"]["name"] for e in by_kind["M"] if e["name"] == "process_name"]
    chips = placed(traced.network, traced.counts, profile).mapping.chips
    assert chips > 1
    assert processes == 2 * [f"small.net on x.npy, chip {i}" for i in range(chips)]
    assert len({e["pid"] for e in events}) == 2 * chips


def test_slices_of_a_thread_do_not_overlap(tmp_path, profile, traced) -> None:
    events = json.loads(written(tmp_path / "t.json", profile, traced).read_text())["traceEvents"]
    threads = defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            threads[e["pid"], e["tid"]].append((e["ts"], e["dur"]))
    for slices in threads.values():
        assert slices == sorted(slices)
        for (ts, dur), (after, _) in pairwise(slices):
            assert ts + dur <= after + 1e-9
    counted = sum(e["args"].get("synaptic events", 0) for e in events if e["ph"] == "C")
    assert counted == pytest.approx(sum(x.synaptic_events.sum() for x in traced.counts.layers))


def test_what_cannot_be_traced_says_so_first(tmp_path, profile) -> None:
    with pytest.raises(SpikewattError, match=r"\.csv or \.json"):
        trace_writer(tmp_path / "t.txt", profile)
    for name in ("cmos45_paper", "truenorth"):
        with pytest.raises(SpikewattError, match="what a core holds"):
            trace_writer(tmp_path / "t.csv", load(name))


def test_without_times_there_is_csv_only(tmp_path, profile, traced) -> None:
    timeless = profile.model_copy(update={"timing": {}})
    rows = lines(written(tmp_path / "t.csv", timeless, traced))
    assert {(r["start_s"], r["step_time_s"], r["core_time_s"]) for r in rows} == {("", "", "")}
    with pytest.raises(SpikewattError, match="gives no times"):
        trace_writer(tmp_path / "t.json", timeless)([traced])
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
