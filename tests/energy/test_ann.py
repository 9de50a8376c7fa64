"""The int8 ANN baseline, by hand."""

import pytest

from spikewatt.energy.ann import ABSENT, AnnLayer, access, ann_energy

LAYERS = [AnnLayer(macs=6000, weights=600, inputs=100, outputs=60), AnnLayer(120, 120, 60, 2)]
MACS, WEIGHTS, ACTIVATIONS = 6120, 720, 222


@pytest.mark.parametrize("passes", [1, 16])
def test_every_term_by_hand(passes):
    """720 bytes of weights and 160 of activations fit 8 KB: 10 pJ per 8 bytes."""
    result = ann_energy(LAYERS, passes)
    want = {
        "multiply": MACS * 0.2,
        "accumulate": MACS * 0.1,
        "operand_read": MACS * 10 / 8,
        "weight_read": WEIGHTS * 10 / 8,
        "activation_access": ACTIVATIONS * 10 / 8,
    }
    got = {name: t.energy_j / 1e-12 for name, t in result.terms.items()}
    assert got == pytest.approx({name: passes * pj for name, pj in want.items()})
    assert result.energy_j == pytest.approx(1e-12 * passes * sum(want.values()))
    low = MACS * (0.2 + 0.03 + 10 / 64) + (WEIGHTS + ACTIVATIONS) * 10 / 8
    high = MACS * (0.2 + 0.1 + 20 / 8 + 2 * 10 / 2) + (WEIGHTS + ACTIVATIONS) * 10 / 8
    assert result.band_j == pytest.approx((1e-12 * passes * low, 1e-12 * passes * high))


@pytest.mark.parametrize(
    ("size", "pj", "name"),
    [
        (8 * 1024, 10, "8 KB"),
        (8 * 1024 + 1, 20, "32 KB"),
        (1024 * 1024, 100, "1 MB"),
        (1024 * 1024 + 1, 1300, "DRAM"),
    ],
)
def test_larger_models_lie_farther_away(size, pj, name):
    price = access(size, "the weights")
    assert price.value == pj / 8
    assert f"{name}" in price.source
    assert "Horowitz" in price.source


def test_every_price_has_its_source_and_gaps_are_named():
    assert all("Horowitz" in t.price.source for t in ann_energy(LAYERS, 1).terms.values())
    assert set(ABSENT) == {"control", "static", "io"}


def test_nothing_costs_nothing():
    assert ann_energy([], 3).energy_j == 0
