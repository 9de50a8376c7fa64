"""What a Lava run takes is known beforehand, and all samples share one build."""

from __future__ import annotations

import importlib
import logging
import subprocess
from dataclasses import replace
from functools import partial
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava import LavaEngine, forecast
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

module = importlib.import_module("spikewatt.lava_runtime.lava.forecast")


def path_of(name: str) -> Path:
    path = f"tests/lava/lib/dl/netx/{name}"
    return next(Path(f.locate()) for f in files("lava-dl") or () if str(f) == path)


def ntidigits() -> Request:
    network = netx.read(path_of("gts/ntidigits/ntidigits.net"), layers=5)
    x = np.load(path_of("gts/ntidigits/input.npy"))[:, :100].astype(np.int32)
    return Request(network, x.reshape(1, *network.input.shape, 100), stream(100))


def tiny() -> Request:
    network = netx.read(path_of("tiny.net"))
    x = np.load(path_of("gts/tinynet/input_bias.npy")).astype(np.int32)
    return Request(network, x.reshape(1, *network.input.shape, 1), stream(34, 17), (2,), True)


def chain(populations: int, size: int = 4, steps: int = 6) -> Request:
    dense = Dense(np.full((size, size), 20, np.int32))
    network = Network(
        Input(0, (size,)),
        tuple(Population(i, (size,), CubaLif(0, 0, 9)) for i in range(1, populations + 1)),
        tuple(Projection(i, i + 1, dense) for i in range(populations)),
    )
    return Request(network, np.ones((1, size, steps), np.int32), stream(steps))


def recorded(steps: int) -> Request:
    """Ten thousand neurons with their states, every step."""
    request = chain(1)
    wide = replace(request.network.populations[0], shape=(10_000,))
    network = Network(
        Input(0, (4,)), (wide,), (Projection(0, 1, Dense(np.ones((10_000, 4), np.int32))),)
    )
    silence = np.broadcast_to(np.zeros(1, np.int32), (1, 4, steps))
    return Request(network, silence, stream(steps), (1,), record_state=True)


@pytest.mark.lava
@pytest.mark.parametrize(
    "make", [ntidigits, tiny, partial(chain, 12)], ids=["ntidigits", "tiny", "12"]
)
def test_forecasts_processes_exactly_and_memory_within_half(make, caplog) -> None:
    request_ = make()
    expected = forecast(request_)
    with caplog.at_level(logging.INFO, "spikewatt"):
        details = LavaEngine().run(request_).details
    assert details["processes"] == expected.processes
    ratio = expected.memory_bytes / (details["memory_mb"] * 2**20)
    assert 1 / 1.5 < ratio < 1.5
    (record,) = caplog.records
    assert f"takes {expected.processes} processes, 0.1 GB of memory" in record.getMessage()


def test_forecast_grows_with_what_there_is() -> None:
    assert forecast(chain(40)).processes == forecast(chain(20)).processes + 20
    assert forecast(chain(40)).build_s > forecast(chain(20)).build_s
    more = forecast(chain(1, size=1000)).memory_bytes - forecast(chain(1)).memory_bytes
    assert more > 12 * 10**6  # a million synapses
    states = forecast(recorded(2000)).memory_bytes - forecast(recorded(1000)).memory_bytes
    assert states >= 1000 * 10_000 * 9


def test_a_step_takes_longer_with_processes_and_with_work() -> None:
    shortest = forecast(chain(1)).step_s
    assert 1e-4 < shortest < 1e-3
    assert forecast(chain(48)).step_s > 10 * shortest
    wide = forecast(chain(1, size=3000)).step_s - shortest
    assert 1e-3 < wide < 1e-2  # nine million weights; 1.3 ms on two cores
    assert str(forecast(chain(1))).endswith("to build, about 0.42 ms a step")


@pytest.mark.lava
def test_a_step_takes_about_as_long_as_forecast() -> None:
    """Within a factor of 3 on an idle machine; of 10 on a busy one. The first steps take longer."""
    for request_ in (ntidigits(), chain(12, 400, steps=300)):
        execution = LavaEngine().run(request_)
        seconds = execution.wall_s / request_.schedule.total_steps
        assert 0.1 < forecast(request_).step_s / seconds < 10


@pytest.mark.lava
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (chain(396), "takes 401 processes, .* the limit is 400 processes.* native engine"),
        (recorded(300_000), "processes, 27.1 GB of memory, .* GB is .*shorter clips.* native"),
    ],
)
def test_refuses_what_the_machine_cannot_give(request_, words, monkeypatch) -> None:
    def start(*_, **__):
        raise AssertionError("nothing may be started")

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(SpikewattError, match=words):
        LavaEngine().run(request_)


@pytest.mark.lava
def test_refuses_more_than_is_free(monkeypatch) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda: 10**8)
    with pytest.raises(SpikewattError, match=r"0\.1 GB is free\. Run fewer samples"):
        LavaEngine().run(chain(20))
    assert forecast(chain(395)).processes == 400


def test_the_kernel_says_what_is_free() -> None:
    assert 10**8 < module.free_bytes() < 10**14


@pytest.mark.lava
def test_all_samples_run_in_one_build(monkeypatch) -> None:
    """The number of processes started does not grow with the samples."""
    started: list[str] = []
    popen = subprocess.Popen

    class Counted(popen):
        def __init__(self, command, **options) -> None:
            started.append(str(command))
            super().__init__(command, **options)

    monkeypatch.setattr(subprocess, "Popen", Counted)
    network = chain(2).network
    processes = []
    for samples in (1, 25):
        x = np.ones((samples, 4, 6), np.int32)
        request = Request(network, x, clips(network, samples, 6), (2,))
        execution = LavaEngine().run(request)
        assert execution.spikes[2].shape == (samples, 4, 6)
        assert execution.spikes[2].any()
        np.testing.assert_array_equal(
            execution.spikes[2], execution.spikes[2][:1].repeat(samples, 0)
        )
        processes.append(execution.details["processes"])
    assert sum("lava.child" in command for command in started) == 2
    assert processes == [forecast(chain(2)).processes] * 2
