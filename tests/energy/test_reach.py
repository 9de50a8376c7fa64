"""Messages between cores without listing every neuron: against lists, for all kinds of cuts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from spikewatt.energy.mapping.layout import Layout
from spikewatt.energy.mapping.reach import reach
from spikewatt.energy.mapping.reached import cores_reached
from spikewatt.network import (
    Attention,
    Conv,
    CubaLif,
    Input,
    IntArray,
    Network,
    Population,
    Projection,
    Sparse,
)

LIF = CubaLif(4096, 0, 10)
PLACES, CHANNELS = (6, 5), 4
SHAPE = (*PLACES, CHANNELS)
SIZE = 6 * 5 * 4
SOURCES = (Layout(1, SHAPE, (4, 2, 3)), Layout(1, (SIZE,), (7,)), Layout(1, (3, 40), (2, 7)))
RUNS = (Layout(2, (SIZE,), (11,)), Layout(2, (3, 40), (2, 9)), Layout(2, (3, 40), (1, 40)))


def network(synapses: object) -> Network:
    populations = tuple(Population(i, SHAPE, LIF) for i in (1, 2))
    return Network(Input(0, SHAPE), populations, (Projection(1, 2, synapses),))


def blocks(rng: np.random.Generator) -> Sparse:
    joined = rng.random((40, 40)) < 0.1
    targets, sources = (i.astype(np.int32) for i in np.nonzero(joined))
    return Sparse(targets, sources, np.ones(targets.size, np.int32), (SIZE, SIZE), 1, repeats=3)


def joined_by(synapses: object) -> IntArray:
    """Which sources (columns) reach which targets (rows), one by one."""
    if isinstance(synapses, Sparse):
        matrix = np.zeros((SIZE, SIZE), bool)
        for b in range(synapses.repeats):
            matrix[synapses.targets + 40 * b, synapses.sources + 40 * b] = True
        return matrix
    assert isinstance(synapses, Conv)
    matrix = np.zeros((*SHAPE, *SHAPE), bool)
    _, kx, ky, _ = synapses.weight.shape
    for x, y, i, j in product(range(6), range(5), range(kx), range(ky)):
        at = x + i - synapses.padding[0], y + j - synapses.padding[1]
        if 0 <= at[0] < 6 and 0 <= at[1] < 5:
            for group in range(synapses.groups):
                per = CHANNELS // synapses.groups
                own = slice(group * per, (group + 1) * per)
                matrix[(x, y, own, *at, own)] = True
    return matrix.reshape(SIZE, SIZE)


def listed(matrix: IntArray, source: Layout, target: Layout) -> IntArray:
    found = np.zeros((source.cores, target.cores), np.int64)
    for s, t in np.ndindex(*found.shape):
        of = matrix[target.owner == t][:, source.owner == s]
        found[s, t] = of.any(axis=0).sum()
    return found


def check(synapses: object, source: Layout, target: Layout) -> None:
    net = network(synapses)
    p = net.projections[0]
    expected = listed(joined_by(synapses), source, target)
    np.testing.assert_array_equal(reach(net, p, source, target), expected)
    np.testing.assert_array_equal(cores_reached(net, p, source, target), expected.sum(axis=1))


@pytest.mark.parametrize("target", RUNS, ids=str)
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_blocks_of_lists(source: Layout, target: Layout) -> None:
    check(blocks(np.random.default_rng(3)), source, target)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_kernels(source: Layout, groups: int) -> None:
    kernel = np.ones((CHANNELS, 3, 1, CHANNELS // groups), np.int32)
    conv = Conv(kernel, padding=(1, 0), groups=groups)
    check(conv, source, Layout(2, SHAPE, (2, 3, 1)))


@pytest.mark.parametrize("role", [0, 1, 2])
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_attention(source: Layout, role: int) -> None:
    target = Layout(4, SHAPE, (2, 3, 1))
    s = Attention(np.array([2], np.int32), 2, 2, 3, blocks=3)
    populations = tuple(Population(i, SHAPE, LIF) for i in (1, 2, 3, 4))
    net = Network(Input(0, SHAPE), populations, (Projection(1, 4, s),))
    b, n, h, d = np.indices(s.split(SHAPE)).reshape(4, -1)
    same = [(b, n, h), (b, h), (b, h, d)][role]
    needed = np.all([g[:, None] == g[None] for g in same], axis=0)
    expected = listed(needed, source, target)
    p = net.projections[0]
    np.testing.assert_array_equal(reach(net, p, source, target, role), expected)
    summed = cores_reached(net, p, source, target, role)
    np.testing.assert_array_equal(summed, expected.sum(axis=1))
