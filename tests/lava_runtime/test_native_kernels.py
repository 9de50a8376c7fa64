"""The native engine's compiled loops, one by one and at the edges of what their numbers hold."""

from __future__ import annotations

import numpy as np
import pytest
from native_cases import assert_same, single
from oracle import Oracle
from oracle_neurons import times

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.native.arrays import narrow
from spikewatt.lava_runtime.native.counting import FanOut
from spikewatt.lava_runtime.native.lanes import add_rows
from spikewatt.lava_runtime.native.listed import RunLayout
from spikewatt.lava_runtime.native.neuron_kernels import BLOCK, _integrate
from spikewatt.lava_runtime.native.patterns import TABLE_MAX, table_of
from spikewatt.lava_runtime.native.spikes import ONE_EACH, Spikes
from spikewatt.lava_runtime.native.synapses import lay_out
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Sigma,
    Sparse,
    StartRule,
)

EDGES = [0, 1, 2, 3, 4095, 4096, 4097, 2**23 - 1, 2**23, 2**23 + 1, 2**30, 2**31 - 1]


@pytest.mark.parametrize("keep", [0, 1, 2, 1023, 1024, 2047, 3072, 4095, 4096])
def test_decay_holds_for_every_int32(keep: int) -> None:
    rng = np.random.default_rng(keep)
    edges = [*EDGES, *(-e for e in EDGES), -(2**31)]
    u = np.concatenate((edges, rng.integers(-(2**31), 2**31, 5000))).astype(np.int32)
    kept = np.sign(u.astype(np.int64)) * (np.abs(u.astype(np.int64)) * keep >> 12)
    expected = np.where(kept > 2**23, kept - 2**24, np.where(kept <= -(2**23), kept + 2**24, kept))
    assert (kept == times(u.astype(np.int64), keep)).all()
    zeros = [np.zeros_like(u) for _ in range(3)]
    _integrate(zeros[0], u, zeros[1], zeros[2], np.uint32(keep), np.uint32(4096))
    np.testing.assert_array_equal(u, expected)


@pytest.mark.parametrize("kind", [np.int16, np.int32])
@pytest.mark.parametrize("size", [1, 3, 4, 7, 8, 24, 36, 63, 64, 100, 143])
def test_rows_are_added_to_their_place_alone(kind, size: int) -> None:
    rng = np.random.default_rng(size)
    limits = np.iinfo(kind)
    weight = rng.integers(limits.min, limits.max, 40 * size + 5).astype(kind)
    sources = rng.integers(0, 39, 11)
    row = rng.integers(-(2**31), 2**31, size + 9).astype(np.int32)
    expected = row.astype(np.int64)
    for source in sources[2:9]:
        begin = 5 + source * size
        expected[4 : 4 + size] += weight[begin : begin + size]
    add_rows(weight, 5, (sources * size).astype(np.int64), 2, 9, row, 4, size)
    np.testing.assert_array_equal(row, expected.astype(np.int32))


def test_fan_outs_add_up_in_one_number_or_in_two() -> None:
    spikes = Spikes(np.array([0, 2, 2, 3]), np.array([0, 2, 1], np.int32), ONE_EACH)
    few = np.array([3, 0, 2**30]), np.array([4, 1, 2**31 - 6])
    many = np.array([3, 2**33, 5]), np.array([2**34, 2**33, 7])
    for (events, stored), fits in ((few, True), (many, False)):
        fan_out, counts = FanOut(events, stored), np.zeros((3, 4), np.int64)
        fan_out.count(spikes, counts, 1)
        assert fan_out.fits is fits
        assert counts[0].tolist() == [0, 2, 0, 1]
        for got, fan in zip(counts[1:], (events, stored), strict=True):
            assert got.tolist() == [0, fan[0] + fan[2], 0, fan[1]]


def test_a_full_half_of_fan_outs_is_exact() -> None:
    """2**31 - 1 synapses, all of whose sources spike in one step."""
    fan = np.array([2**30, 2**30 - 1])
    spikes = Spikes(np.array([0, 2]), np.array([0, 1], np.int32), ONE_EACH)
    fan_out, counts = FanOut(fan, fan), np.zeros((3, 1), np.int64)
    fan_out.count(spikes, counts, 0)
    assert fan_out.fits
    assert counts.tolist() == [[2], [2**31 - 1], [2**31 - 1]]
    assert not FanOut(fan, fan + 1).fits


