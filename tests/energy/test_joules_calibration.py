"""The derivation of loihi2_derived, done again from lava-dl's recorded spikes."""

from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

import spikewatt.hardware_profiles as profiles
from spikewatt.energy.activity import Activity
from spikewatt.energy.events import fan_out, fan_out_stored
from spikewatt.energy.joules import energy
from spikewatt.export import netx

FOLDER = "tests/lava/lib/dl/netx/gts/pilotnet_lif/"
# Spikes that leave each layer; the last layer sends none.
SPIKES = {0: "input", 7: "fc-0", 8: "fc-1", 9: "fc-2"} | {i: f"conv-{i - 1}" for i in range(1, 6)}
STEPS = 16  # an inference
MEASURED_J = 1.0935e-3  # dynamic, an inference: lava-dl's tutorials/netx/pilotnet_snn


def shipped(name):
    found = (Path(f.locate()) for f in files("lava-dl") or () if str(f) == FOLDER + name)
    return next(found)


@pytest.fixture(scope="module")
def counted():
    """Activity of one inference, and the events with the zeros that kernels store."""
    network = netx.read(shipped("network.net"))
    events = stored = firing = 0
    for p in network.projections:
        depth = network.depths[p.source]
        spikes = np.load(shipped(f"{SPIKES[p.source]}.npy")) != 0
        sent = spikes[..., depth : depth + STEPS].sum(axis=-1).reshape(-1)
        events += int(sent @ fan_out(network, p))
        stored += int(sent @ fan_out_stored(network, p))
        firing += int(sent.sum())
    updates = STEPS * sum(p.size for p in network.populations)
    return Activity(1, STEPS, events, 0, updates, firing), stored


def solved_pj(update_pj, counted_events, activity):
    """The price of an event that makes the terms add up to what was measured."""
    return (MEASURED_J / 1e-12 - update_pj * activity.neuron_updates) / counted_events


def test_the_price_solves_the_measurement(counted):
    activity, _ = counted
    terms = profiles.load("loihi2_derived").terms
    update = terms["neuron_update"].value
    solved = solved_pj(update, activity.synaptic_events, activity)
    assert round(solved) == terms["synaptic_event"].value


def test_the_band_holds_every_way_to_solve_it(counted):
    activity, stored = counted
    low, _, high = profiles.load("loihi2_derived").terms["synaptic_event"].band
    for events in (activity.synaptic_events, stored):
        for update in (0, 52, 81):
            assert low < solved_pj(update, events, activity) < high


def test_the_model_meets_what_it_was_fitted_on(counted):
    """Calibration: this is how the prices were made, and shows nothing about other networks."""
    result = energy(counted[0], profiles.load("loihi2_derived"))
    low, high = result.dynamic_band_j
    assert low < MEASURED_J < high
    assert result.calibrated_on == ("PilotNet LIF on Loihi 2",)


def test_the_derivation_is_written_down_with_the_same_numbers(counted):
    activity, stored = counted
    text = (Path(profiles.__file__).parent / "loihi2_derived.toml").read_text()
    for number in (activity.synaptic_events, activity.neuron_updates, stored):
        assert f"{number:,}".replace(",", " ") in text
    for update in (0, 52, 81):
        solved = solved_pj(update, activity.synaptic_events, activity)
        assert f"{solved:.1f} pJ" in text
    assert f"{solved_pj(81, stored, activity):.1f} pJ" in text
