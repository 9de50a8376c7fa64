"""Gains and biases of single steps: oracle, native engine and Lava give the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lava_packed import in_lava
from native_cases import assert_same, single
from oracle import Oracle
from random_networks import network as random_network
from random_networks import stimulus, tabled

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import Schedule, clips, stream
from spikewatt.network import Conv, CubaLif, Dense, Network, StartRule
from spikewatt.tables import gained

SUM = CubaLif(4096, 4096, 2**17)  # u is what arrives in the step, v adds the bias


def ints(*values) -> np.ndarray:
    return np.array(values, np.int32)


def one(weight, gain, bias=None, bits: int = 20) -> Network:
    """Dense synapses with gains onto neurons that forget at once."""
    net = single(SUM, Dense(ints(*weight)), (len(weight[0]),), (len(weight),), bits)
    projection = replace(net.projections[0], step_gain=gain)
    population = replace(net.populations[0], step_bias=bias)
    return replace(net, projections=(projection,), populations=(population,))


def run(net: Network, x, schedule: Schedule | None = None) -> Request:
    schedule = schedule or clips(net, len(x), x.shape[-1])
    return Request(net, x, schedule, tuple(net.by_layer), record_state=True)


def test_sums_are_shares_rounded_towards_zero() -> None:
    gain = ints([4096, -4096], [2048, -2048], [1, 4095], [0, 1365])
    x = np.array([[[5, -5, 4095, 4095]]], np.int32)  # one sample, one source, four steps
    net = one([[3], [3]], gain, bias=ints([1, 0], [0, 0], [0, -7], [0, 0]))
    done = NativeEngine().run(run(net, x))
    arrived = 3 * x[0, 0].astype(float)
    want = np.trunc(arrived[:, None] * gain / 4096)
    np.testing.assert_array_equal(done.u[1][0].T, want * 64)
    assert want[:2].tolist() == [[15, -15], [-7, 7]]
    np.testing.assert_array_equal(
        done.v[1][0].T - done.u[1][0].T, net.populations[0].step_bias * 64
    )


def test_every_32_bit_sum_is_scaled_exactly() -> None:
    """The kernel's halves and the process's int64 hold each product, at the ends too."""
    from spikewatt.lava_runtime.native.tables import pass_gains

    rng = np.random.default_rng(0)
    ends = [-(2**31), -(2**31) + 1, -4097, -4096, -4095, -1, 0, 1, 4095, 4096, 2**24, 2**31 - 1]
    sums = np.concatenate((ends, rng.integers(-(2**31), 2**31, 500))).astype(np.int32)
    gains = np.unique(
        np.concatenate(([-4096, -4095, -1, 0, 1, 4095, 4096], rng.integers(-4096, 4097, 50)))
    )
    arrived, by_channel = (a.reshape(-1) for a in np.meshgrid(sums, gains, indexing="ij"))
    exact = [int(a) * int(g) for a, g in zip(arrived, by_channel, strict=True)]
    want = np.array([abs(p) // 4096 * (1 if p > 0 else -1) for p in exact])
    wrapped = ((want + 2**31) % 2**32 - 2**31).astype(np.int32)
    assert (want != wrapped).sum() == 1  # -2^31 times -1
    ring = np.zeros((2, 1, arrived.size), np.int32)
    ring[1, 0] = arrived
    sizes, signs = np.abs(by_channel).astype(np.uint32), (by_channel >> 31).astype(np.int32)
    parts, touched = ints([1, 0]), np.ones(1, np.uint8)
    pass_gains(ring, touched, 0, 1, 0, 1, 1, parts, sizes[None, None], signs[None, None])
    np.testing.assert_array_equal(ring[0, 0], wrapped)
    assert not ring[1].any()
    np.testing.assert_array_equal(gained(arrived[None], by_channel)[0], wrapped)


def test_a_convolution_wraps_before_its_gain() -> None:
    conv = Conv(np.full((1, 1, 1, 1), 254, np.int32))
    net = single(SUM, conv, (1, 1, 1), (1, 1, 1), bits=24)
    gain = ints([2048])
    net = replace(net, projections=(replace(net.projections[0], step_gain=gain),))
    x = np.full((1, 1, 1, 1, 1), 2**16, np.int32)
    done = NativeEngine().run(run(net, x))
    wrapped = (254 * 2**16 + 2**23) % 2**24 - 2**23
    assert done.u[1].item() == wrapped // 2 * 64
    assert_same(Oracle(run(net, x)).run(), done)


def test_several_projections_each_have_their_gain_and_events_do_not_change() -> None:
    net = one([[2, 4], [6, -8]], ints([4096, 4096], [2048, -1024]))
    other = replace(net.projections[0], step_gain=ints([0, 0], [4096, 4096]))
    net = replace(net, projections=(*net.projections, other, replace(other, step_gain=None)))
    x = np.ones((2, 2, 2), np.int32)
    done = NativeEngine().run(run(net, x))
    sums = np.array([6, -2])
    want = np.stack((2 * sums, sums // ints(2, -4) + 2 * sums), axis=-1)
    assert (done.u[1] == want * 64).all()
    plain = replace(net, projections=tuple(replace(p, step_gain=None) for p in net.projections))
    events = [
        NativeEngine().run(run(n, x)).counts.by_layer[1].synaptic_events.tolist()
        for n in (net, plain)
    ]
    assert events[0] == events[1] == [[12, 12]] * 2


def random_request(seed: int, reset: bool) -> Request:
    net = replace(random_network(seed, equalised=True), start=StartRule.BY_DEPTH)
    net = tabled(seed, net, entries=6)
    schedule = stream(14, 5) if reset else clips(net, 3, 6)
    return run(net, stimulus(seed, net.input, schedule), schedule)


@pytest.mark.lava
def test_lava_equals_native_and_the_oracle(tmp_path: Path) -> None:
    asked = [random_request(seed, reset=seed % 3 == 0) for seed in range(12)]
    spikes = 0
    for request, found in zip(asked, in_lava(asked, tmp_path), strict=True):
        assert_same(Oracle(request).run(), found)
        assert_same(NativeEngine(2, 50).run(request), found)
        spikes += sum(int((s != 0).sum()) for s in found.spikes.values())
    assert spikes > 1000


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (lambda net: stream(8), "this run is without resets"),
        (lambda net: stream(8, 5), "samples of 5; there are no entries for further ones"),
        (
            lambda net: clips(replace(net, start=StartRule.TOGETHER), 1, 4),
            "all populations together",
        ),
    ],
)
def test_steps_without_entries_are_refused(schedule, words: str) -> None:
    net = one([[2]], np.zeros((4, 1), np.int32))
    clock = schedule(net)
    x = np.zeros((clock.samples, 1, clock.steps), np.int32)
    with pytest.raises(SpikewattError, match=words):
        NativeEngine().run(run(net, x, clock))


def test_shorter_samples_read_the_first_entries() -> None:
    gain = ints([4096], [2048], [1024])
    net = one([[64]], gain)
    done = NativeEngine().run(run(net, np.ones((2, 1, 2), np.int32)))
    assert (done.u[1][:, 0] == ints(64, 32) * 64).all()