def spikes_of(shape, steps: int, share: float) -> np.ndarray:
    rng = np.random.default_rng(steps)
    return (rng.random((1, *shape, steps)) < share).astype(np.int32)


def same(network: Network, x: np.ndarray, **clock) -> None:
    schedule = clock.get("schedule") or stream(x.shape[-1], clock.get("reset"))
    request = Request(network, x, schedule, tuple(network.by_layer), record_state=True)
    expected = Oracle(request).run()
    for workers, cells in ((1, 2**18), (2, 1), (1, 3 * BLOCK)):
        assert_same(expected, NativeEngine(workers, cells).run(request))


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_convolutions_by_spike_and_by_pattern(channels: int, share: float) -> None:
    rng = np.random.default_rng(channels)
    weight = rng.integers(-128, 128, (channels * 3 + 1, 3, 2, channels)).astype(np.int32) * 2
    shapes = {(1, 1): (5, 6), (2, 1): (3, 5), (2, 3): (3, 2)}
    for (stride, step), size in shapes.items():
        conv = Conv(weight, (stride, step), (1, 1), (1, 2 if step == 1 else 1))
        size = (size[0], (5 + 2 - conv.dilation[1] * 1 - 1) // step + 1)
        net = single(CubaLif(1000, 300, 900), conv, (5, 5, channels), (*size, len(weight)))
        assert lay_out(net, net.projections[0]).table.plan.size
        same(net, spikes_of((5, 5, channels), 6, share))


def layout_of(weight: np.ndarray):
    return table_of(Conv(weight), (4, 4, weight.shape[3]), (4, 4, len(weight)))


def test_tables_hold_what_16_bit_hold_and_no_more() -> None:
    full = np.full((1, 1, 1, 4), 2**13, np.int32)
    full[0, 0, 0, 3] -= 1
    assert layout_of(full).sums.max() == 2**15 - 1
    assert layout_of(full + 1).plan.size == 0
    assert layout_of(-full - 1).plan.size == 0
    assert layout_of(np.zeros((TABLE_MAX // 2 + 1, 1, 1, 1), np.int32)).plan.size == 0


def test_busy_sums_beyond_24_bit_wrap() -> None:
    """A convolution whose targets sum up to 2**23: no table, and the wrap of the other path."""
    weight = np.full((1, 16, 16, 1), 2**15, np.int32)
    for short, has_table in ((1, False), (2**15, True)):
        weight[0, 0, 0, 0] = 2**15 - short
        small = weight - 1 if has_table else weight
        net = single(Sigma(), Conv(small), (16, 16, 1), (1, 1, 1))
        assert bool(lay_out(net, net.projections[0]).table.plan.size) is has_table
        same(net, np.ones((1, 16, 16, 1, 3), np.int32))
    weight[:] = 2**15
    same(
        single(Sigma(), Conv(weight), (16, 16, 1), (1, 1, 1)), np.ones((1, 16, 16, 1, 3), np.int32)
    )


@pytest.mark.parametrize("value", [-(2**15), 2**15 - 1, -(2**15) - 1, 2**15])
def test_weights_are_as_narrow_as_they_may_be(value: int) -> None:
    weight = np.array([[value, 3, -2], [0, value, 5]], np.int32)
    fits = -(2**15) <= value < 2**15
    assert narrow(weight).dtype == (np.int16 if fits else np.int32)
    same(single(CubaLif(4096, 10, 500), Dense(weight), (3,), (2,)), spikes_of((3,), 8, 0.6))
    kernel = Conv(weight.reshape(2, 1, 3, 1))
    net = single(CubaLif(4096, 10, 500), kernel, (2, 4, 1), (2, 2, 2))
    same(net, spikes_of((2, 4, 1), 8, 0.6))


def scattered(size: int, count: int = 40) -> Sparse:
    """A few synapses from 4 sources into a large population."""
    rng = np.random.default_rng(size)
    targets = rng.integers(size, size=count).astype(np.int32)
    sources = rng.integers(4, size=count).astype(np.int32)
    weight = (rng.integers(1, 128, count) * 2).astype(np.int32)
    return Sparse(targets, sources, weight, (size, 4), dense_macs=size * 4)


@pytest.mark.parametrize("bits", [0, 5])
@pytest.mark.parametrize("top", [254, 2**16])
def test_runs_of_targets_with_gaps_and_doubles(bits: int, top: int) -> None:
    """Rows of neighbouring synapses, some missing, some twice, in no order, weights of any size."""
    rng = np.random.default_rng(top)
    joined = np.zeros((60, 9), bool)
    joined[3:40, 1:7] = joined[44:, 2:9] = True
    joined &= rng.random(joined.shape) < 0.8
    targets, sources = (np.tile(i, 2).astype(np.int32) for i in np.nonzero(joined))
    kept = rng.permutation(targets.size)[: targets.size * 2 // 3]
    weight = rng.integers(-top, top, kept.size).astype(np.int32)
    listed = Sparse(targets[kept], sources[kept], weight, (60, 9), dense_macs=540)
    net = single(CubaLif(3000, 200, 700), listed, (9,), (60,), bits)
    layout = lay_out(net, net.projections[0])
    assert isinstance(layout, RunLayout)
    assert layout.weight.dtype == (np.int16 if top < 2**15 else np.int32)
    assert len(layout.runs.runs) < 3 * 9
    same(net, spikes_of((9,), 12, 0.4) * (17 if bits else 1))


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
@pytest.mark.parametrize("decays", [(4096, 300), (2000, 0), (0, 4096), (100, 100)])
def test_blocks_at_rest_wake_up(size: int, decays: tuple[int, int]) -> None:
    """Spikes between long silences, with and without a bias that holds neurons below threshold."""
    x = np.zeros((1, 4, 160), np.int32)
    x[0, :, [3, 4, 90, 150]] = 1
    bias = np.zeros(size, np.int32)
    bias[size // 2 :] = 7
    for held in (None, bias):
        population = Population(1, (size,), CubaLif(*decays, 400), held)
        net = Network(Input(0, (4,)), (population,), (Projection(0, 1, scattered(size)),))
        same(net, x)
        same(net, x, reset=53)


@pytest.mark.parametrize("start", list(StartRule))
def test_a_bias_held_by_the_stimulus_differs_from_sample_to_sample(start: StartRule) -> None:
    """What is at rest under one sample's bias is not under the next one's."""
    populations = (Population(0, (3,), CubaLif(4096, 2000, 60)), Population(1, (2,), Sigma()))
    links = (Projection(0, 1, Dense(np.array([[2, 4, 6], [1, 1, 1]], np.int32))),)
    net = Network(Input(0, (3,), drives_bias=True), populations, links, start)
    x = np.array([[0, 0, 0], [90, 0, -5], [0, 31, 0]], np.int32)[..., None]
    same(net, x, schedule=clips(net, 3, 9))
    same(net, np.repeat(x, 9, axis=-1), schedule=clips(net, 3, 9))


def test_warming_up_loads_every_kernel() -> None:
    """Else the first run on a machine would compile while its steps are timed."""
    from spikewatt.lava_runtime.native import (
        delivery,
        kernels,
        neuron_kernels,
        resonators,
        run_delivery,
    )
    from spikewatt.lava_runtime.native.warmth import warm_up

    warm_up()
    called = {"add_drive", "book", "collect_input", "count_events", "forget", "postpone"}
    called |= {
        "record_spikes",
        "sum_spikes",
        "deliver_conv",
        "deliver_dense",
        "deliver_runs",
        "deliver_sparse",
    }
    neurons = vars(neuron_kernels) | vars(resonators)
    called |= {name for name in neurons if name.startswith("update_")}
    for module in (delivery, kernels, neuron_kernels, resonators, run_delivery):
        for name in called & set(vars(module)):
            assert getattr(module, name).signatures, name
    loops = (delivery, kernels, run_delivery)
    defined = {n for m in loops for n, f in vars(m).items() if hasattr(f, "py_func")}
    public = {n for n in defined if not n.startswith("_")}
    assert public - {"kernel", "add_rows", "add_scaled_rows", "in_block"} <= called
