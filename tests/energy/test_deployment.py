"""Modules on a target: what computes them, what they take, and what keeps them off its cores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.energy.deployment import HOST, MICROCODE, NATIVE, Deployment, deployment, runs_on
from spikewatt.energy.limits import fit
from spikewatt.energy.mapping import partition
from spikewatt.hardware_profiles import load
from spikewatt.network import (
    Attention,
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Neuron,
    Population,
    Projection,
    Readout,
    ResonateFire,
    Sparse,
)

LIF = CubaLif(4096, 0, 10)
RESONATOR = ResonateFire(10, 20, 30, izhikevich=False)
LOIHI2 = load("loihi2_derived")
SHAPE = (4, 1, 6)


def network(last: Neuron = LIF) -> Network:
    """Queries, keys, values, attention of two heads, a read-out of two classes."""
    spread = [Projection(0, i, Conv(np.full((6, 1, 1, 1), 2, np.int32))) for i in (1, 2, 3)]
    attention = Projection(1, 4, Attention(np.array([2], np.int32), 2, 2, 3))
    kernel = Conv(np.full((2, 4, 1, 6), 2, np.int32))
    names = ("b.0.q.neuron", "b.0.k.neuron", "b.0.v.neuron", "b.0.neuron", "readout")
    return Network(
        Input(0, (4, 1, 1)),
        (*(Population(i, SHAPE, LIF) for i in (1, 2, 3, 4)), Population(5, (1, 1, 2), last)),
        (*spread, attention, Projection(4, 5, kernel)),
        readout=Readout("membrane", groups=2),
        encoder={"kind": "skeleton"},
        names=dict(enumerate(names, start=1)),
    )


def test_modules_are_the_top_levels_of_their_paths() -> None:
    found = deployment(network(), LOIHI2)
    assert [m.module for m in found.modules] == [
        "encoder",
        "b.0",
        "readout",
        "argmax of the read-out",
    ]
    encoder, block, readout, _ = found.modules
    assert (encoder.neurons, encoder.cores, encoder.runs_on) == (0, 0, HOST)
    assert (block.layers, block.populations, block.neurons) == ((1, 2, 3, 4), 4, 96)
    assert (block.native, block.microcode, block.host) == (72, 24, 0)
    assert block.runs_on == f"{NATIVE}, {MICROCODE}"
    assert block.synapses == 3 * 24
    assert (readout.synapses, readout.native, readout.runs_on) == (48, 2, NATIVE)


def test_modules_take_the_cores_of_the_mapping() -> None:
    found, mapping = deployment(network(), LOIHI2), partition(network(), LOIHI2)
    assert (found.cores, found.chips) == (len(mapping.cores), 1)
    assert sum(m.cores or 0 for m in found.modules) == found.cores
    assert sum(m.words or 0 for m in found.modules) == sum(c.words for c in mapping.cores)
    assert [m.chips for m in found.modules] == [0, 1, 1, 0]


def test_without_names_modules_are_layers() -> None:
    found = deployment(replace(network(), names={}, encoder=None, readout=None), LOIHI2)
    assert [m.module for m in found.modules] == [f"layer {i}" for i in (1, 2, 3, 4, 5)]
    assert found.changes[-1] == "read-out: none"
    assert found.changes[0].startswith("attention of layer 4: 2 heads over 4 tokens")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "or train a network whose attention is masks"),
        ({"attention": True}, "or train with attention = false, or a network whose"),
        ({"attention": "sums"}, "or train with attention = masks"),
    ],
)
def test_changes_name_the_layer_and_what_its_options_offer(options: dict, words: str) -> None:
    trained = replace(network(), training={"model": "net", "options": options})
    first, encoder, readout = deployment(trained, LOIHI2).changes
    assert first.startswith("attention of layer 4 (b.0): 2 heads over 4 tokens, a product")
    assert words in first
    assert encoder.startswith("encoder:")
    assert readout.startswith("read-out: its sums are neurons")


def test_gains_and_biases_of_steps_need_microcode() -> None:
    gain, net = np.full((4, 6), 4096, np.int32), network()
    gained = replace(net.projections[0], step_gain=gain)
    biased = replace(net.populations[1], step_bias=gain - 4096)
    stepping = replace(
        net,
        populations=(net.populations[0], biased, *net.populations[2:]),
        projections=(gained, *net.projections[1:]),
    )
    places = {1: MICROCODE, 2: MICROCODE, 3: NATIVE, 4: MICROCODE, 5: NATIVE}
    assert runs_on(stepping, LOIHI2) == places
    line = deployment(stepping, LOIHI2).changes[1]
    assert line == (
        "neurons of layers 1 (b.0), 2 (b.0): gains and biases for each of 4 steps; write microcode "
        "that reads them from tables, or train with norms that all steps share"
    )
    fitted = fit(stepping, LOIHI2)
    assert [v.layer for v in fitted.violations if v.what == "gains and biases of a step"] == [1, 2]
    assert fitted.native_share == (24 + 2) / (4 * 24 + 2)
    trained = replace(stepping, training={"options": {"time_norm": True}})
    assert "train with time_norm = false" in deployment(trained, LOIHI2).changes[1]


def test_another_neuron_model_is_for_a_processor() -> None:
    loihi1 = load("loihi1_davies")
    resonating = network(RESONATOR)
    places = runs_on(resonating, loihi1)
    assert places == {1: NATIVE, 2: NATIVE, 3: NATIVE, 4: MICROCODE, 5: HOST}
    lines = [line for line in deployment(resonating, loihi1).changes if "ResonateFire" in line]
    assert lines == [
        "neurons of layer 5 (readout): ResonateFire is no model of loihi1_davies's cores; train "
        "with CubaLif"
    ]


def test_a_network_for_several_chips_says_which_modules_lie_on_how_many() -> None:
    big = Network(
        Input(0, (1,)),
        (Population(1, (200 * 4095,), LIF), Population(2, (3,), LIF)),
        (
            Projection(0, 1, Dense(np.full((200 * 4095, 1), 2, np.int32))),
            Projection(1, 2, Sparse(*(np.array([0], np.int32),) * 3, (3, 200 * 4095), 1)),
        ),
    )
    found = deployment(big, LOIHI2)
    assert (found.cores, found.chips) == (201, 2)
    assert [(m.cores, m.chips) for m in found.modules] == [(200, 2), (1, 1)]


def test_what_fits_on_no_core_says_why_and_still_lists_its_modules() -> None:
    wide = Network(
        Input(0, (20_000,)),
        (Population(1, (2,), LIF),),
        (Projection(0, 1, Dense(np.full((2, 20_000), 2, np.int32))),),
    )
    found = deployment(wide, LOIHI2)
    assert found.cores is found.chips is None
    assert found.unmapped is not None
    assert "Layer 1 does not fit" in found.unmapped
    assert found.modules[0].neurons == 2
    assert found.modules[0].words is None
    paper = deployment(network(), load("cmos45_paper"))
    assert paper.unmapped == "profile cmos45_paper does not say what a core and a chip hold"
    assert paper.modules[1].runs_on == "not known"


def large(blocks: int = 64, joints: int = 25, channels: int = 64) -> Network:
    """A graph convolution over frames and a convolution over time: 80 million synapses."""
    shape, rng = (blocks, joints, channels), np.random.default_rng(0)
    at = np.repeat(np.arange(joints), 3), np.repeat(np.arange(joints), 3)[::-1]
    pairs = np.broadcast_arrays(
        *(
            a[:, None, None] * channels + c
            for a, c in zip(at, np.ogrid[:channels, :channels], strict=True)
        )
    )
    listed = [a.reshape(-1).astype(np.int32) for a in pairs]
    weight = rng.integers(1, 60, listed[0].size).astype(np.int32)
    size = blocks * joints * channels
    graph = Sparse(*listed, weight, (size, size), 1, repeats=blocks)
    kernel = rng.integers(1, 60, (channels, 5, 1, channels)).astype(np.int32)
    return Network(
        Input(0, shape),
        tuple(Population(i, shape, LIF) for i in (1, 2)),
        (Projection(0, 1, graph), Projection(1, 2, Conv(kernel, padding=(2, 0)))),
    )


def test_frames_share_their_synapses() -> None:
    found: Deployment = deployment(large(), LOIHI2)
    assert sum(m.synapses for m in found.modules) > 50 * 10**6
    assert found.cores is not None
    assert found.cores < 2 * 102_400 / 4095 * 8  # not one list a frame: frames share weights


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, "make the layer's inputs fewer"),
        ({"mix_heads": False}, "make the layer's inputs fewer"),
        ({"mix_heads": True}, "train with mix_heads = false"),
    ],
)
def test_neurons_that_hear_more_than_a_core_holds(options, advice) -> None:
    """Kernels are shared and do not count; lists of all projections of a layer do."""
    words = LOIHI2.limits["synaptic_memory_per_core"].model_copy(update={"value": 5})
    small = LOIHI2.model_copy(
        update={"limits": LOIHI2.limits | {"synaptic_memory_per_core": words}}
    )
    dense = Dense(np.full((2, 4), 2, np.int32))
    populations = (Population(1, (4,), LIF), Population(2, (2,), LIF), Population(3, (2,), LIF))
    projections = [Projection(0, 1, Dense(np.full((4, 4), 2, np.int32)))]
    projections += [Projection(i, 2, dense) for i in (0, 1)]
    projections += [Projection(2, 3, Dense(np.full((2, 2), 2, np.int32)))]
    wide = Network(Input(0, (4,)), populations, tuple(projections), training={"options": options})
    found = deployment(wide, small)
    assert found.cores is None
    assert (
        found.changes[0] == f"neurons of layer 2: each hears 8 sources, 5 fit on a core; {advice}"
    )
    assert len(found.changes) == 2


def test_attention_over_more_than_a_core_has_axons() -> None:
    axons = LOIHI2.limits["axons_in_per_core"].model_copy(update={"value": 19})
    for heads, refused in ((1, True), (2, False)):
        q, k, v, attended, last = network().projections
        product = replace(attended, synapses=replace(attended.synapses, heads=heads))
        wide = replace(network(), projections=(q, k, v, product, last))
        small = LOIHI2.model_copy(update={"limits": LOIHI2.limits | {"axons_in_per_core": axons}})
        told = [c for c in deployment(wide, small).changes if "smaller heads" in c]
        assert bool(told) is refused
        assert all("a neuron hears 34 queries, keys and values, a core has 19" in c for c in told)
