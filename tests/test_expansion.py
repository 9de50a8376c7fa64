"""Kernels that become lists equal a walk over single synapses."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import numpy as np
import pytest
import random_networks as rn
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import synapses_of

from spikewatt.energy.events import conv_out_axis
from spikewatt.expansion import expand
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Pool,
    Population,
    Projection,
    Sparse,
)

KINDS = (rn.transposed, rn.pool, rn.unpool)
BLOCKS = ((3, 2, 4), (3, 1, 2))  # shapes of three blocks


def walked(synapses, source, target) -> Counter:
    projection = Projection(0, 1, synapses)
    populations = (Population(1, target, CubaLif(0, 0, 1)),)
    listed = synapses_of(Network(Input(0, source), populations, (projection,)), projection)
    return Counter(zip(listed.source, listed.target, listed.weight, strict=True))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(KINDS))
def test_lists_hold_every_synapse_once_zeros_included(seed: int, kind) -> None:
    rng = np.random.default_rng(seed)
    source = tuple(int(i) for i in rng.integers(1, (6, 6, 4)))
    synapses, target = kind(rng, source)
    if min(target) < 1:
        return
    sparse = expand(synapses, source, target)
    assert isinstance(sparse, Sparse)
    assert sparse.shape == (np.prod(target), np.prod(source))
    found = Counter(zip(sparse.sources, sparse.targets, sparse.weight, strict=True))
    assert found == walked(synapses, source, target)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_blocks_become_one_list(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = BLOCKS
    sparse = rn.sparse(rng, 24, 6)
    listed = expand(sparse, source, target)
    assert isinstance(listed, Sparse)
    assert (listed.repeats, listed.shape, listed.dense_macs) == (1, sparse.shape, sparse.dense_macs)
    found = Counter(zip(listed.sources, listed.targets, listed.weight, strict=True))
    assert found == walked(sparse, source, target)
    assert (listed.delay is None) == (sparse.delay is None)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_a_transposed_convolution_is_the_convolution_turned_round(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = tuple(int(i) for i in rng.integers(1, (6, 6, 4)))
    s, target = rn.transposed(rng, source)
    if min(target) < 1 or s.groups > 1:
        return
    geometry = (s.stride, s.padding, s.dilation)
    back = Conv(s.weight.transpose(3, 1, 2, 0), *geometry)
    places = (
        conv_out_axis(target[i], s.weight.shape[1 + i], *(g[i] for g in geometry)) for i in (0, 1)
    )
    assert tuple(places) == source[:2]
    forward = walked(s, source, target)
    assert forward == Counter(
        {(b, a, w): n for (a, b, w), n in walked(back, target, source).items()}
    )


def test_the_rest_stays_as_it_is() -> None:
    dense, kernel = Dense(np.ones((2, 3), np.int32)), Conv(np.ones((1, 1, 1, 1), np.int32))
    assert expand(dense, (3,), (2,)) is dense
    assert expand(kernel, (4, 4, 1), (4, 4, 1)) is kernel


@pytest.mark.parametrize("ends", [((4, 4, 1), (2, 2, 1)), ((6, 4, 1), (3, 2, 1))])
def test_lists_are_made_once_and_forgotten_with_their_kernel(ends) -> None:
    pool = Pool(np.ones((2, 2), np.int32), (2, 2))
    first = expand(pool, *ends)
    assert expand(pool, *ends) is first
    assert expand(pool, (8, 8, 1), (4, 4, 1)) is not first
    kept = weakref.ref(first)
    del pool, first
    gc.collect()
    assert kept() is None
