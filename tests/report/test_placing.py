"""The network on cores, as the record keeps it."""

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.energy.activity import UNPLACED
from spikewatt.energy.events import Counts
from spikewatt.energy.mapping.place import place
from spikewatt.hardware_profiles import load
from spikewatt.report import placing
from spikewatt.report.entry import numbers
from spikewatt.report.placing import placement_of, placements_of
from spikewatt.report.record import load as load_record
from spikewatt.report.record import save

CHIP = "loihi1_davies"


@pytest.fixture
def counted(run):
    network, _, execution = run
    return network, execution.counts


def test_the_record_places_as_the_mapping_does(counted, record):
    network, counts = counted
    for name in record.placements:
        assert record.placement(name) == place(network, counts, load(name))
    assert CHIP in record.placements
    assert record.placement("cmos45_paper") == UNPLACED


def test_loads_of_cores_add_up_to_the_layers(counted):
    network, counts = counted
    small = load(CHIP)
    limits = small.limits | {
        "neurons_per_core": small.limits["neurons_per_core"].model_copy(update={"value": 7.0})
    }
    found = placement_of(network, counts, small.model_copy(update={"limits": limits}))
    assert found.cores == sum(len(numbers(g.events)) for g in found.groups) > 7
    for group in found.groups:
        layer = counts.by_layer[group.layer]
        assert sum(numbers(group.events)) == layer.synaptic_events.sum()
        assert sum(numbers(group.updates)) == layer.neuron_updates


def test_parts_of_a_long_run_give_the_whole(counted, monkeypatch):
    network, counts = counted
    whole = placement_of(network, counts, load(CHIP))
    monkeypatch.setattr(placing, "STEPS_AT_ONCE", 1)
    parts = placement_of(network, counts, load(CHIP))
    assert parts.step_time_s == pytest.approx(whole.step_time_s)
    same = {"step_time_s", "limited_by", "messages", "hops_ew", "hops_ns"}
    assert parts.model_dump(exclude=same) == whole.model_dump(exclude=same)
    # a part rounds its messages to whole ones
    assert parts.messages == pytest.approx(whole.messages, abs=counts.samples)


def test_what_fits_on_no_core_says_so(counted):
    network, counts = counted
    chip = load(CHIP)
    tiny = chip.limits["axons_in_per_core"].model_copy(update={"value": 1.0})
    found = placement_of(
        network,
        counts,
        chip.model_copy(update={"limits": chip.limits | {"axons_in_per_core": tiny}}),
    )
    assert found.cores is None
    assert "axons_in_per_core" in found.absent["static"]


def test_files_keep_placements(record, tmp_path):
    save(record, tmp_path / "run.json")
    assert load_record(tmp_path / "run.json").placements == record.placements


def test_a_silent_network_has_a_place(counted):
    network, counts = counted
    zeros = np.zeros((counts.samples, counts.steps), np.int64)
    layers = tuple(
        replace(c, spikes_in=zeros, spikes_out=zeros, synaptic_events=zeros) for c in counts.layers
    )
    found = placements_of(network, Counts(counts.samples, counts.steps, layers))
    assert found[CHIP].messages == 0
