"""Our Lava processes against Lava's own Dense, Sparse (with delays too), Conv and LIF."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Sparse,
)

STEPS = 80  # more than the longest delay


def weights(rng, *shape, scale=64):
    """Even and of both signs, which Lava leaves as they are; a fifth is zero."""
    values = 2 * rng.integers(-scale, scale, shape)
    return np.where(rng.random(shape) < 0.2, 0, values).astype(np.int32)


def sparse(rng, targets, sources, delayed=False):
    weight = np.where(rng.random((targets, sources)) < 0.7, 0, weights(rng, targets, sources))
    at = tuple(i.astype(np.int32) for i in np.nonzero(weight))
    delay = delays(rng, at[0].size) if delayed else None
    return Sparse(*at, weight[at], weight.shape, dense_macs=weight.size, delay=delay)


def delays(rng, *shape):
    return rng.integers(0, 63, shape).astype(np.int32)


def bias(rng, *shape):
    return rng.integers(-20, 200, shape).astype(np.int32)


def branching(seed: int, message_bits: int) -> Network:
    """Convolutions of the input in two branches that merge, with a skip, delays and recurrence."""
    rng = np.random.default_rng(seed)
    odd = Conv(weights(rng, 3, 3, 2, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2))
    grouped = Conv(weights(rng, 4, 2, 2, 1), groups=2)
    return Network(
        input=Input(0, (6, 5, 2), message_bits),
        populations=(
            Population(1, (3, 7, 3), CubaLif(1024, 300, 40)),
            Population(2, (5, 4, 4), CubaLif(4096, 4096, 90), bias(rng, 5, 4, 4)),
            Population(3, (11,), CubaLif(0, 0, 700), bias(rng, 11)),
            Population(4, (9,), CubaLif(700, 4095, 120)),
        ),
        projections=(
            Projection(0, 1, odd),
            Projection(0, 2, grouped),
            Projection(1, 3, Dense(weights(rng, 11, 63), delays(rng, 11, 63))),
            Projection(2, 3, sparse(rng, 11, 80)),
            Projection(0, 3, Dense(weights(rng, 11, 60))),
            Projection(3, 3, Dense(weights(rng, 11, 11))),
            Projection(3, 4, sparse(rng, 9, 11, delayed=True)),
            Projection(0, 4, Dense(weights(rng, 9, 60), delays(rng, 9, 60))),
            Projection(4, 3, Dense(weights(rng, 11, 9))),
        ),
    )


def chain(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    lif = CubaLif(512, 128, 300)
    return Network(
        input=Input(0, (20,)),
        populations=tuple(Population(i, (12,), lif, bias(rng, 12)) for i in (1, 2, 3)),
        projections=tuple(
            Projection(i - 1, i, Dense(weights(rng, 12, n))) for i, n in ((1, 20), (2, 12), (3, 12))
        ),
    )


def binary(seed, shape):
    return np.random.default_rng(seed).integers(0, 2, (*shape, STEPS)).astype(np.int32)


def graded(seed, shape, limit):
    """Of either sign, and large enough to wrap u at 24 bits and convolutions too."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-limit, limit, (*shape, STEPS))
    return np.where(rng.random(values.shape) < 0.8, 0, values).astype(np.int32)


JOBS = {
    "binary": (branching(1, 0), binary(1, (6, 5, 2)), None),
    "graded": (branching(2, 8), graded(2, (6, 5, 2), 128), None),
    "overflowing": (branching(3, 24), graded(3, (6, 5, 2), 2**17), None),
    "resetting": (chain(4), binary(4, (20,)), 13),
}


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stock")
    jobs, results = folder / "jobs.pickle", folder / "results.pickle"
    jobs.write_bytes(pickle.dumps(list(JOBS.values())))
    script = Path(__file__).with_name("lava_stock.py")
    subprocess.run([sys.executable, script, jobs, results], check=True, timeout=120)
    return dict(zip(JOBS, pickle.loads(results.read_bytes()), strict=True))


@pytest.mark.parametrize("name", JOBS)
def test_equals_stock_lava(name, stock):
    network, stimulus, interval = JOBS[name]
    layers = tuple(network.by_layer)
    schedule = stream(STEPS, interval)
    ours = LavaEngine().run(Request(network, stimulus[None], schedule, layers, record_state=True))
    for layer in layers:
        spikes, u, v = stock[name][layer]
        assert 0 < spikes.sum() < spikes.size
        np.testing.assert_array_equal(ours.spikes[layer][0], spikes)
        np.testing.assert_array_equal(ours.u[layer][0, ..., -1], u)
        np.testing.assert_array_equal(ours.v[layer][0, ..., -1], v)
