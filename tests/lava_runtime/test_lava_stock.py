"""Our Lava processes against Lava's own: synapses with and without delays, every neuron model."""

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
    AdaptiveLif,
    Conv,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Sparse,
)

pytestmark = pytest.mark.lava

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


def dense(rng, targets, sources, scale=64):
    return Dense(weights(rng, targets, sources, scale=scale))


def resonator(period: float, decay: float, threshold: int, izhikevich: bool) -> ResonateFire:
    """The integers that Lava's RF makes of a period and a decay."""
    turn = (1 - decay) * np.exp(2j * np.pi / period) * 4096
    return ResonateFire(int(turn.imag), int(turn.real), threshold, izhikevich)


def spiking(seed: int, message_bits: int) -> Network:
    """Adaptive LIF and resonators: complex layers, loops, delays of axons and of synapses."""
    rng = np.random.default_rng(seed)
    adaptive = AdaptiveLif(800, 300, 250, 350, 60, 12)
    return Network(
        input=Input(0, (15,), message_bits),
        populations=(
            Population(1, (12,), adaptive, bias(rng, 12)),
            Population(2, (13,), AdaptiveLif(4096, 0, 0, 4096, 30, 0)),
            Population(3, (10,), resonator(7.3, 0.05, 200, True)),
            Population(4, (9,), resonator(11, 0.02, 900, False)),
            Population(5, (8,), resonator(2.6, 0.3, 150, False)),
            Population(6, (7,), CubaLif(1024, 400, 100)),
        ),
        projections=(
            Projection(0, 1, dense(rng, 12, 15), axon_delay=delays(rng, 15)),
            Projection(1, 1, dense(rng, 12, 12, scale=16)),
            Projection(1, 2, Dense(weights(rng, 13, 12), delays(rng, 13, 12) // 2), 3),
            Projection(0, 2, sparse(rng, 13, 15)),
            *(Projection(0, 3, dense(rng, 10, 15), part=part) for part in ("real", "imag")),
            *(Projection(1, 4, dense(rng, 9, 12), part=part) for part in ("imag", "real")),
            Projection(4, 4, dense(rng, 9, 9), part="imag"),
            Projection(2, 5, dense(rng, 8, 13)),
            Projection(3, 5, sparse(rng, 8, 10, delayed=True), part="imag"),
            *(Projection(i, 6, dense(rng, 7, n)) for i, n in ((2, 13), (3, 10), (4, 9), (5, 8))),
        ),
    )


def differences(seed: int, input_: Input) -> Network:
    """Sigma-delta: every activation, loops, other exponents, convolutions of graded messages."""
    rng = np.random.default_rng(seed)
    conv = Conv(weights(rng, 3, 3, 2, 2, scale=5), stride=(2, 1), padding=(1, 0))
    return Network(
        input=input_,
        populations=(
            Population(0, (6, 5, 2), Delta(3), message_bits=16),
            Population(1, (3, 4, 3), SigmaDelta(20), bias(rng, 3, 4, 3), message_bits=16),
            Population(2, (12,), SigmaDelta(9, 2, 5, "unit"), bias(rng, 12), message_bits=16),
            Population(3, (11,), Delta(5, 0, 3), message_bits=16),
            Population(4, (10,), SigmaDelta(0, 0, 6), message_bits=16),
            Population(5, (9,), Sigma(), message_bits=24),
            Population(6, (8,), CubaLif(4096, 0, 1000)),
        ),
        projections=(
            Projection(0, 1, conv),
            Projection(0, 2, dense(rng, 12, 60, scale=2), axon_delay=delays(rng, 60) // 8),
            Projection(2, 2, dense(rng, 12, 12, scale=1)),
            Projection(1, 3, sparse(rng, 11, 36, delayed=True)),
            Projection(2, 4, dense(rng, 10, 12)),
            Projection(3, 4, sparse(rng, 10, 11)),
            Projection(4, 4, dense(rng, 10, 10)),
            Projection(1, 5, dense(rng, 9, 36)),
            Projection(2, 5, Dense(weights(rng, 9, 12), delays(rng, 9, 12))),
            Projection(3, 6, dense(rng, 8, 11)),
            Projection(4, 6, dense(rng, 8, 10)),
            Projection(5, 6, dense(rng, 8, 9)),
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
    "spiking": (spiking(5, 0), binary(5, (15,)), None),
    "spiking, graded": (spiking(6, 12), graded(6, (15,), 2**11), None),
    "sigma-delta": (
        differences(7, Input(0, (6, 5, 2), drives_dendrite=True)),
        graded(7, (6, 5, 2), 60),
        None,
    ),
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
        assert 0 < np.count_nonzero(spikes) < spikes.size, layer
        np.testing.assert_array_equal(ours.spikes[layer][0], spikes)
        np.testing.assert_array_equal(ours.u[layer][0, ..., -1], u)
        np.testing.assert_array_equal(ours.v[layer][0, ..., -1], v)
