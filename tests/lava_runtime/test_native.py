"""The native engine against the brute-force oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from native_cases import assert_same, single
from oracle import Oracle
from random_networks import network, requests, stimulus

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
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
    Sigma,
    StartRule,
)

slow_start = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check_against_the_oracle(request: Request, workers: int, cells: int) -> None:
    """How a run is split into chunks and threads must not matter."""
    assert_same(Oracle(request).run(), NativeEngine(workers, cells).run(request))


splits = st.sampled_from((1, 2, 3)), st.sampled_from((1, 60, 2**17))


@slow_start
@given(requests(), *splits)
def test_random_networks_equal_the_oracle(request_: Request, workers: int, cells: int) -> None:
    check_against_the_oracle(request_, workers, cells)


@pytest.mark.slow
@settings(slow_start, max_examples=5000)
@given(requests(), *splits)
def test_thousands_of_random_networks(request_: Request, workers: int, cells: int) -> None:
    check_against_the_oracle(request_, workers, cells)


@settings(slow_start, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(StartRule), st.integers(1, 6))
def test_a_sample_does_not_depend_on_its_batch(seed: int, start: StartRule, steps: int) -> None:
    drawn = network(seed, equalised=True)
    net = Network(drawn.input, drawn.populations, drawn.projections, start, drawn.readout)
    x = stimulus(seed, net.input, clips(net, 3, steps))
    layers = tuple(net.by_layer)
    together = NativeEngine().run(Request(net, x, clips(net, 3, steps), layers, True))
    for k in range(3):
        request = Request(net, x[k : k + 1], clips(net, 1, steps), layers, True)
        alone = NativeEngine().run(request)
        for layer in layers:
            np.testing.assert_array_equal(together.spikes[layer][k], alone.spikes[layer][0])
            np.testing.assert_array_equal(together.u[layer][k], alone.u[layer][0])
            np.testing.assert_array_equal(together.v[layer][k], alone.v[layer][0])
            all_counts, own = together.counts.by_layer[layer], alone.counts.by_layer[layer]
            np.testing.assert_array_equal(all_counts.synaptic_events[k], own.synaptic_events[0])
        if net.readout is not None:
            np.testing.assert_array_equal(together.readout[k], alone.readout[0])


def both(net: Network, x: np.ndarray) -> Execution:
    """Run on both and return the native result, which equals the oracle's."""
    request = Request(net, x.astype(np.int32), stream(x.shape[-1]), (1,), record_state=True)
    found = NativeEngine().run(request)
    assert_same(Oracle(request).run(), found)
    return found


@pytest.mark.parametrize("value", [2**17, 2**17 + 1, -(2**17), -(2**17) + 1, 3 * 2**17])
def test_current_wraps_once_at_24_bit(value: int) -> None:
    """u = a_in << 6: above 2^23 minus 2^24, at or below -2^23 plus 2^24; +2^23 stays."""
    net = single(CubaLif(4096, 0, 2**17 - 1), Dense(np.ones((1, 1), np.int32)), (1,), (1,), 24)
    found = both(net, np.array([[[value, 0]]]))
    a = value << 6
    wrapped = a - 2**24 if a > 2**23 else a + 2**24 if a <= -(2**23) else a
    assert found.u[1][0, 0].tolist() == [0, wrapped]


@pytest.mark.parametrize("sign", [1, -1])
def test_voltage_clips_at_24_bit(sign: int) -> None:
    net = single(CubaLif(0, 0, 2**17 - 1), Dense(np.ones((1, 1), np.int32)), (1,), (1,), 24)
    found = both(net, sign * np.array([[[2**17 - 1, 0, 0, 0]]]))
    assert found.v[1].max() <= 2**23 - 1
    assert found.v[1].min() == (-(2**23) + 1 if sign < 0 else 0)


@pytest.mark.parametrize("value", [2**23 - 1, 2**23, -(2**23), -(2**23) - 1])
def test_conv_sums_wrap_at_24_bit_and_dense_sums_do_not(value: int) -> None:
    one = np.ones((1, 1), np.int32)
    kernel = Conv(one.reshape(1, 1, 1, 1))
    neuron = CubaLif(4096, 4096, 2**17 - 1)
    x = np.array([value, 0]).reshape(1, 1, 1, 1, 2)
    conv_u = both(single(neuron, kernel, (1, 1, 1), (1, 1, 1), 24), x).u[1]
    dense_u = both(single(neuron, Dense(one), (1, 1, 1), (1, 1, 1), 24), x).u[1]
    fits = -(2**23) <= value < 2**23
    assert np.array_equal(conv_u, dense_u) == fits


def test_each_projection_wraps_by_itself() -> None:
    kernel = Conv(np.full((1, 1, 1, 1), 254, np.int32))
    populations = (Population(1, (1, 1, 1), CubaLif(4096, 4096, 2**17 - 1)),)
    twice = (Projection(0, 1, kernel), Projection(0, 1, kernel))
    net = Network(Input(0, (1, 1, 1), 24), populations, twice)
    both(net, np.array([2**16, -(2**15), 2**20, 0]).reshape(1, 1, 1, 1, 4))


