"""Counts times prices, every term by hand."""

import numpy as np
import pytest

from spikewatt.energy.activity import Activity, Placement
from spikewatt.energy.events import Counts, LayerCounts
from spikewatt.energy.joules import energy
from spikewatt.energy.measured import Measured
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import load

DONE = Activity(
    samples=2,
    steps=10,
    synaptic_events=1000,
    synaptic_events_graded=300,
    neuron_updates=500,
    firing=40,
)


def price(profile, term):
    return load(profile).terms[term].value * 1e-12


def test_loihi1_by_hand():
    result = energy(DONE, load("loihi1_davies"))
    event, active, inactive = (
        price("loihi1_davies", t)
        for t in ("synaptic_event", "neuron_update_active", "neuron_update_inactive")
    )
    low = (1000 * event + 40 * active + 460 * inactive) / 2
    high = (1000 * event + 500 * active) / 2
    assert result.dynamic_j == pytest.approx(low)
    assert result.dynamic_band_j == pytest.approx((low, high))
    assert result.terms["synaptic_event"].count == 500
    assert result.static_j is None
    assert result.total_j is None


def test_loihi2_band_by_hand():
    result = energy(DONE, load("loihi2_derived"))
    prices = load("loihi2_derived").terms
    event, update = prices["synaptic_event"], prices["neuron_update"]
    ends = [(500 * e + 250 * u) * 1e-12 for e, u in zip(event.band, update.band, strict=True)]
    assert result.dynamic_j == pytest.approx(ends[1])
    assert result.dynamic_band_j == pytest.approx((ends[0], ends[2]))
    assert result.calibrated_on


def test_graded_events_have_their_own_price_where_there_is_one():
    result = energy(DONE, load("cmos45_paper"))
    ac = price("cmos45_paper", "synaptic_event")
    mac = price("cmos45_paper", "synaptic_event_graded")
    assert result.dynamic_j == pytest.approx((700 * ac + 300 * mac) / 2)


def test_what_is_not_known_is_absent_not_zero():
    result = energy(DONE, load("loihi1_davies"))
    assert {"message", "hop", "static"} <= set(result.absent)
    assert "message" not in result.terms
    assert "mapping" in result.absent["message"]
    paper = energy(DONE, load("cmos45_paper"))
    assert {"neuron_update", "message", "hop", "static"} == set(paper.absent)


def test_a_placement_fills_what_was_absent():
    placement = Placement(cores=5, chips=2, step_time_s=1e-5, messages=60, hops_ew=20, hops_ns=10)
    bare = energy(DONE, load("loihi1_davies"))
    result = energy(DONE, load("loihi1_davies"), placement)
    message, ew, ns = (price("loihi1_davies", t) for t in ("message", "hop_ew", "hop_ns"))
    more = (60 * message + 20 * ew + 10 * ns) / 2
    assert result.dynamic_j == pytest.approx(bare.dynamic_j + more)
    watts = load("loihi1_davies").static["chip"].value * 1e-3
    assert result.static_j == pytest.approx(watts * 2 * 1e-5 * 10)
    assert result.total_j == pytest.approx(result.dynamic_j + result.static_j)
    assert not {"message", "hop", "static"} & set(result.absent)
    assert (result.cores, result.chips, result.step_time_s) == (5, 2, 1e-5)


def test_an_all_in_figure_is_total_and_never_dynamic(tmp_path):
    path = tmp_path / "all.toml"
    path.write_text(
        'name = "all"\ntitle = "All in"\nsummary = "Chip power over event rate."\n'
        '[terms.synaptic_event]\nvalue = 26\nunit = "pJ"\nkind = "measured"\n'
        'scope = "all_in"\nsource = "chip power over event rate"\n'
    )
    result = energy(DONE, load(path))
    assert result.total_j == pytest.approx(500 * 26e-12)
    assert result.dynamic_j is None
    assert result.dynamic_band_j is None


def test_counts_go_in_as_they_are():
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 50, (3, 4)) for _ in range(4)]
    layer = LayerCounts(1, *arrays, neuron_updates=600, fill={})
    other = LayerCounts(2, *arrays[::-1], neuron_updates=60, fill={})
    counts = Counts(3, 4, (layer, other))
    activity = Activity.of_counts(counts, graded_layers=[2])
    assert activity.synaptic_events == arrays[2].sum() + arrays[1].sum()
    assert activity.synaptic_events_graded == arrays[1].sum()
    assert activity.firing == arrays[1].sum() + arrays[2].sum()
    assert energy(counts, load("loihi2_derived")) == energy(activity, load("loihi2_derived"))


@pytest.mark.parametrize("joules", [0.0, -1e-3, float("nan"), float("inf")])
def test_a_measurement_must_be_positive(joules):
    with pytest.raises(SpikewattError, match="positive"):
        Measured(joules, "board", "power monitor")
