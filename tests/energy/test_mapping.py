"""Placement: Intel's table of PilotNet, held-out words of another network, and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pilotnet
import pytest

from spikewatt.energy.mapping import MappingError, partition
from spikewatt.energy.mapping.limits import limits_of
from spikewatt.energy.mapping.reach import reach
from spikewatt.energy.mapping.words import list_words
from spikewatt.hardware_profiles import load
from spikewatt.network import (
    Attention,
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

LIF = CubaLif(i_decay=4096, v_decay=0, v_threshold=10)
LOIHI2 = load("loihi2_derived")

# Intel's compiler (lava-dl 0.6.0, tutorials/netx/pilotnet_snn/benchmark.ipynb), by layer:
# neurons a core, SynMem words, cores. Convolutions: the fullest core's neurons; dense: the mean.
INTEL = {
    0: (3168, 0, 13),
    1: (3072, 81, 25),
    2: (2160, 864, 13),
    3: (2688, 1620, 3),
    4: (2048, 2160, 3),
    5: (2048, 2880, 2),
    7: (8, 7253, 12),
    8: (50, 1300, 1),
    9: (10, 150, 1),
    10: (1, 10, 1),
}


@pytest.fixture(scope="module")
def placed():
    return partition(pilotnet.network(), LOIHI2)


@pytest.mark.lava
def test_pilotnet_is_placed_as_intel_places_it(placed):
    found = {}
    for layer, cores in placed.by_layer.items():
        neurons = [c.neurons for c in cores]
        shown = max(neurons) if len(placed.layout[layer].grid) > 1 else int(np.mean(neurons))
        found[layer] = (shown, int(np.mean([c.words for c in cores])), len(cores))
    assert found == INTEL
    assert len(placed.cores) == 74
    assert placed.chips == 1


@pytest.mark.lava
def test_dense_axons_are_those_of_the_table(placed):
    """AxonIn 2560, 100, 50, 10; AxonMap (sending neurons) of the last convolution 1280 a core."""
    for layer, axons in {7: 2560, 8: 100, 9: 50, 10: 10}.items():
        assert {c.axons_in for c in placed.by_layer[layer]} == {axons}
    assert np.mean([c.axons_map for c in placed.by_layer[5]]) == 1280


@pytest.mark.lava
@pytest.mark.parametrize(("layer", "shown", "times"), [(0, 1015, 1), (1, 253, 2), (4, 29, 1)])
def test_axon_map_of_convolutions_counts_positions_once_or_twice(placed, layer, shown, times):
    """Which of them it is, 1 or 2, is the table's AxonIn of that row; that is not explained."""
    assert int(times * np.mean([c.axons_map for c in placed.by_layer[layer]])) == shown


@pytest.mark.lava
def test_without_its_input_layer_it_takes_61_cores(placed):
    """PilotNet SDNN has the same shapes, and its encoder is not on a core."""
    full = pilotnet.network()
    network = replace(
        full,
        input=Input(0, full.input.shape, message_bits=16),
        populations=full.populations[1:],
    )
    assert len(partition(network, LOIHI2).cores) == 61


def test_words_of_the_oxford_network_were_not_fitted():
    """tutorials/netx/oxford/runLoihi.ipynb: 14600 and 14592 words on one core, 8-bit weights."""
    form = limits_of(LOIHI2).synapse
    assert list_words(np.full(200, 256), 8, form) == 14600
    assert list_words(np.full(256, 200), 8, form) == 14592


@pytest.mark.lava
def test_the_first_cut_of_pilotnets_dense_layer_is_the_compilers():
    """Its log: 61440 words on one core, 12800 on each of six, then twelve cores."""
    form = limits_of(LOIHI2).synapse
    bits = 5  # weights up to 6: ceil(log2 6) + 2
    assert list_words(np.full(2560, 100), bits, form) == 61440
    assert list_words(np.full(2560, 17), bits, form) == 12800


def dense_network(weight):
    outputs, inputs = weight.shape
    population = Population(1, (outputs,), LIF)
    return Network(Input(0, (inputs,)), (population,), (Projection(0, 1, Dense(weight)),))


def test_words_by_hand_on_loihi_1():
    """8 bits a weight, 10 a header, 64 synapses a header: 9 words for 64, 2 for the other 6."""
    network = dense_network(np.ones((70, 3), "i4"))
    [core] = partition(network, load("loihi1_davies")).cores
    assert core.words == 3 * (9 + 1)  # 522 bits in 9 words, 58 bits in 1
    assert (core.neurons, core.axons_in, core.axons_out) == (70, 3, 0)


def test_sparse_lists_only_what_is_listed():
    weight = np.array([4, 0, -6], "i4")
    sparse = Sparse(np.array([0, 1, 1], "i4"), np.array([0, 0, 2], "i4"), weight, (2, 3), 6)
    network = Network(Input(0, (3,)), (Population(1, (2,), LIF),), (Projection(0, 1, sparse),))
    [core] = partition(network, LOIHI2).cores
    assert core.axons_in == 2  # the second input reaches nothing
    assert core.words == 2  # a list of two (a stored zero counts) and a list of one