@pytest.mark.parametrize("decay", [0, 1, 4095, 4096])
def test_decays_truncate_towards_zero(decay: int) -> None:
    weight = np.array([[3], [-3], [255], [-256]], np.int32)
    both(single(CubaLif(decay, 4096 - decay, 5), Dense(weight), (1,), (4,)), np.eye(1, 9)[None])


def test_sums_beyond_32_bit_wrap_as_lavas_buffers_do() -> None:
    weight = np.full((1, 4), 254, np.int32)
    net = single(CubaLif(1, 1, 100), Dense(weight), (4,), (1,), 24)
    both(net, np.full((1, 4, 5), 2**24 - 1))


def test_progress_ends_at_the_total() -> None:
    net = single(CubaLif(0, 0, 5), Dense(np.ones((2, 1), np.int32)), (1,), (2,))
    seen: list[tuple[int, int]] = []
    for workers in (1, 2):
        schedule = clips(net, 3, 4)
        request = Request(net, np.ones((3, 1, 4), np.int32), schedule)
        NativeEngine(workers).run(request, lambda done, total: seen.append((done, total)))
        assert seen[-1] == (schedule.total_steps, schedule.total_steps)


def test_requests_that_do_not_fit_are_errors() -> None:
    dense = Dense(np.ones((2, 1), np.int32))
    net = single(CubaLif(0, 0, 5), dense, (1,), (2,))
    x = np.ones((1, 1, 4), np.int32)
    with pytest.raises(SpikewattError, match=r"shape \(1, 1, 4\).*takes \(1, 1, 5\)"):
        NativeEngine().run(Request(net, x, stream(5)))
    with pytest.raises(SpikewattError, match="Layer 7 cannot be recorded"):
        NativeEngine().run(Request(net, x, stream(4), (7,)))
    for readout, words in ((Readout("rate", 3), "2 neurons in 3"), (Readout("x", 1), "Unknown")):
        bad = Network(net.input, net.populations, net.projections, readout=readout)
        with pytest.raises(SpikewattError, match=words):
            NativeEngine().run(Request(bad, x, stream(4)))


def test_a_loop_comes_back_one_step_later() -> None:
    """One spike in; the population keeps itself awake, one spike a step."""
    one = Dense(np.full((1, 1), 8, np.int32))
    net = single(CubaLif(4096, 4096, 5), one, (1,), (1,))
    net = replace(net, projections=(*net.projections, Projection(1, 1, one, delay=1)))
    done = both(net, np.array([[[1, 0, 0, 0, 0, 0]]]))
    assert done.spikes[1][0, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert done.counts.by_layer[1].synaptic_events[0].tolist() == [1, 1, 0, 1, 0, 1]


def test_axons_delay_longer_than_the_gap_between_samples() -> None:
    """What an axon holds at the end of a sample never arrives."""
    dense = Dense(np.full((1, 2), 8, np.int32))
    axon = Projection(0, 1, dense, axon_delay=np.array([1, 60], np.int32))
    net = replace(single(CubaLif(4096, 4096, 5), dense, (2,), (1,)), projections=(axon,))
    request = Request(net, np.ones((3, 2, 4), np.int32), clips(net, 3, 4), (1,))
    done = NativeEngine(chunk_cells=2).run(request)
    assert_same(Oracle(request).run(), done)
    assert done.spikes[1][:, 0].tolist() == [[0, 1, 1, 1]] * 3


def test_a_convolution_wraps_what_arrives_together() -> None:
    """Delays come before the synapses: sums of two steps wrap as one."""
    kernel = Conv(np.full((1, 1, 1, 2), 254, np.int32))
    neuron = Sigma()
    net = single(neuron, kernel, (1, 1, 2), (1, 1, 1), 24)
    axon = replace(net.projections[0], axon_delay=np.array([1, 0], np.int32))
    x = np.array([[2**15, 0, 0], [0, 2**14, 0]]).reshape(1, 1, 1, 2, 3)
    found = both(replace(net, projections=(axon,)), x)
    total = 254 * (2**15 + 2**14)
    assert total > 2**23
    assert found.u[1].reshape(-1).tolist() == [0, 0, total - 2**24]


def test_wide_loops_and_early_branches_are_errors() -> None:
    one = Dense(np.ones((1, 1), np.int32))
    pops = tuple(Population(i, (1,), CubaLif(0, 0, 5)) for i in (1, 2))
    x = np.ones((1, 1, 4), np.int32)
    loop = (Projection(0, 1, one), Projection(1, 2, one), Projection(2, 1, one))
    with pytest.raises(SpikewattError, match="layer 2 to layer 1 goes back"):
        NativeEngine().run(Request(Network(Input(0, (1,)), pops, loop), x, stream(4)))
    early = (Projection(0, 1, one), Projection(1, 2, one), Projection(0, 2, one))
    net = Network(Input(0, (1,)), pops, early)
    with pytest.raises(SpikewattError, match="at least 1, found 0"):
        NativeEngine().run(Request(net, x, stream(4, reset_interval=2)))
    assert_same(Oracle(r := Request(net, x, stream(4), (1, 2))).run(), NativeEngine().run(r))


def test_importing_the_engine_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, spikewatt.lava_runtime.native; "
        "print(sorted({'numba', 'torch', 'lava', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
