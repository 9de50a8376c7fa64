"""RUN.json: what the record says, and files that come back as they went."""

import json

import numpy as np
import pytest

from spikewatt.energy.events import Counts, LayerCounts
from spikewatt.energy.metrics import graded_layers
from spikewatt.errors import SpikewattError
from spikewatt.report.record import SCHEMA, load, save
from spikewatt.report.recording import POINTS_MAX, _binned

PROMISED = [
    "schema",
    "spikewatt_version",
    "network",
    "network_sha256",
    "input",
    "input_sha256",
    "command",
    "seed",
    "backend",
    "versions",
    "samples",
    "steps",
    "latency_steps",
    "build_s",
    "wall_s",
    "steps_per_s",
    "layers",
    "totals",
    "metrics",
]
LAYER = [
    "index",
    "type",
    "neurons",
    "synapses",
    "synapses_nonzero",
    "spikes_in",
    "spikes_out",
    "synaptic_events",
    "synaptic_events_stored",
    "neuron_updates",
    "dense_macs",
    "firing_rate_in",
    "paper_sops",
    "fill",
]
TOTALS = [
    "synaptic_events",
    "synaptic_events_stored",
    "neuron_updates",
    "spikes_out",
    "dense_macs",
    "paper_sops",
]


def test_the_file_has_the_promised_keys(record, tmp_path):
    save(record, tmp_path / "run.json")
    written = json.loads((tmp_path / "run.json").read_text())
    assert set(PROMISED) <= set(written)
    assert written["schema"] == SCHEMA
    assert all(set(LAYER) <= set(layer) for layer in written["layers"])
    assert set(written["totals"]) == {*TOTALS, "coverage"}
    assert "accuracy" not in written
    assert "predictions" not in written


def test_round_trip_is_the_identity(record, tmp_path):
    save(record, tmp_path / "run.json")
    assert load(tmp_path / "run.json") == record
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_first_layer_against_a_count_by_hand(run, record):
    """Every spike, tap by tap, in plain loops."""
    network, stimulus, _ = run
    kernel = network.projections[0].synapses.weight
    events = stored = 0
    for _, x, y, channel, _ in np.argwhere(stimulus):
        for i, j in np.ndindex(3, 3):
            if 0 <= x - i + 1 < 4 and 0 <= y - j + 1 < 4:
                events += np.count_nonzero(kernel[:, i, j, channel])
                stored += len(kernel)
    layer = record.layers[0]
    assert (layer.synaptic_events, layer.synaptic_events_stored) == (events, stored)
    assert layer.spikes_in == np.count_nonzero(stimulus)
    assert layer.dense_macs == kernel.size * 16
    assert layer.neuron_updates == 48 * stimulus.shape[-1] * len(stimulus)


def test_paper_sops_are_rate_times_steps_times_macs(run, record):
    network = run[0]
    for layer in record.layers:
        sources = np.prod(network.shape_of(network.incoming(layer.index)[0].source))
        slots = sources * record.steps * record.samples
        assert layer.firing_rate_in == layer.spikes_in / slots
        want = layer.firing_rate_in * record.steps * record.samples * layer.dense_macs
        assert layer.paper_sops == pytest.approx(want, rel=1e-12)


def test_totals_are_sums_and_everything_is_counted(record):
    for name in TOTALS:
        assert getattr(record.totals, name) == sum(getattr(x, name) for x in record.layers)
    assert record.totals.coverage == 1.0


def test_a_layer_that_was_not_counted_lowers_the_coverage(run):
    from dataclasses import replace

    from spikewatt.report.recording import Provenance, record_of

    network, _, execution = run
    counts = replace(execution.counts, layers=execution.counts.layers[:1])
    partial = record_of(network, replace(execution, counts=counts), Provenance("n", "i"))
    conv, all_synapses = partial.layers[0].synapses, partial.layers[0].synapses + 4 * 48 + 8
    assert partial.totals.coverage == conv / all_synapses


def test_events_by_step_keep_the_sum(record):
    for layer in record.layers:
        assert sum(layer.synaptic_events_by_step) == layer.synaptic_events
        assert len(layer.synaptic_events_by_step) == record.steps


@pytest.mark.parametrize("steps", [1, 511, 512, 513, 3000, 100_000])
def test_long_curves_are_binned(steps):
    events = np.arange(2 * steps, dtype=np.int64).reshape(2, steps)
    per_bin, bins = _binned(events)
    assert len(bins) <= POINTS_MAX
    assert sum(bins) == events.sum()
    assert bins[0] == events[:, :per_bin].sum()


def test_only_layers_that_receive_values_are_analog(record, graded_record):
    assert [x.analog_input for x in record.layers] == [False, False, False]
    assert [x.analog_input for x in graded_record.layers] == [True, False, False]


def test_a_driven_bias_is_no_analog_input():
    from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

    neuron = CubaLif(0, 0, 1)
    network = Network(
        Input(0, (2,), message_bits=8, drives_bias=True),
        (Population(0, (2,), neuron), Population(1, (2,), neuron)),
        (Projection(0, 1, Dense(np.eye(2, dtype="i4"))),),
    )
    assert graded_layers(network) == frozenset()


def test_metrics_by_hand(run, record):
    network, _, execution = run
    weights = [p.synapses.weight for p in network.projections]
    nonzero, size = sum(map(np.count_nonzero, weights)), sum(w.size for w in weights)
    spikes = sum(int(s.sum()) for s in execution.spikes.values())
    m = record.metrics
    assert m.connection_sparsity == 1 - nonzero / size
    assert m.activation_sparsity == 1 - spikes / record.totals.neuron_updates
    assert m.footprint == size + 2 * 4 + 6 * (48 + 4 + 2)
    assert m.effective_macs == 0
    assert m.effective_acs == record.totals.synaptic_events / record.samples


def test_values_make_macs(graded_record):
    m, first = graded_record.metrics, graded_record.layers[0]
    assert m.effective_macs == first.synaptic_events / graded_record.samples


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a run record"),
        ("not json", "not a run record"),
        ("[]", "not a run record"),
        ('{"schema": "spikewatt.run/9"}', "spikewatt.run/1"),
        ("{}", "required"),
    ],
)
def test_other_files_are_refused(tmp_path, text, said):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(SpikewattError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(SpikewattError, match="cannot be read"):
        load(tmp_path / "none.json")
    (tmp_path / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe")
    with pytest.raises(SpikewattError, match="binary"):
        load(tmp_path / "net.h5")


def test_nothing_is_left_where_the_disk_refuses(record, tmp_path):
    with pytest.raises(SpikewattError, match="Cannot write"):
        save(record, tmp_path / "no" / "run.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SpikewattError, match="Cannot write"):
        save(record, tmp_path / "folder")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_counts_need_no_engine():
    """The counts' own type is all that activity needs."""
    zeros = np.zeros((1, 2), np.int64)
    layer = LayerCounts(4, zeros, zeros, zeros, zeros, 0, {})
    assert Counts(1, 2, (layer,)).by_layer[4] is layer
