"""What a record keeps of spikes: exact, bounded, and only of recorded layers."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from spikewatt.report.record import load, save
from spikewatt.report.recording import Provenance, record_of
from spikewatt.report.spikes import BINS_MAX, NEURONS_MAX, POINTS_MAX, Raster, raster, rates


@pytest.mark.parametrize("shape", [(3, 5, 4, 2, 7), (1, 9, 200), (4, 3, 1)])
def test_rates_count_every_neuron_once(shape):
    spikes = np.random.default_rng(3).integers(-1, 2, shape).astype("i4")
    spikes[:, 0] = 0  # some silent neurons
    found = rates(spikes)
    fired = (spikes != 0).sum(axis=(0, -1)).reshape(-1)
    assert found.slots == shape[0] * shape[-1]
    assert found.silent == (fired == 0).sum()
    assert len(found.neurons) <= BINS_MAX
    for k, n in enumerate(found.neurons):
        low, high = k * found.spikes_per_bin + 1, (k + 1) * found.spikes_per_bin
        assert n == ((fired >= low) & (fired <= high)).sum()
    assert found.silent + sum(found.neurons) == fired.size


def test_a_silent_layer_has_rates():
    found = rates(np.zeros((2, 3, 4), "i4"))
    assert (found.silent, found.neurons) == (3, [])


def test_a_raster_holds_the_spikes_of_its_neurons(run):
    _, _, execution = run
    spikes = execution.spikes[1]
    found = raster(spikes, sample=1)
    flat = spikes[1].reshape(-1, spikes.shape[-1])
    assert found.neurons == list(range(len(flat)))
    assert sorted(found.points()) == [tuple(p) for p in np.argwhere(flat != 0)]


@pytest.mark.parametrize(("neurons", "steps", "rate"), [(1000, 16, 0.5), (64, 5000, 1), (1, 9, 1)])
def test_a_raster_is_bounded(neurons, steps, rate):
    spikes = (np.random.default_rng(1).random((1, neurons, steps)) < rate).astype("i4")
    found = raster(spikes)
    assert 1 <= len(found.neurons) <= NEURONS_MAX
    assert len(found.points()) <= POINTS_MAX
    assert found == raster(spikes)


def test_only_recorded_layers_have_them(run, record, tmp_path):
    assert all(x.rates and x.raster for x in record.layers)
    network, _, execution = run
    partial = replace(execution, spikes={2: execution.spikes[2]})
    again = record_of(network, partial, Provenance("n", "i"))
    assert [x.rates is not None for x in again.layers] == [False, True, False]
    save(again, tmp_path / "run.json")
    assert load(tmp_path / "run.json") == again


def test_a_raster_of_something_else_is_refused():
    with pytest.raises(ValidationError):
        Raster(sample=0, steps=3, neurons=[0], spikes=["1,2"])


def test_weights_and_sources_of_layers(run, record):
    network = run[0]
    assert [x.weights for x in record.layers] == [
        p.synapses.weight.size for p in network.projections
    ]
    assert [x.sources for x in record.layers] == [32, 48, 4]
