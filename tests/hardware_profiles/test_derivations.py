"""Derived prices, worked out again from the numbers that they are made of."""

import pytest

from spikewatt.energy.activity import Activity
from spikewatt.energy.joules import energy
from spikewatt.hardware_profiles import load

ACCESS_BITS, WEIGHT_BITS, STATE_BITS = 64, 8, 32


def other(profile):
    return {name: q.value for name, q in load(profile).other.items()}


def horowitz(weights_pj, memory_pj, accumulator_accesses, weight_share, half):
    """(event, update) in pJ: arithmetic, and accesses of the chosen memories."""
    cost = other("cmos45_horowitz")
    event = cost["int32_add"] + weights_pj * weight_share + accumulator_accesses * memory_pj * half
    arithmetic = 2 * cost["int32_mult"] + 4 * cost["int32_add"]
    update = 2 * memory_pj + accumulator_accesses * memory_pj * half + arithmetic
    return event, update


def test_horowitz_with_memory():
    cost, terms = other("cmos45_horowitz"), load("cmos45_horowitz").terms
    small, middle, large = (cost[f"sram_{size}_64bit"] for size in ("8kb", "32kb", "1mb"))
    share, half = WEIGHT_BITS / ACCESS_BITS, STATE_BITS / ACCESS_BITS
    ends = (
        horowitz(small, small, 0, share, half),
        horowitz(middle, small, 2, share, half),
        horowitz(large, large, 2, 1, 1),
    )
    assert terms["synaptic_event"].band == pytest.approx([event for event, _ in ends])
    assert terms["neuron_update"].band == pytest.approx([update for _, update in ends])
    multiply = (cost["int8_mult"], cost["int32_mult"], cost["int32_mult"])
    graded = [event + m for (event, _), m in zip(ends, multiply, strict=True)]
    assert terms["synaptic_event_graded"].band == pytest.approx(graded)


def test_the_papers_prices_are_horowitz_without_memory():
    cost, terms = other("cmos45_horowitz"), load("cmos45_paper").terms
    assert terms["synaptic_event"].value == cost["fp32_add"]
    mac = cost["fp32_add"] + cost["fp32_mult"]
    assert terms["synaptic_event_graded"].value == pytest.approx(mac)


def test_sana_fe_parts():
    part, profile = other("loihi1_sanafe"), load("loihi1_sanafe")
    access, update, out = (part[f"soma_{p}"] for p in ("access", "update", "spike_out"))
    active, inactive = (
        profile.terms[f"neuron_update_{kind}"].band for kind in ("active", "inactive")
    )
    assert active == pytest.approx((access + update + out,) * 3)
    assert inactive == pytest.approx((access, access, access + update))
    event = profile.terms["synaptic_event"].band
    assert (event[0], event[2]) == (part["synapse_conv"], part["synapse_dense"])
    assert event[0] <= part["synapse_sparse"] <= event[2]
    limits = {name: q.value for name, q in profile.limits.items()}
    assert limits["mesh_width"] * limits["mesh_height"] == limits["tiles_per_chip"]
    assert limits["tiles_per_chip"] * limits["cores_per_tile"] == limits["cores_per_chip"]


def test_both_loihi_profiles_have_the_same_chip():
    davies, sanafe = load("loihi1_davies").limits, load("loihi1_sanafe").limits
    assert {name: q.value for name, q in davies.items()}.items() <= {
        name: q.value for name, q in sanafe.items()
    }.items()


def test_v100():
    watts = load("gpu").other["v100_board"].value
    assert other("gpu")["v100_fp32_flop"] == pytest.approx(watts / 15.7e12 * 1e12, abs=0.05)


def test_truenorth_is_a_total_by_hand():
    done = Activity(2, 10, 1000, 0, 500, 40)
    result = energy(done, load("truenorth"))
    assert result.total_j == pytest.approx(1000 / 2 * 26e-12)
    assert result.dynamic_j is None


def test_memory_makes_an_event_dearer_than_the_papers_price():
    done = Activity(1, 10, 1000, 0, 500, 40)
    paper, memory = (energy(done, load(f"cmos45_{kind}")) for kind in ("paper", "horowitz"))
    terms = load("cmos45_horowitz").terms
    by_hand = 1000 * terms["synaptic_event"].value + 500 * terms["neuron_update"].value
    assert memory.dynamic_j == pytest.approx(by_hand * 1e-12)
    assert memory.dynamic_band_j[0] > paper.dynamic_j
