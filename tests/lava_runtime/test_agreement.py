"""Planted faults: agreement names where executions differ and why. Reference files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import Reference, compare, load_reference, save_reference
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import Conv, CubaLif, Dense, Input, Network, Population, Projection, Readout

RNG = np.random.default_rng(3)
STIMULUS = RNG.integers(0, 2, (8, 4, 3, 2, 12)).astype(np.int32)


def weights(*shape: int) -> np.ndarray:
    return RNG.integers(-60, 64, shape).astype(np.int32) * 2


def population(layer: int, *shape: int) -> Population:
    bias = RNG.integers(-10, 30, shape).astype(np.int32)
    return Population(layer, shape, CubaLif(1024, 200, 150), bias)


NETWORK = Network(
    input=Input(0, (4, 3, 2)),
    populations=(population(1, 4, 3, 3), population(2, 8), population(3, 6)),
    projections=(
        Projection(0, 1, Conv(weights(3, 3, 3, 2), padding=(1, 1))),
        Projection(1, 2, Dense(weights(8, 36))),
        Projection(2, 3, Dense(weights(6, 8))),
    ),
    readout=Readout("membrane", 3),
)


def run(net: Network = NETWORK, record=(1, 2, 3), state: bool = False) -> Execution:
    request = Request(net, STIMULUS, clips(net, 8, 12), record, state)
    return NativeEngine().run(request)


def with_projection(index: int, **changes) -> Network:
    projections = list(NETWORK.projections)
    projections[index] = replace(projections[index], **changes)
    return replace(NETWORK, projections=tuple(projections))


def with_population(index: int, **changes) -> Network:
    populations = list(NETWORK.populations)
    populations[index] = replace(populations[index], **changes)
    return replace(NETWORK, populations=tuple(populations))


def test_equal_executions_agree() -> None:
    agreement = compare(NETWORK, run(state=True), run(state=True))
    assert agreement.equal
    assert agreement.first is agreement.cause is None
    assert len(agreement.compared) == 3 * 3 + 2
    assert str(agreement).startswith("Equal: spikes of layer 1, u of layer 1")


def test_the_first_difference_is_found_by_layer_step_sample_neuron() -> None:
    expected, found = run(), run()
    for sample, *neuron, step in ((1, 2, 0, 1, 5), (0, 3, 2, 2, 7), (1, 0, 2, 0, 5)):
        found.spikes[1][(sample, *neuron, step)] ^= 1
    found.spikes[2][0, 0, 0] ^= 1
    agreement = compare(NETWORK, expected, found)
    assert agreement.mismatches == {"spikes of layer 1": 3, "spikes of layer 2": 1}
    first = agreement.first
    assert (first.layer, first.step, first.sample, first.neuron) == (1, 5, 1, (0, 2, 0))
    assert first.expected == 1 - first.found
    assert "spikes of layer 1, step 5, sample 1, neuron (0, 2, 0)" in str(agreement)


def test_a_delay_that_is_off_by_one() -> None:
    quiet = with_population(0, bias=None)  # without bias a delayed input delays everything
    late = replace(
        quiet, projections=(replace(quiet.projections[0], delay=1), *quiet.projections[1:])
    )
    for a, b, word in ((quiet, late, "later"), (late, quiet, "earlier")):
        agreement = compare(NETWORK, run(a), run(b))
        assert agreement.first.layer == 1
        assert f"one step {word}: a delay" in agreement.cause  # without the stimulus


def test_neurons_in_another_order() -> None:
    found = run()
    found.spikes[1][:] = found.spikes[1].transpose(0, 2, 1, 3, 4).reshape(8, 4, 3, 3, 12)
    assert "flatten or axis order" in compare(NETWORK, run(), found).cause


def test_state_that_outlives_the_reset() -> None:
    expected, found = run(), run()
    whole = STIMULUS.transpose(1, 2, 3, 0, 4).reshape(1, 4, 3, 2, 8 * 12)
    unreset = NativeEngine().run(Request(NETWORK, whole, stream(8 * 12), (1,))).spikes[1][0]
    samples = np.moveaxis(unreset[..., 1 : 7 * 12 + 1].reshape(4, 3, 3, 7, 12), 3, 0)
    found.spikes[1][1:7] = samples[1:]  # layer 1 runs one step behind its input
    agreement = compare(NETWORK, expected, found)
    assert agreement.first.sample > 0
    assert "outlive a reset" in agreement.cause


def test_other_weights_of_one_layer() -> None:
    fault = with_projection(1, synapses=Dense(weights(8, 36)))
    agreement = compare(NETWORK, run(), run(fault))
    assert agreement.first.layer == 2
    assert "what layer 2 receives is equal, so its own weights, flatten order" in agreement.cause
    blind = compare(NETWORK, run(record=(2,)), run(fault, record=(2,)))
    assert "record layer 1 too on both sides" in blind.cause


def test_state_and_readout_differ_where_spikes_do_not() -> None:
    quiet = with_population(2, neuron=CubaLif(1024, 200, 2**17 - 1))
    other = replace(
        quiet,
        populations=(*quiet.populations[:2], replace(quiet.populations[2], bias=None)),
    )
    with_state = compare(quiet, run(quiet, state=True), run(other, state=True))
    assert with_state.first.quantity == "v"
    assert "layer 3 gives exactly what was found without its bias" in with_state.cause
    without = compare(quiet, run(quiet), run(other))
    assert without.first.quantity == "readout"
    assert "readout of layer 3, sample 0, group 0" in str(without)
    assert "the read-out's kind" in without.cause


def test_counts_alone_may_differ() -> None:
    expected, found = run(), run()
    found.counts.layers[1].synaptic_events[0, 3] += 1
    agreement = compare(NETWORK, expected, found)
    assert not agreement.equal
    assert agreement.first is None
    assert "Counts, expected against found: layer 2: synaptic_events" in str(agreement)


def reference() -> Reference:
    done = run()
    return Reference(STIMULUS, done.spikes, done.readout)


def test_a_reference_file_keeps_everything(tmp_path) -> None:
    path = tmp_path / "ref.npz"
    save_reference(path, reference())
    loaded = load_reference(path)
    assert [p.name for p in tmp_path.iterdir()] == ["ref.npz"]
    np.testing.assert_array_equal(loaded.input, STIMULUS)
    assert loaded.spikes[1].dtype == np.int32
    agreement = compare(NETWORK, loaded, run())
    assert agreement.equal
    assert "counts" not in agreement.compared
    fault = run(with_projection(1, synapses=Dense(weights(8, 36))))
    assert compare(NETWORK, loaded, fault).first.layer == 2


def test_sides_that_cannot_be_compared() -> None:
    with pytest.raises(SpikewattError, match="Nothing to compare"):
        compare(NETWORK, Reference(STIMULUS, {}), run())
    short = {i: s[..., :5] for i, s in run().spikes.items()}
    with pytest.raises(SpikewattError, match=r"shape \(8, 4, 3, 3, 12\), the expected one"):
        compare(NETWORK, Reference(STIMULUS, short), run())


@pytest.mark.parametrize(
    "arrays",
    [{"layer_1": np.ones(2, int)}, {"input": np.ones(2)}, {"input": np.ones(2, int), "layer_x": 1}],
)
def test_files_with_other_arrays_are_errors(tmp_path, arrays) -> None:
    np.savez(tmp_path / "ref.npz", **arrays)
    with pytest.raises(SpikewattError, match="a reference file holds integer arrays"):
        load_reference(tmp_path / "ref.npz")


def test_files_of_another_kind_are_errors(tmp_path) -> None:
    with pytest.raises(SpikewattError, match="does not exist"):
        load_reference(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    np.save(tmp_path / "array.npy", STIMULUS)
    np.savez(tmp_path / "pickled.npz", input=np.array([{}], object))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "pickled.npz").read_bytes()[:100])
    (tmp_path / "folder").mkdir()
    for name in ("text.npz", "array.npy", "pickled.npz", "cut.npz", "folder"):
        with pytest.raises(SpikewattError, match="cannot be read as a reference file"):
            load_reference(tmp_path / name)
    with pytest.raises(SpikewattError, match="Cannot write"):
        save_reference(tmp_path / "no" / "ref.npz", reference())
