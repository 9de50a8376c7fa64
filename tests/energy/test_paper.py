"""The papers' formula, by hand."""

import pytest

from spikewatt.energy.paper import PaperLayer, paper_energy, prices


def test_prices_are_the_papers():
    mac, sop = prices()
    assert (mac.band_pj[1], sop.band_pj[1]) == (4.6, 0.9)
    assert "Horowitz" in mac.source
    assert "Horowitz" in sop.source


def test_binary_layers_cost_sops_and_analog_ones_macs():
    layers = [PaperLayer(1000, 999.0, analog_input=True), PaperLayer(400, 600.0, False)]
    result = paper_energy(layers, samples=3, steps=8)
    assert result.macs == 1000 * 8
    assert result.sops == 200
    assert result.energy_j == pytest.approx(4.6e-12 * 8000 + 0.9e-12 * 200)


def test_nothing_costs_nothing():
    assert paper_energy([], samples=1, steps=1).energy_j == 0
