"""A target's limits: every violation, and lower bounds on cores checked by hand."""

from __future__ import annotations

import sysconfig
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import synapses_of
from random_networks import network

from spikewatt.energy.limits import RULES, fan_in, fit, native_share, weight_bits
from spikewatt.export import netx
from spikewatt.hardware_profiles import load
from spikewatt.network import (
    AdaptiveLif,
    Attention,
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    SigmaDelta,
)

LOIHI1, LOIHI2 = load("loihi1_davies"), load("loihi2_derived")
NEURON = CubaLif(1024, 128, 100)


def dense_net(weight: np.ndarray, neuron=NEURON, **changes) -> Network:
    """One dense layer of as many neurons as the weight has rows."""
    targets, sources = weight.shape
    names = ("bias", "message_bits")
    population = {k: v for k, v in changes.items() if k in names}
    projection = {k: v for k, v in changes.items() if k not in (*names, "input_bits")}
    return Network(
        Input(0, (sources,), changes.get("input_bits", 0)),
        (Population(1, (targets,), neuron, **population),),
        (Projection(0, 1, Dense(weight), **projection),),
    )


def even(*shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) % 255 * 2 - 256).astype(np.int32)


SOUND = dense_net(even(4, 64))


def test_a_sound_network_keeps_every_limit() -> None:
    for profile in (LOIHI1, LOIHI2):
        found = fit(SOUND, profile)
        assert found.violations == ()
        assert (found.cores, found.chips, found.native_share) == (1, 1, 1.0)


ODD = np.array([[-255, 255, 3]], np.int32)
MANY = np.ones((1, 4097), np.int32)
BROKEN = {
    "weights": (LOIHI2, dense_net(ODD), "bits of a weight", "9", "8"),
    "delay": (LOIHI1, dense_net(even(2, 3), delay=63), "delay", "63", "0..62"),
    "axon-delay": (
        LOIHI2,
        dense_net(even(2, 3), delay=3, axon_delay=np.array([0, 60, 1], np.int32)),
        "delay",
        "63",
        "0..62",
    ),
    "threshold": (
        LOIHI2,
        dense_net(even(2, 3), CubaLif(1, 0, 2**17 + 1)),
        "threshold",
        "131073",
        "0..131071",
    ),
    "bias": (
        LOIHI1,
        dense_net(even(2, 3), bias=np.array([1, 4096], np.int32)),
        "bias",
        "4096 (1 of 2 values)",
        "-4096..4095",
    ),
    "current-decay": (
        LOIHI1,
        dense_net(even(2, 3), CubaLif(0, 1, 9)),
        "current decay",
        "0",
        "1..4096",
    ),
    "voltage-decay": (
        LOIHI2,
        dense_net(even(2, 3), CubaLif(1, 4096, 9)),
        "voltage decay",
        "4096",
        "0..4095",
    ),
    "graded": (LOIHI1, dense_net(even(2, 3), input_bits=1), "message bits", "1", "0..0"),
    "fan-in": (LOIHI1, dense_net(MANY), "fan-in", "4097", "0..4096"),
    "model": (
        LOIHI1,
        dense_net(even(2, 3), SigmaDelta(3), message_bits=0),
        "neuron model",
        "SigmaDelta",
        "CubaLif",
    ),
}


@pytest.mark.parametrize(("profile", "net", "what", "found", "limit"), BROKEN.values(), ids=BROKEN)
def test_each_limit_is_told(profile, net: Network, what: str, found: str, limit: str) -> None:
    (violation,) = fit(net, profile).violations
    assert (violation.what, violation.found) == (what, found)
    assert violation.limit == f"{limit} on {profile.name}"
    assert violation.hint


def test_all_violations_come_in_one_answer() -> None:
    net = dense_net(
        np.ones((1, 4097), np.int32), CubaLif(0, 4096, 2**17 + 1), input_bits=2, delay=70
    )
    told = {v.what for v in fit(net, LOIHI1).violations}
    assert told == {
        "delay",
        "threshold",
        "current decay",
        "voltage decay",
        "message bits",
        "fan-in",
    }
    assert fit(net, LOIHI2).violations != ()


def test_every_rule_has_a_limit_somewhere() -> None:
    assert set(RULES) <= LOIHI1.limits.keys() | LOIHI2.limits.keys()


