"""Thousands of samples with flat memory, and several runs in one folder."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import numpy as np
import pytest
from fault_places import Place, small_network

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips

MB = 1024  # in kilobytes
GROWTH_MB = 60


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def request(samples: int) -> Request:
    network = small_network()
    x = np.random.default_rng(2).integers(0, 2, (samples, 12, 10)).astype(np.int32)
    return Request(network, x, clips(network, samples, 10))


@pytest.mark.slow
def test_native_memory_is_flat() -> None:
    engine, wanted = NativeEngine(), request(2000)
    first = engine.run(wanted)
    before = peak_kb()
    for _ in range(20):
        again = engine.run(wanted)
    assert peak_kb() - before < GROWTH_MB * MB
    for one, other in zip(first.counts.layers, again.counts.layers, strict=True):
        np.testing.assert_array_equal(one.synaptic_events, other.synaptic_events)


@pytest.mark.lava
@pytest.mark.slow
def test_lava_memory_is_flat() -> None:
    few, many = (LavaEngine().run(request(n)) for n in (200, 4000))
    assert many.details["memory_mb"] - few.details["memory_mb"] < GROWTH_MB
    native = NativeEngine().run(request(4000))
    for one, other in zip(many.counts.layers, native.counts.layers, strict=True):
        np.testing.assert_array_equal(one.synaptic_events, other.synaptic_events)


def test_runs_share_a_folder(place: Place) -> None:
    command = ("run", "small.net", "--input", "x.npy", "--json", "run.json", "--out", "out.npz")
    together = [place.start(*command) for _ in range(4)]
    for process in together:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    record = json.loads(Path(place.folder / "run.json").read_text())
    assert record["samples"] == 6
    assert np.load(place.folder / "out.npz")["spikes"].shape == (6, 4, 20)
    place.nothing_left()
