"""Sources that reach nearly the same targets are added together: the same sums, fewer passes."""

from __future__ import annotations

import numpy as np
import pytest
from native_cases import assert_same, single
from oracle import Oracle

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.native.delivery import GROUP
from spikewatt.lava_runtime.native.groups import FILLED, Runs
from spikewatt.lava_runtime.native.lanes import add_scaled_rows
from spikewatt.lava_runtime.native.listed import RunLayout
from spikewatt.lava_runtime.native.run_lanes import RUN, WIDEST
from spikewatt.lava_runtime.native.synapses import lay_out
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import CubaLif, Dense, Network, Sparse

JOINTS, CHANNELS, OUT = 5, 12, 24


def skeleton(zeros: float, repeats: int = 1, top: int = 254) -> Sparse:
    """A graph convolution: joints in a ring, all channels of one to all of its neighbours'."""
    rng = np.random.default_rng(round(10 * zeros))
    joints = np.eye(JOINTS) + np.roll(np.eye(JOINTS), 1, 0)
    weight = np.kron(joints, np.ones((OUT, CHANNELS))) * rng.integers(-top, top, (OUT * JOINTS, 60))
    weight[rng.random(weight.shape) < zeros] = 0
    targets, sources = np.nonzero(weight)
    values = weight[targets, sources].astype(np.int32)
    shape = repeats * OUT * JOINTS, repeats * CHANNELS * JOINTS
    listed = targets.astype(np.int32), sources.astype(np.int32), values
    return Sparse(*listed, shape, values.size, repeats=repeats)


def network(s: Sparse, bits: int = 0) -> Network:
    return single(CubaLif(3000, 200, 700), s, (s.shape[1],), (s.shape[0],), bits)


def runs(s: Sparse) -> Runs:
    net = network(s)
    layout = lay_out(net, net.projections[0])
    assert isinstance(layout, RunLayout)
    return layout.runs


def matrix(r: Runs, targets: int) -> np.ndarray:
    """The weights that the kernel reads, (targets, sources), as its docstring says."""
    out = np.zeros((targets, r.group_of.size), np.int64)
    for source, group in enumerate(r.group_of):
        head, base, width, first = r.groups[group, :4]
        for n, begin in enumerate(r.runs[first : r.groups[group + 1, 3]]):
            at = base + (source - head) * width + n * RUN
            out[begin : begin + RUN, source] += r.weight[at : at + RUN]
    return out


def assert_bounds(r: Runs, weight: np.ndarray) -> None:
    """Each group's largest sum of a target's weights, and its largest weight, signs apart."""
    for group, (head, *_, bound, largest) in enumerate(r.groups[:-1]):
        own = np.abs(weight[:, head : r.groups[group + 1, 0]])
        assert (bound, largest) == (own.sum(axis=1).max(), own.max())


@pytest.mark.parametrize("zeros", [0, 0.03, 0.2])
def test_all_channels_of_a_joint_are_one_group(zeros: float) -> None:
    s = skeleton(zeros)
    r = runs(s)
    assert r.group_of.tolist() == np.repeat(np.arange(JOINTS), CHANNELS).tolist()
    assert r.weight.size == (JOINTS * CHANNELS * 2 + WIDEST) * RUN  # two joints in two runs
    expected = np.zeros(s.shape, np.int64)
    expected[s.targets, s.sources] = s.weight
    np.testing.assert_array_equal(matrix(r, s.shape[0]), expected)
    assert_bounds(r, expected)


def test_groups_fill_in_few_zeros_and_have_a_size() -> None:
    """A band of targets that moves on with each source, and more sources than a group takes."""
    for moves in (0, 1, 8):
        sources, step = (i.reshape(-1) for i in np.indices((150, 32)))
        targets = (moves * sources + step).astype(np.int32)
        shape = int(targets.max()) + 1, 150
        s = Sparse(targets, sources.astype(np.int32), targets * 0 + 3, shape, targets.size)
        r = runs(s)
        rests = RUN * (150 + WIDEST)  # of each source's last run, and zeros behind all
        assert r.weight.size < (1 + FILLED) * targets.size + rests
        assert np.bincount(r.group_of).max() == {0: GROUP, 1: 13, 8: 2}[moves]
        expected = np.zeros(shape, np.int64)
        expected[targets, sources] = 3
        np.testing.assert_array_equal(matrix(r, shape[0]), expected)
        assert_bounds(r, expected)


@pytest.mark.parametrize("bits", [0, 6])
@pytest.mark.parametrize(("repeats", "top"), [(1, 254), (3, 254), (2, 2**17)])
def test_groups_equal_the_oracle(bits: int, repeats: int, top: int) -> None:
    rng = np.random.default_rng(bits)
    net = network(skeleton(0.03, repeats, top), bits)
    for share in (0.02, 0.3, 1):
        x = (rng.random((3, net.input.size, 7)) < share).astype(np.int32)
        if bits:
            x *= rng.integers(-63, 64, x.shape, np.int32)
        request = Request(net, x, clips(net, 3, 7), (1,), record_state=True)
        expected = Oracle(request).run()
        for workers in (1, 2):
            assert_same(expected, NativeEngine(workers).run(request))


@pytest.mark.parametrize("bits", [0, 6])
@pytest.mark.parametrize("top", [3, 256, 5000, 2**17])
@pytest.mark.parametrize("targets", [32, 33, 63, 100, 389])
def test_matrices_are_one_group(targets: int, top: int, bits: int) -> None:
    """Sums of all sources in 16 bit, of some at a time, and in 32 bit."""
    rng = np.random.default_rng(targets)
    weight = rng.integers(-top, top, (targets, 150)).astype(np.int32)
    weight[0] = top - 1  # the sum that is furthest out
    net = single(CubaLif(3000, 200, 700), Dense(weight), (150,), (targets,), bits)
    layout = lay_out(net, net.projections[0])
    assert isinstance(layout, RunLayout)
    np.testing.assert_array_equal(matrix(layout.runs, targets), weight)
    for share in (0.01, 0.2, 1):
        x = (rng.random((1, 150, 5)) < share).astype(np.int32)
        x *= rng.integers(-63, 64, x.shape, np.int32) if bits else 1
        request = Request(net, x, clips(net, 1, 5), (1,), record_state=True)
        assert_same(Oracle(request).run(), NativeEngine(1).run(request))


@pytest.mark.parametrize("kind", [np.int16, np.int32])
@pytest.mark.parametrize("size", [1, 3, 4, 15, 16, 63, 64, 100, 151])
def test_scaled_rows_are_added_to_their_place_alone(kind: type, size: int) -> None:
    rng = np.random.default_rng(size)
    limits = np.iinfo(kind)
    weight = rng.integers(limits.min, limits.max, 20 * size + 5).astype(kind)
    values = rng.integers(-(2**31), 2**31, 15).astype(np.int32)
    sources = rng.integers(0, 19, 11)
    row = rng.integers(-(2**31), 2**31, size + 9).astype(np.int32)
    expected = row.astype(np.int64)
    for k, source in enumerate(sources):
        begin = 5 + source * size
        product = weight[begin : begin + size].astype(np.int64) * values[4 + k]
        expected[4 : 4 + size] += product.astype(np.int32)  # wraps
    offsets = (sources * size).astype(np.int64)
    add_scaled_rows(weight, 5, offsets, values, 4, 11, row, 4, size)
    np.testing.assert_array_equal(row, expected.astype(np.int32))
