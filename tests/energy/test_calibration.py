"""The derivation of loihi2_derived, done again: its price, its band, and how they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pilotnet
import pytest

import spikewatt.hardware_profiles as profiles
from spikewatt.energy.calibration import (
    Assumptions,
    Reading,
    Work,
    band_pj,
    central_pj,
    event_price_pj,
    left_out_pj,
)
from spikewatt.energy.events import Counts
from spikewatt.energy.joules import energy
from spikewatt.energy.mapping.place import place
from spikewatt.network import Dense

# lava-dl 0.6.0, tutorials/netx/pilotnet_snn/benchmark.ipynb
READING = Reading(total_w=0.679234, inferences_per_s=408.91)
STATIC_W = (0.232078, 0.282)  # its own board, and the other board of lava-dl's notebooks
UPDATE_PJ = (52.0, 0.0, 81.0)  # Loihi 1's inactive update; free; its active update
MEASURED_J = 1.0935e-3
NOTES = (Path(profiles.__file__).parent / "loihi2_derived.toml").read_text()

# The benchmarked frame is not published: the shipped one, and what stands in for others.
FRAMES = {
    "as shipped": lambda x: x,
    "mirrored": lambda x: x[::-1],
    "upside down": lambda x: x[:, ::-1],
    "half as bright": lambda x: x * 0.5,
    "all grey": lambda x: np.full_like(x, int(x.mean())),
}


def updates(counts: Counts) -> int:
    return sum(c.neuron_updates for c in counts.layers)


def touched(counts: Counts) -> int:
    """Events with every stored zero: in kernels and, as Intel's compiler stores, dense ones."""
    total = sum(int(c.synaptic_events_stored.sum()) for c in counts.layers)
    for p in pilotnet.network().projections:
        if isinstance(p.synapses, Dense):
            spikes = int(counts.by_layer[p.source].spikes_out.sum())
            layer = counts.by_layer[p.target]
            total += spikes * len(p.synapses.weight) - int(layer.synaptic_events_stored.sum())
    return total


def work_of(counts: Counts) -> tuple[Work, Work]:
    """Only synapses that are not zero, then every one that is stored."""
    events = sum(int(c.synaptic_events.sum()) for c in counts.layers)
    return Work(events, updates(counts)), Work(touched(counts), updates(counts))


@pytest.fixture(scope="module")
def runs():
    return {name: pilotnet.counts(change(pilotnet.frame())) for name, change in FRAMES.items()}


@pytest.fixture(scope="module")
def assumptions(runs):
    work = tuple(w for counts in runs.values() for w in work_of(counts))
    return Assumptions(STATIC_W, UPDATE_PJ, work)


def test_the_reading_is_the_measured_energy():
    assert READING.dynamic_j(STATIC_W[0]) == pytest.approx(MEASURED_J, rel=1e-4)


@pytest.mark.lava
def test_price_and_band_of_the_profile_are_the_derived_ones(assumptions):
    price = profiles.load("loihi2_derived").terms["synaptic_event"]
    assert round(central_pj(READING, assumptions)) == price.value
    assert band_pj(READING, assumptions) == (price.low, price.high)


def test_the_update_price_is_the_assumed_one():
    price = profiles.load("loihi2_derived").terms["neuron_update"]
    assert (price.value, price.low, price.high) == UPDATE_PJ


@pytest.mark.lava
def test_the_derivation_is_written_down_with_the_same_numbers(assumptions, runs):
    shipped = assumptions.work[:2]
    for number in (shipped[0].events, shipped[0].updates, shipped[1].events):
        assert f"{number:,}".replace(",", " ") in NOTES
    for update in UPDATE_PJ:
        assert f"{event_price_pj(MEASURED_J, shipped[0], update):.1f} pJ" in NOTES
    for low, high in left_out_pj(READING, assumptions).values():
        assert f"{low:.1f} to {high:.1f} pJ" in NOTES


@pytest.mark.lava
def test_the_model_holds_what_it_was_fitted_on(runs):
    """Calibration: this is how the prices were made, and shows nothing about other networks."""
    profile, counts = profiles.load("loihi2_derived"), runs["as shipped"]
    result = energy(counts, profile, place(pilotnet.network(), counts, profile))
    low, high = result.dynamic_band_j
    assert low < MEASURED_J < high
    assert result.calibrated_on == ("PilotNet LIF on Loihi 2",)
    assert (result.cores, result.chips) == (74, 1)
    assert result.total_j == pytest.approx(result.dynamic_j + result.static_j)


@pytest.mark.lava
def test_a_frame_hardly_changes_the_work(runs):
    """Why an unpublished frame can be stood in for: events move by 8 % at most."""
    events = [sum(int(c.synaptic_events.sum()) for c in run.layers) for run in runs.values()]
    assert max(abs(n / events[0] - 1) for n in events) < 0.08


def test_by_hand():
    reading = Reading(total_w=3.0, inferences_per_s=1e3)
    assumed = Assumptions((1.0, 2.0), (10.0, 0.0), (Work(10**8, 10**7), Work(2 * 10**8, 10**7)))
    assert central_pj(reading, assumed) == pytest.approx((2e9 - 10 * 1e7) / 1e8)  # 19 pJ
    assert left_out_pj(reading, assumed)["static_w"] == pytest.approx((9.0, 19.0))
    assert left_out_pj(reading, assumed)["update_pj"] == pytest.approx((19.0, 20.0))
    assert left_out_pj(reading, assumed)["work"] == pytest.approx((9.5, 19.0))
    assert band_pj(reading, assumed) == (4.5, 20.0)
