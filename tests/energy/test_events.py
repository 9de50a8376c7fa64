"""Fan-out tables and differences of counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import synapses_of
from random_networks import network

from spikewatt.energy.events import (
    Counts,
    LayerCounts,
    conv_out_axis,
    dense_macs,
    differences,
    fan_out,
    fan_out_stored,
    synapses,
)
from spikewatt.energy.metrics import weights
from spikewatt.errors import SpikewattError
from spikewatt.network import (
    Attention,
    Conv,
    ConvTranspose,
    CubaLif,
    Dense,
    Input,
    Network,
    Pool,
    Population,
    Projection,
    Sparse,
    Unpool,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_fan_out_equals_a_count_over_single_synapses(seed: int) -> None:
    net = network(seed, equalised=True)
    for projection in net.projections:
        if isinstance(projection.synapses, Attention):
            continue
        sources = int(np.prod(net.shape_of(projection.source)))
        listed = synapses_of(net, projection)
        stored = np.bincount(listed.source, minlength=sources)
        nonzero = np.bincount(listed.source[listed.weight != 0], minlength=sources)
        np.testing.assert_array_equal(fan_out(net, projection), nonzero)
        np.testing.assert_array_equal(fan_out_stored(net, projection), stored)


def net_of(s, source, target) -> tuple[Network, Projection]:
    projection = Projection(0, 1, s)
    populations = (Population(1, target, CubaLif(0, 0, 1)),)
    return Network(Input(0, source), populations, (projection,)), projection


def test_what_papers_count() -> None:
    weight = np.zeros((4, 3, 3, 2), np.int32)
    conv = net_of(Conv(weight, padding=(1, 1)), (5, 5, 2), (5, 5, 4))
    assert dense_macs(*conv) == weight.size * 25  # taps in the padding included
    assert synapses(*conv) == sum(
        4 * 2 for x in range(5) for y in range(5) for i in (-1, 0, 1) for j in (-1, 0, 1)
        if 0 <= x + i < 5 and 0 <= y + j < 5
    )  # fmt: skip
    dense = net_of(Dense(np.eye(3, dtype=np.int32)), (3,), (3,))
    assert dense_macs(*dense) == synapses(*dense) == 9
    index = np.arange(3, dtype=np.int32)
    sparse = net_of(Sparse(index, index, index + 1, (3, 3), dense_macs=7), (3,), (3,))
    assert (dense_macs(*sparse), synapses(*sparse)) == (7, 3)


def places(weight, spots: int, channels: int = 1) -> int:
    return weight.size * spots * channels


def test_what_papers_count_of_kernels_that_become_lists() -> None:
    kernel, pooling = np.ones((4, 2, 2, 3), np.int32), np.ones((2, 2), np.int32)
    convt = net_of(ConvTranspose(kernel, (2, 2)), (5, 4, 3), (10, 8, 4))
    assert dense_macs(*convt) == synapses(*convt) == places(kernel, 5 * 4)
    pool = net_of(Pool(pooling, (2, 2), after=(1, 0)), (5, 4, 3), (3, 2, 3))
    assert dense_macs(*pool) == places(pooling, 3 * 2, 3)
    assert synapses(*pool) == 5 * 4 * 3  # the taps of the last row's padding do not exist
    unpool = net_of(Unpool(pooling, (2, 2)), (5, 4, 3), (10, 8, 3))
    assert dense_macs(*unpool) == synapses(*unpool) == places(pooling, 5 * 4, 3)


def test_listed_zeros_are_stored_and_no_events() -> None:
    index = np.arange(3, dtype=np.int32)
    sparse = Sparse(index, index, np.array([2, 0, -2], np.int32), (3, 3), dense_macs=9)
    net = net_of(sparse, (3,), (3,))
    assert fan_out(*net).tolist() == [1, 0, 1]
    assert fan_out_stored(*net).tolist() == [1, 1, 1]


def test_blocks_count_as_the_list_they_stand_for() -> None:
    index = np.array([0, 1, 1], np.int32)
    blocks = Sparse(index, index, np.array([2, 0, 4], np.int32), (6, 9), 54, repeats=3)
    net = net_of(blocks, (9,), (6,))
    assert fan_out(*net).tolist() == [1, 1, 0] * 3
    assert fan_out_stored(*net).tolist() == [1, 2, 0] * 3
    assert (dense_macs(*net), synapses(*net), weights(net[1])) == (54, 9, (18, 2))


def test_attention_has_no_fan_out() -> None:
    with pytest.raises(SpikewattError, match="attention_events"):
        fan_out(*net_of(Attention(index_of(2), 1, 0, 0), (2, 2, 2), (2, 2, 2)))


def index_of(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_conv_out_axis_counts_the_places_of_the_kernel(stride: int, dilation: int) -> None:
    padded, reach = 9 + 2 * 2, dilation * (3 - 1)
    places = [x for x in range(0, padded, stride) if x + reach < padded]
    assert conv_out_axis(9, 3, stride, 2, dilation) == len(places)


def counts(layer: int = 1, steps: int = 2) -> Counts:
    cells = [np.ones((1, steps), np.int64) for _ in range(4)]
    return Counts(1, steps, (LayerCounts(layer, *cells, neuron_updates=2, fill={"spikes_in": 0}),))


def test_differences_name_layer_and_quantity() -> None:
    one = counts()
    assert differences(one, counts()) == []
    more = replace(one.layers[0], synaptic_events=np.full((1, 2), 3), fill={"spikes_in": 4})
    assert differences(one, replace(one, layers=(more,))) == [
        "layer 1: synaptic_events 2 against 6",
        "layer 1: fill {'spikes_in': 0} against {'spikes_in': 4}",
    ]
    assert differences(one, counts(layer=2)) == [
        "1 samples x 2 steps of layers 1 against 1 samples x 2 steps of layers 2"
    ]
    assert len(differences(one, counts(steps=3))) == 1