@pytest.mark.parametrize(
    ("weights", "bits"),
    [
        ([0, 0], 0),
        ([1, 3], 2),
        ([64, 64], 1),
        ([-256, 254], 8),
        ([-255, 255], 9),
        ([255, 1], 8),
        ([-2, 2], 2),
        ([-4, 2], 2),
        ([-6, 6], 3),
    ],
)
def test_bits_of_weights(weights: list[int], bits: int) -> None:
    """By hand: strip the common power of two, then magnitude bits, and one for mixed signs."""
    assert weight_bits(np.array(weights, np.int32)) == bits


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_fan_in_equals_a_count_over_single_synapses(seed: int) -> None:
    net = network(seed, equalised=True)
    for projection in net.projections:
        if isinstance(projection.synapses, Attention):
            continue
        listed = synapses_of(net, projection)
        size = net.by_layer[projection.target].size
        nonzero = np.bincount(listed.target[listed.weight != 0], minlength=size)
        np.testing.assert_array_equal(fan_in(net, projection), nonzero)


def test_cores_by_hand() -> None:
    """2500 x 4000 weights of 8 bits: 1 250 000 words; 2500 neurons, on 16384 words a core."""
    found = fit(dense_net(even(2500, 4000) | 2), LOIHI1)
    needs = {n.resource: (n.needed, n.per_core, n.cores) for n in found.needs}
    stored = int(np.count_nonzero(even(2500, 4000) | 2))
    assert stored == 10_000_000
    assert needs["neurons"] == (2500, 1024, 3)
    assert needs["synaptic memory (words)"] == (1_250_000, 16384, 77)
    assert needs["output axons"] == (0, 4096, 0)  # only the stimulus sends
    assert (found.cores, found.chips) == (77, 1)


def test_a_shared_kernel_is_held_once_and_neurons_fill_the_chips() -> None:
    conv = Conv(even(8, 3, 3, 4), padding=(1, 1))
    net = Network(
        Input(0, (200, 200, 4)), (Population(1, (200, 200, 8), NEURON),), (Projection(0, 1, conv),)
    )
    found = fit(net, LOIHI1)
    needs = {n.resource: n for n in found.needs}
    assert needs["synaptic memory (words)"].needed == 36  # 288 taps of 8 bits
    assert needs["neurons"].cores == 313  # 320 000 / 1024
    assert found.chips == 3


def test_output_axons_by_hand() -> None:
    """Each of 3000 neurons reaches 2000 targets, which fill two cores: 6000 axons."""
    first = np.ones((3000, 1), np.int32)
    second = np.ones((2000, 3000), np.int32)
    net = dense_net(first)
    net = replace(
        net,
        populations=(*net.populations, Population(2, (2000,), NEURON)),
        projections=(*net.projections, Projection(1, 2, Dense(second))),
    )
    needs = {n.resource: n for n in fit(net, LOIHI1).needs}
    assert (needs["output axons"].needed, needs["output axons"].cores) == (6000, 2)


def test_share_of_native_neurons() -> None:
    net = replace(
        SOUND,
        populations=(
            *SOUND.populations,
            Population(2, (12,), AdaptiveLif(1, 1, 1, 1, 9, 9)),
        ),
        projections=(*SOUND.projections, Projection(1, 2, Dense(even(12, 4)))),
    )
    assert native_share(net, LOIHI2) == 4 / 16
    assert "neuron model" in {v.what for v in fit(net, LOIHI2).violations}


def test_attention_needs_microcode() -> None:
    """Its layer's neurons are not native; each needs D queries, N D keys and N values."""
    attention = Attention(np.array([2], np.int32), 2, keys=0, values=1)
    net = Network(
        Input(0, (3, 2, 4)),
        (Population(1, (3, 2, 4), NEURON), Population(2, (3, 2, 4), NEURON)),
        (Projection(0, 1, Dense(even(24, 24))), Projection(1, 2, attention)),
    )
    found = fit(net, LOIHI2)
    assert found.native_share == 1 / 2
    assert [(v.layer, v.found) for v in found.violations] == [(2, "attention")]
    assert fan_in(net, net.projections[1]).tolist() == [2 + 6 * 2 + 6] * 24
    needs = {n.resource: n.needed for n in fit(net, LOIHI1).needs}
    assert needs["output axons"] == 2 * 24  # layer 1 sends queries and values


def test_a_profile_without_limits_says_nothing() -> None:
    found = fit(dense_net(MANY, delay=63), load("cmos45_paper"))
    assert (found.violations, found.needs) == ((), ())
    assert found.cores is found.chips is found.native_share is None


@pytest.mark.lava
def test_pilotnet_needs_no_more_than_what_intel_used() -> None:
    """Intel's compiler placed it on 74 cores (lava-dl's benchmark notebook): the bound is below."""
    folder = Path(sysconfig.get_paths()["purelib"]) / "tests/lava/lib/dl/netx/gts/pilotnet_lif"
    found = fit(netx.read(folder / "network.net"), LOIHI2)
    assert found.violations == ()
    assert 1 < found.cores <= 74
    assert found.chips == 1