def test_kernels_and_pools_are_stored_once_a_core():
    conv = Conv(np.full((4, 3, 3, 2), 6, "i4"), padding=(1, 1))
    pool = Pool(np.full((2, 2), 2, "i4"), stride=(2, 2))
    network = Network(
        Input(0, (64, 64, 2)),
        (Population(1, (64, 64, 4), LIF), Population(2, (32, 32, 4), LIF)),
        (Projection(0, 1, conv), Projection(1, 2, pool)),
    )
    mapping = partition(network, LOIHI2)
    first, second = mapping.by_layer[1], mapping.by_layer[2]
    # 64 x 64 x 4 = 16384 neurons: tiles of 8 columns hold 2048 (16 would be 4096, one too many)
    assert [c.neurons for c in first] == [2048] * 8
    assert {c.words for c in first} == {3 * 3 * 2}  # 4 weights of 5 bits in a word
    assert [c.neurons for c in second] == [2048] * 2
    assert {c.words for c in second} == {4}


def test_blocks_are_stored_once_a_core():
    """1500 blocks of 4 neurons, which see 2, 1, 0 and 0 of their block's two sources."""
    listed = [np.array(a, "i4") for a in ([0, 1, 0], [0, 0, 1], [6, -6, 4])]
    blocks = Sparse(*listed, (6000, 3000), 12000, repeats=1500)
    network = Network(
        Input(0, (3000,)), (Population(1, (6000,), LIF),), (Projection(0, 1, blocks),)
    )
    cores = partition(network, LOIHI2).cores
    assert sum(c.neurons for c in cores) == 6000
    assert {c.words for c in cores} == {2}  # a list of two and a list of one, whatever the blocks
    assert [c.axons_in for c in cores] == [2 * c.neurons // 4 for c in cores]


@pytest.mark.parametrize("tokens_first", [False, True])
def test_attention_takes_axons_and_no_words(tokens_first):
    """Four blocks of 16 tokens, 8 channels in two heads, on several cores."""
    shape = (8, 8, 128)
    attention = Attention(np.array([2], "i4"), 2, 2, 3, blocks=4, tokens_first=tokens_first)
    spread = [Projection(0, i, Conv(np.full((128, 1, 1, 1), 2, "i4"))) for i in (1, 2, 3)]
    network = Network(
        Input(0, (8, 8, 1)),
        tuple(Population(i, shape, LIF) for i in (1, 2, 3, 4)),
        (*spread, Projection(1, 4, attention)),
    )
    mapping = partition(network, LOIHI2)
    target = mapping.layout[4]
    assert target.cores > 1
    found = reach(network, network.projections[3], None, target, 1)[0]
    for core, held in enumerate(target.boxes):
        (x0, x1), _, (c0, c1) = held
        blocks = range(x0 // 2, -(-x1 // 2))
        heads = range(c0 // 64, -(-c1 // 64))
        assert found[core] == len(blocks) * 16 * len(heads) * 64
    assert {c.words for c in mapping.by_layer[4]} == {0}
    assert min(c.axons_in for c in mapping.by_layer[4]) > found.min()


def test_channels_are_divided_where_kernels_do_not_fit():
    """9 x 512 rows of 256 weights of 5 bits are 92160 words."""
    conv = Conv(np.full((256, 3, 3, 512), 6, "i4"))
    network = Network(
        Input(0, (4, 4, 512)), (Population(1, (2, 2, 256), LIF),), (Projection(0, 1, conv),)
    )
    cores = partition(network, LOIHI2).cores
    limit = limits_of(LOIHI2).words
    assert all(c.words <= limit for c in cores)
    assert sum(c.neurons for c in cores) == 2 * 2 * 256


@pytest.mark.lava
def test_every_neuron_is_on_one_core(placed):
    for layer, layout in placed.layout.items():
        held = np.bincount(layout.owner, minlength=layout.cores)
        assert held.tolist() == [c.neurons for c in placed.by_layer[layer]]


def test_chips():
    network = dense_network(np.ones((129 * 1024, 1), "i4"))
    mapping = partition(network, load("loihi1_davies"))
    assert len(mapping.cores) == 129
    assert mapping.chips == 2


def test_what_fits_on_no_core_is_refused_with_limit_and_layer():
    network = dense_network(np.zeros((2, 5000), "i4"))
    with pytest.raises(MappingError, match=r"Layer 1 .* 5000 of axons_in_per_core, limit 4096"):
        partition(network, load("loihi1_davies"))


@pytest.mark.lava
def test_a_profile_without_cores_is_refused():
    with pytest.raises(MappingError, match=r"cmos45_paper .* neurons_per_core"):
        partition(pilotnet.network(), load("cmos45_paper"))
