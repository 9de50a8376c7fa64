"""The Lava engine against the oracle: spikes, states, read-outs, counts and fill."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from lava_packed import in_lava
from oracle import Oracle
from random_networks import network as random_network
from random_networks import requests, stimulus

from spikewatt.energy.events import differences
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.lava.execution import read_execution
from spikewatt.lava_runtime.lava.population import population_cores
from spikewatt.lava_runtime.lava.stimulus import Stimulus
from spikewatt.lava_runtime.lava.workplace import Workplace
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    StartRule,
)


def assert_same(expected: Execution, found: Execution) -> None:
    for name in ("spikes", "u", "v"):
        want, got = getattr(expected, name), getattr(found, name)
        assert want.keys() == got.keys()
        for layer in want:
            assert got[layer].dtype == np.int32
            np.testing.assert_array_equal(got[layer], want[layer], f"{name} of layer {layer}")
    assert differences(expected.counts, found.counts) == []
    np.testing.assert_array_equal(found.readout, expected.readout)


def stepped(request: Request, folder: Path) -> Execution:
    """What the Lava processes compute, in one process and without Lava."""
    place = Workplace(folder)
    place.write_request(request)
    request, table = place.read_request()
    cores = population_cores(request, table, place)
    network, source = request.network, Stimulus(table, request.schedule)
    for step in range(request.schedule.total_steps):
        sent = {layer: core.update(step) for layer, core in cores.items()}
        if network.input.layer not in cores:
            sent[network.input.layer] = source.at(step)
        for layer, core in cores.items():
            sources = [i for p in network.incoming(layer) for i in p.sources]
            for port, i in enumerate(sources):
                core.receive(step, port, sent[i])
    place.write_summary({"build_s": 0.0, "wall_s": 0.0})
    return read_execution(place, request)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_populations_equal_the_oracle(request_: Request) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_same(Oracle(request_).run(), stepped(request_, Path(folder)))


def random_request(seed: int, kind: str) -> Request:
    """A random network that uses what the kind names."""
    network = random_network(seed, equalised=kind != "stream")
    if kind in ("stream", "reset"):
        schedule = stream(40, 9 if kind == "reset" else None)
    else:
        network = replace(network, start=StartRule(kind))
        schedule = clips(network, samples=4, steps=7)
    x = stimulus(seed, network.input, schedule)
    return Request(network, x, schedule, tuple(network.by_layer), record_state=True)


KINDS = ("stream", "reset", "by_depth", "together")


def busy_request(kind: str, driven: bool) -> tuple[Request, Execution]:
    """The first random request of four populations of which the last spikes, and its results."""
    for seed in count():
        request = random_request(seed, kind)
        network = request.network
        if len(network.populations) == 4 and network.input.drives_bias == driven:
            expected = Oracle(request).run()
            if expected.spikes[network.output.layer].any() and expected.readout is not None:
                return request, expected
    raise AssertionError("count() does not end")


@pytest.mark.lava
@pytest.mark.parametrize(
    ("kind", "driven"),
    [
        ("stream", False),
        ("reset", False),
        ("by_depth", True),
        ("by_depth", False),
        ("together", True),
    ],
)
def test_lava_equals_the_oracle(kind: str, driven: bool) -> None:
    request, expected = busy_request(kind, driven)
    assert_same(expected, LavaEngine().run(request))


@pytest.mark.lava
@pytest.mark.parametrize(
    "seeds",
    [
        range(16),
        *(pytest.param(range(k, k + 100), marks=pytest.mark.slow) for k in range(0, 500, 100)),
    ],
    ids=str,
)
def test_networks_packed_into_one_run_of_lava_equal_the_oracle(seeds, tmp_path) -> None:
    asked = [random_request(1000 + seed, KINDS[seed % len(KINDS)]) for seed in seeds]
    for request, found in zip(asked, in_lava(asked, tmp_path), strict=True):
        assert_same(Oracle(request).run(), found)


def small(**changes) -> Network:
    rng = np.random.default_rng(0)
    population = Population(1, (6,), CubaLif(4096, 1000, 100))
    dense = Dense((2 * rng.integers(-60, 100, (6, 4))).astype(np.int32))
    network = Network(Input(0, (4,)), (population,), (Projection(0, 1, dense),))
    return replace(network, **changes)


@pytest.mark.lava
def test_progress_details_seconds_and_silence(capfd) -> None:
    x = np.random.default_rng(0).integers(0, 2, (1, 4, 2000)).astype(np.int32)
    told: list[tuple[int, int]] = []
    found = LavaEngine().run(
        Request(small(), x, stream(2000)), lambda done, total: told.append((done, total))
    )
    assert told[-1] == (2000, 2000)
    assert sorted(told) == told
    assert any(0 < done < 2000 for done, _ in told)
    assert found.spikes == found.u == found.v == {}
    assert found.readout is None
    assert found.engine == "lava"
    # ours, the runtime service, shared memory's server and its tracker, two populations
    assert found.details["processes"] == 6
    assert found.details["memory_mb"] > 10
    assert found.build_s > 0
    assert found.wall_s > 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.lava
@pytest.mark.parametrize(
    ("network", "stimulus", "record", "words"),
    [
        (small(), np.zeros((1, 4, 9)), (), r"shape \(1, 4, 9\); this run takes \(1, 4, 8\)"),
        (small(), np.zeros((1, 4, 8)), (0,), "Layer 0 cannot be recorded"),
        (small(readout=Readout("rate", 4)), np.zeros((1, 4, 8)), (), "4 equal groups"),
        (
            small(populations=tuple(Population(i, (1,), CubaLif(0, 0, 0)) for i in range(1, 401))),
            np.zeros((1, 4, 8)),
            (),
            "takes 405 processes, .* the limit is 400 processes",
        ),
    ],
)
def test_refuses_beforehand(network, stimulus, record, words) -> None:
    with pytest.raises(SpikewattError, match=words):
        LavaEngine().run(Request(network, stimulus.astype(np.int32), stream(8), record))


@pytest.mark.lava
def test_refuses_branches_that_arrive_early() -> None:
    one, lif = Dense(np.ones((1, 1), np.int32)), CubaLif(0, 0, 0)
    network = Network(
        Input(0, (1,)),
        tuple(Population(i, (1,), lif) for i in (1, 2)),
        (Projection(0, 1, one), Projection(1, 2, one), Projection(0, 2, one)),
    )
    x = np.ones((2, 1, 5), np.int32)
    with pytest.raises(SpikewattError, match="from layer 0 to layer 2 arrives before"):
        LavaEngine().run(Request(network, x, clips(network, 2, 5)))


@pytest.mark.lava
def test_a_step_that_raises_ends_in_one_paragraph() -> None:
    """A population of another shape than its convolution gives."""
    network = Network(
        Input(0, (3, 3, 1)),
        (Population(1, (3, 3, 1), CubaLif(0, 0, 0)),),
        (Projection(0, 1, Conv(np.ones((1, 2, 2, 1), np.int32))),),
    )
    x = np.ones((1, 3, 3, 1, 5), np.int32)
    with pytest.raises(SpikewattError, match=r"(?s)\A[^\n]*ValueError: [^\n]*\Z"):
        LavaEngine().run(Request(network, x, stream(5)))


@pytest.mark.lava
def test_populations_apart_from_the_output_are_an_error() -> None:
    lone = Population(2, (3,), CubaLif(0, 0, 0))
    network = small(populations=(lone, *small().populations))
    with pytest.raises(SpikewattError, match="2 of 3 populations and inputs are connected"):
        LavaEngine().run(Request(network, np.zeros((1, 4, 3), np.int32), stream(3)))


def test_importing_the_engine_does_not_import_lava() -> None:
    code = (
        "import sys, spikewatt.lava_runtime.lava;"
        "print([m for m in sys.modules if m.split('.')[0] in ('lava', 'torch', 'scipy')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert said.stdout == b"[]\n"
