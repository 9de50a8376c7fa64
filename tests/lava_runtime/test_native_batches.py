"""Short samples are executed together, one after the other with gaps between: nothing leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from native_cases import assert_same
from oracle import Oracle
from random_networks import network, stimulus

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.native.clock import Clock
from spikewatt.lava_runtime.native.program import SHARES, Program, build
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import (
    Attention,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    StartRule,
)

CELLS = 2**17
slow_start = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def program(request: Request, threads: int = 1, cells: int = CELLS) -> Program:
    from spikewatt.lava_runtime.native.warmth import warm_up

    warm_up()
    return build(request.network, Clock(request.network, request.schedule), cells, threads)


def asked(net: Network, samples: int, steps: int, seed: int = 0) -> Request:
    schedule = clips(net, samples, steps)
    x = stimulus(seed, net.input, schedule)
    return Request(net, x, schedule, tuple(net.by_layer), record_state=True)


@slow_start
@given(st.integers(0, 2**32), st.sampled_from(StartRule), st.integers(1, 6), st.integers(8, 30))
def test_random_networks_do_not_depend_on_the_batch(
    seed: int, start: StartRule, steps: int, samples: int
) -> None:
    net = replace(network(seed, equalised=True), start=start)
    request = asked(net, samples, steps, seed)
    one_by_one = NativeEngine(1, 1).run(request)
    assert program(request, cells=1).together == 1
    for workers in (1, 2):
        assert_same(one_by_one, NativeEngine(workers, CELLS).run(request))


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_in_batches_equal_the_oracle(seed: int) -> None:
    start = list(StartRule)[seed % 2]
    request = asked(replace(network(seed, equalised=True), start=start), 9, 3, seed)
    assert_same(Oracle(request).run(), NativeEngine(1, CELLS).run(request))


def everything_late() -> Network:
    """Delays of synapses and axons longer than a sample, a loop, and attention."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-20, 40, (4, 6, 6)).astype(np.int32) * 2
    delay = rng.integers(0, 9, (6, 6)).astype(np.int32)
    axon = rng.integers(0, 12, 6).astype(np.int32)
    attention = Attention(np.array([9], np.int32), heads=1, keys=1, values=1, blocks=1)
    neuron, bias = CubaLif(1000, 300, 60), np.array([20, 0, -5, 9, 0, 30], np.int32)
    populations = tuple(Population(i, (1, 2, 3), neuron, bias) for i in (1, 2))
    projections = (
        Projection(0, 1, Dense(weight[0], delay=delay), axon_delay=axon),
        Projection(1, 1, Dense(weight[1]), delay=2),
        Projection(1, 2, Dense(weight[2], delay=delay[:, :1].repeat(6, 1)), delay=3),
        Projection(1, 2, attention, delay=4),
    )
    return Network(Input(0, (1, 2, 3)), populations, projections, readout=Readout("rate", 6))


@pytest.mark.parametrize("start", list(StartRule))
@pytest.mark.parametrize("kind", ["rate", "membrane"])
def test_what_is_late_dies_out_in_the_gap(start: StartRule, kind: str) -> None:
    net = replace(everything_late(), start=start, readout=Readout(kind, 6))
    rng = np.random.default_rng(1)
    x = (rng.random((17, 1, 2, 3, 5)) < 0.5).astype(np.int32)
    request = Request(net, x, clips(net, 17, 5), (1, 2), record_state=True)
    made = program(request)
    assert made.together == 17 // SHARES
    assert made.stride >= made.clock.length + 11 + 9
    expected = Oracle(request).run()
    assert all(expected.spikes[layer].any() for layer in (1, 2))
    for workers, cells in ((1, CELLS), (2, CELLS), (1, 600), (1, 1)):
        assert_same(expected, NativeEngine(workers, cells).run(request))


def test_batches_hold_every_period_once_and_whole_ones_alone() -> None:
    net = network(3, equalised=True)
    depth = max(net.depths.values())
    for samples, threads in ((8, 1), (8, 2), (33, 1), (33, 2), (1, 1)):
        made = program(asked(net, samples, 4), threads)
        batches = list(made.batches())
        assert [k for batch in batches for k in batch] == list(made.clock.periods())
        assert max(map(len, batches)) == made.together == max(1, samples // (SHARES * threads))
        assert made.clock.whole() == range(samples)
        assert (made.clock.periods().start < 0) == (depth > 0)
    assert len(Clock(net, stream(9, 3)).whole()) == 0
