"""Load, hops, time and energy of a small network on three cores, every term by hand.

The numbers are those of docs/energy-model.md, "On cores, by hand".
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from oracle import Oracle
from random_networks import requests

from spikewatt.energy.events import Counts, LayerCounts
from spikewatt.energy.joules import energy
from spikewatt.energy.mapping.fan_in import fan_in
from spikewatt.energy.mapping.load import whole
from spikewatt.energy.mapping.place import place, placed
from spikewatt.energy.timing import energy_delay_js, io_bound
from spikewatt.hardware_profiles import load
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection


def near(value):
    """Equal but for rounding, however small the unit."""
    return pytest.approx(value, rel=1e-9, abs=0)


LIF = CubaLif(i_decay=4096, v_decay=0, v_threshold=10)
PJ = 1e-12


def table(name, unit, **values):
    rows = (
        f'[{name}.{k}]\nvalue = {v}\nunit = "{unit}"\nkind = "vendor"\nsource = "made up here"\n'
        for k, v in values.items()
    )
    return "".join(rows)


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """Two neurons a core, two by two tiles of one core."""
    path = tmp_path_factory.mktemp("profile") / "small.toml"
    path.write_text(
        'name = "small"\ntitle = "Small"\nsummary = "By hand."\n'
        + table("terms", "pJ", synaptic_event=10, neuron_update_active=3)
        + table("terms", "pJ", neuron_update_inactive=2, message=5, hop_ew=1, hop_ns=7)
        + table("static", "mW", chip=1)
        + table("limits", "neurons", neurons_per_core=2)
        + table("limits", "cores", cores_per_chip=4, cores_per_tile=1)
        + table("limits", "tiles", mesh_width=2, mesh_height=2)
        + table("timing", "ns", synaptic_event=4, neuron_update_active=3)
        + table("timing", "ns", neuron_update_inactive=1, hop_ew=6, hop_ns=8, barrier=10)
    )
    return load(path)


@pytest.fixture(scope="module")
def network():
    first = Dense(np.array([[2, 0], [2, 2], [2, 2], [0, 2]], "i4"))
    second = Dense(np.array([[2, 2, 2, 0]], "i4"))
    return Network(
        Input(0, (2,)),
        (Population(1, (4,), LIF), Population(2, (1,), LIF)),
        (Projection(0, 1, first), Projection(1, 2, second)),
    )


def layer(index, spikes_in, events, spikes_out, updates):
    arrays = [np.array([values], "i8") for values in (spikes_in, spikes_out, events, events)]
    return LayerCounts(index, *arrays, neuron_updates=updates, fill={})


@pytest.fixture(scope="module")
def counts():
    """Inputs spike 2 and 1 times, all four neurons fire once in step 0, the last one in step 1."""
    return Counts(1, 2, (layer(1, [2, 1], [6, 3], [4, 0], 8), layer(2, [4, 0], [3, 0], [0, 1], 2)))


@pytest.fixture(scope="module")
def found(network, counts, profile):
    return placed(network, counts, profile)


def test_load_of_each_core(found):
    np.testing.assert_allclose(found.load.events[:, 0], [[3, 1.5], [3, 1.5], [3, 0]])
    np.testing.assert_allclose(found.load.messages_in[:, 0], [[2, 1], [2, 1], [4, 0]])
    np.testing.assert_allclose(found.load.messages_out[:, 0], [[2, 0], [2, 0], [0, 0]])
    assert found.load.updates.tolist() == [2, 2, 1]
    assert found.load.events_of(found.layer_cores(1)) == [5, 4]  # 4.5 each, sum kept
    assert found.load.updates_of(found.layer_cores(1)) == [4, 4]


def test_messages_and_hops(found):
    """Inputs reach two cores each; layer 1 sends 2 + 2, of which the second core's go west too."""
    placement = found.placement
    assert placement.messages == 3 * 2 + 4
    assert (placement.hops_ew, placement.hops_ns) == (2, 4)
    assert (placement.cores, placement.chips) == (3, 1)
    assert found.notes  # spikes come from outside


def test_time_of_each_step(found):
    """Step 0: four messages over one link, 32 ns. Step 1: nothing takes as long as the barrier."""
    time = found.time
    np.testing.assert_allclose(time.steps_s, [[32e-9, 10e-9]])
    assert time.step_time_s == near(21e-9)
    assert time.terms_s == near(
        {"neuron_update": 4.5e-9, "synaptic_event": 9e-9, "link": 16e-9, "floor": 10e-9}
    )
    assert set(time.absent) == {"memory_read"}


def test_throughput_latency_and_energy_delay(found, network):
    assert found.time.throughput(2) == near(1 / 42e-9)
    assert network.latency_steps == 2
    latency = found.time.latency_s(2, network.latency_steps)
    assert latency == near(84e-9)
    assert energy_delay_js(267 * PJ, latency) == near(267 * PJ * 84e-9)


def test_every_term_of_the_energy(found, counts, profile):
    result = energy(counts, profile, found.placement)
    assert {name: round(t.energy_j / PJ, 6) for name, t in result.terms.items()} == {
        "synaptic_event": 120,
        "neuron_update_active": 15,
        "neuron_update_inactive": 10,
        "message": 50,
        "hop_ew": 2,
        "hop_ns": 28,
    }
    assert result.dynamic_j == near(225 * PJ)
    assert result.static_j == near(42 * PJ)  # 1 mW, 1 chip, 2 x 21 ns
    assert result.total_j == near(267 * PJ)
    assert set(result.absent) == {"io"}


def test_between_chips_hops_are_absent_with_the_reason(network, counts, profile):
    limits = dict(profile.limits)
    limits["cores_per_chip"] = limits["cores_per_chip"].model_copy(update={"value": 2.0})
    two = profile.model_copy(update={"limits": limits})
    placement = place(network, counts, two)
    assert (placement.chips, placement.hops_ew) == (2, None)
    assert "2 chips" in energy(counts, two, placement).absent["hop"]


def test_profiles_without_cores_and_all_in_figures_place_nothing(network, counts):
    for name in ("cmos45_paper", "truenorth"):
        assert place(network, counts, load(name)).cores is None


def test_io_bound():
    """PilotNet SDNN ran 11.18 steps a second; no layer of it needs a millisecond."""
    assert io_bound(1e-3, 1 / 11.18)
    assert not io_bound(59e-6, 153e-6)


def test_whole_numbers_keep_their_sum():
    assert whole(np.array([0.5, 0.5, 1.0])) == [1, 0, 1]
    assert sum(whole(np.full(7, 10 / 7))) == 10


@settings(max_examples=30, deadline=None)
@given(request=requests())
def test_shares_add_up_to_what_was_counted(request):
    """Any network: cores' events, firings and updates are the layers', fan-in is fan-out."""
    network = request.network
    counts = Oracle(request).run().counts
    done = placed(network, counts, load("loihi1_davies"))
    for p in network.populations:
        cores, counted = done.layer_cores(p.layer), counts.by_layer[p.layer]
        arrived = sum(fan_in(network, q).sum() for q in network.incoming(p.layer))
        if arrived:
            assert sum(done.load.events_of(cores)) == counted.synaptic_events.sum()
        np.testing.assert_allclose(done.load.firing[cores].sum(axis=0), counted.spikes_out)
        assert sum(done.load.updates_of(cores)) == counted.neuron_updates
    assert done.placement.messages >= 0
