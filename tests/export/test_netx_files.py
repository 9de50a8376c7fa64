"""Real files are read right, odd ones as lava-dl reads them, damaged ones with all violations."""

import logging
import sysconfig
from pathlib import Path

import h5py
import numpy as np
import pytest
from netx_cases import facts, joined

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.netx.neurons import DEFAULT
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native.engine import NativeEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import Conv, CubaLif, Dense, Input, NetworkError

WHEEL = Path(sysconfig.get_path("purelib"), "tests/lava/lib/dl/netx")
NTIDIGITS = WHEEL / "gts/ntidigits/ntidigits.net"
PILOTNET = WHEEL / "gts/pilotnet_lif/network.net"
LIF = CubaLif(1024, 512, 20)


def execute(network, x, schedule):
    return NativeEngine().run(Request(network, x[None], schedule, tuple(network.by_layer)))


@pytest.mark.lava
def test_ntidigits_gives_its_recorded_output_in_every_step():
    network = netx.read(NTIDIGITS, layers=5)
    x = np.load(NTIDIGITS.with_name("input.npy")).astype(np.int32)
    recorded = np.load(NTIDIGITS.with_name("output.npy"))
    spikes = execute(network, x.reshape(64, 1, 1, -1), stream(x.shape[-1])).spikes[4][0]
    # slayer's recording has the output one step later than Lava
    np.testing.assert_array_equal(spikes[:, :-1], recorded[:, 1:])
    assert recorded.any()


@pytest.mark.lava
def test_pilotnet_gives_the_recorded_spikes_of_every_layer():
    network = netx.read(PILOTNET)
    image = np.load(PILOTNET.with_name("image.npy"))[..., None]
    found = execute(network, image, stream(24, reset_interval=17)).spikes
    names = {i: f"conv-{i - 1}" for i in range(1, 6)} | {i: f"fc-{i - 7}" for i in range(7, 10)}
    for layer, name in names.items():
        recorded = np.load(PILOTNET.with_name(f"{name}.npy"))
        assert recorded.any()
        np.testing.assert_array_equal(found[layer][0], recorded, err_msg=name)


@pytest.mark.lava
def test_an_average_at_the_end_is_the_readout():
    network = netx.read(NTIDIGITS)
    readout, size = network.readout, network.output.size
    assert (readout.kind, readout.layer) == ("rate", 5)
    assert readout.groups * readout.divisor == size
    assert network.layer_types[1] == "flatten"
    assert "average" in netx.inspect(NTIDIGITS).lava_dl[0]
    assert netx.inspect(NTIDIGITS, layers=5).lava_dl == ()


@pytest.mark.lava
def test_skipped_layers_leave_their_output_as_input():
    whole, rest = netx.read(NTIDIGITS, layers=5), netx.read(NTIDIGITS, layers=5, skip=3)
    assert (rest.input.layer, rest.input.shape) == (2, whole.by_layer[2].shape)
    x = np.load(NTIDIGITS.with_name("input.npy")).astype(np.int32)[:, :300]
    spikes = execute(whole, x.reshape(64, 1, 1, -1), stream(300)).spikes
    again = execute(rest, spikes[2][0], stream(300)).spikes
    np.testing.assert_array_equal(again[4], spikes[4])
    assert spikes[4].any()


@pytest.mark.lava
def test_a_skipped_flatten_layer_leaves_the_files_order():
    with h5py.File(PILOTNET) as file:
        stored = file["layer/7/weight"][()]
    behind, before = netx.read(PILOTNET, skip=7), netx.read(PILOTNET, skip=6)
    np.testing.assert_array_equal(behind.projections[0].synapses.weight, stored)
    assert before.input.shape == (20, 2, 64)
    as_tensor = before.projections[0].synapses.weight.reshape(-1, 20, 2, 64)
    np.testing.assert_array_equal(as_tensor.transpose(0, 3, 2, 1).reshape(stored.shape), stored)


@pytest.mark.lava
def test_the_input_of_images_keeps_its_transform():
    network = netx.read(WHEEL / "tiny.net")
    assert network.input == Input(0, (16, 16, 3), drives_bias=True, scale=36, offset=34)


@pytest.mark.lava
def test_a_dense_layer_without_neuron_is_a_running_sum():
    found = netx.inspect(WHEEL / "mnist.net")
    assert found.network.output.neuron == DEFAULT
    assert "layer 3: no neuron" in found.warnings[0]


@pytest.fixture
def path(tmp_path):
    """A small file: input, conv, flatten, dense, dense, with biases and delays."""
    rng = np.random.default_rng(1)
    even = lambda *shape: (rng.integers(-20, 20, shape) * 2).astype(np.int32)  # noqa: E731
    network = joined(
        Input(0, (4, 4, 2)),
        (1, (3, 3, 2), LIF, Conv(even(2, 2, 2, 2)), np.tile(even(2), (3, 3, 1))),
        (3, (4,), LIF, Dense(even(4, 18), np.full((4, 18), 3, np.int32)), even(4)),
        (4, (3,), LIF, Dense(even(3, 4)), None),
    )
    assert netx.write(network, tmp_path / "n.net").for_lava_dl
    return tmp_path / "n.net"


def edit(path, key, value):
    """Replace or remove (None) one entry of a file."""
    with h5py.File(path, "a") as file:
        if key in file:
            del file[key]
        if value is not None:
            file[key] = value


@pytest.mark.parametrize(
    ("delay", "as_matrix"),
    [
        (5, np.full((3, 4), 5)),
        (np.array([1.0, 2.0, 3.0]), np.repeat([[1], [2], [3]], 4, axis=1)),
        (np.array([1, 2, 3, 4]), np.repeat([[1, 2, 3, 4]], 3, axis=0)),
        (np.arange(12).reshape(3, 4), np.arange(12).reshape(3, 4)),
        (np.array([0, 62, 63]), np.repeat([[0], [62], [62]], 4, axis=1)),
    ],
    ids=["one", "by target", "by source", "by synapse", "clamped"],
)
def test_delays_are_read_as_lava_dl_does(path, delay, as_matrix, caplog):
    edit(path, "layer/4/delay", delay)
    with caplog.at_level(logging.WARNING):
        network = netx.read(path)
    np.testing.assert_array_equal(network.projections[2].synapses.delay, as_matrix)
    assert ("clamped" in caplog.text) == (np.max(delay) > 62)


@pytest.mark.parametrize(
    "edits",
    [
        {"layer/4/weight": lambda f: f["layer/4/weight"][()].reshape(-1).astype(float)},
        {"layer/1/weight": lambda f: f["layer/1/weight"][()][..., None]},
        {"layer/3/bias": lambda f: f["layer/3/bias"][()].astype(np.float32)},
        {"layer/4/type": lambda f: np.array([b"dense"], "S10")},
        {"layer/4/neuron/type": lambda f: "LOIHI"},
        {"layer/1/stride": lambda f: 1},
        {"layer/4/shape": lambda f: [3, 1, 1]},
    ],
    ids=lambda edits: next(iter(edits)),
)
def test_other_spellings_of_the_same_network(path, edits):
    before = facts(netx.read(path))
    for key, value in edits.items():
        with h5py.File(path) as file:
            new = value(file)
        edit(path, key, new)
    assert facts(netx.read(path)) == before


@pytest.mark.parametrize(
    ("key", "value", "layer", "what"),
    [
        ("layer/1/type", "pool", 1, "weight is of shape (2, 2, 2, 2), limit (1, 1, y, x)"),
        ("layer/1/type", "concat", 1, "layers is missing"),
        ("layer/1/type", "blob", 1, "type is blob"),
        ("layer/1/neuron", None, 1, "neuron is missing"),
        ("layer/1/weight", np.full((2, 2, 2, 2), 0.5), 1, "0.5 (16 of 16 values)"),
        ("layer/1/weight", np.full((2, 2, 2, 2), np.nan), 1, "weight is nan"),
        ("layer/1/weight", np.full((2, 2, 2, 2), 300), 1, "weight is 300 (16 of 16 values)"),
        ("layer/1/groups", 3, 1, "groups is 3"),
        ("layer/1/stride", [0, 1], 1, "stride is (1, 0)"),
        ("layer/1/padding", [4, 4], 1, "shape is (3, 3, 2)"),
        ("layer/1/delay", [1, 2], 1, "slayer delays what the layer sends, lava-dl ignores it"),
        ("layer/1/bias", [1, 2, 3], 1, "bias is of shape (3,)"),
        ("layer/2", None, 2, "group is missing"),
        ("layer/2/type", "average", 3, "behind an average"),
        ("layer/3/type", None, 3, "type is missing"),
        ("layer/3/shape", [10**6] * 3, 3, "shape is"),
        ("layer/3/weight", None, 3, "weight is missing"),
        ("layer/3/weight", "text", 3, "weight is"),
        ("layer/3/weight", np.ones((4, 9)), 3, "weight shape is (4, 9)"),
        ("layer/3/bias", np.full(4, 5000), 3, "bias is 5000"),
        ("layer/3/bias", np.full(4, 0.5), 3, "0.5 (4 of 4 values)"),
        ("layer/3/delay", np.full(4, -1), 3, "delay is -1"),
        ("layer/3/delay", np.full(4, 1.5), 3, "1.5 (4 of 4 values)"),
        ("layer/3/delay", np.ones(5), 3, "delay is of shape (5,)"),
        ("layer/3/neuron/iDecay", 4097, 3, "current decay is 4097"),
        ("layer/3/neuron/vDecay", None, 3, "neuron/vDecay is missing"),
        ("layer/3/neuron/vThMant", -1, 3, "threshold is -1"),
        ("layer/3/neuron/wgtExp", 2, 3, "neuron/wgtExp is 2"),
        ("layer/3/neuron/gradedSpike", True, 3, "neuron/gradedSpike is true"),
        ("layer/3/neuron/type", "RF_PHASE", 3, "neuron/sinDecay is missing"),
        ("layer/3/neuron/type", "ADRF_PHASE", 3, "no process with adaptive threshold"),
        ("layer/3/neuron/type", "ALIF", 3, "neuron/thDecay is missing"),
        ("layer/3/neuron/iDecay", [5, 6, 5, 5], 3, "one that all neurons share"),
        ("layer/4/weight", [[-4, -3, 0, 0]] * 3, 4, "Lava rounds each sum"),
        ("spikewatt/version", 5, None, "newer spikewatt"),
        ("spikewatt/start", "later", None, "start is later"),
        ("spikewatt/training", "{", None, "not JSON"),
        ("layer", None, None, "group `layer` is missing"),
    ],
)
def test_damage_is_named(path, key, value, layer, what):
    edit(path, key, value)
    with pytest.raises(NetworkError) as caught:
        netx.read(path)
    named = [v for v in caught.value.violations if what in str(v)]
    assert named, str(caught.value)
    assert named[0].layer == layer


def test_all_violations_come_together(path):
    edit(path, "layer/1/weight", np.full((2, 2, 2, 2), 300))
    edit(path, "layer/3/neuron/iDecay", 5000)
    edit(path, "layer/4/type", "concat")
    with pytest.raises(NetworkError) as caught:
        netx.read(path)
    assert {v.layer for v in caught.value.violations} == {1, 3, 4}


def test_changed_weights_are_told_and_read_as_lava_computes(path):
    stored = np.tile([-128, -2, -4, -6], (3, 1))
    edit(path, "layer/4/weight", stored)
    found = netx.inspect(path)
    assert "change 3 of 12 weights (-128 to -126" in found.warnings[0]
    changed = found.network.projections[2].synapses.weight != stored
    np.testing.assert_array_equal(changed, stored == -128)
    assert found.lava_dl == ()


def test_slayers_threshold_of_a_pure_integrator_never_fires(path):
    edit(path, "layer/4/neuron/vThMant", (1 << 18) - 1)
    found = netx.inspect(path)
    assert found.network.output.neuron.v_threshold == DEFAULT.v_threshold
    assert "never" in found.warnings[0]


def test_message_bits_come_from_the_file_or_the_caller(path):
    edit(path, "spikewatt/input/message_bits", 5)
    assert netx.read(path).input.message_bits == 5
    assert netx.read(path, message_bits=7).input.message_bits == 7
    assert "input_message_bits=5" in netx.inspect(path).hints[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "is no file"),
        (lambda p: p.mkdir(), "is no file"),
        (lambda p: p.write_text("layer"), "cannot be read as HDF5"),
        pytest.param(
            lambda p: p.write_bytes(NTIDIGITS.read_bytes()[:5000]),
            "cannot be read as HDF5",
            marks=pytest.mark.lava,
        ),
    ],
    ids=["missing", "directory", "text", "truncated"],
)
def test_what_is_no_file_is_one_clear_error(tmp_path, make, message):
    make(tmp_path / "x.net")
    with pytest.raises(SpikewattError, match=message):
        netx.read(tmp_path / "x.net")


@pytest.mark.lava
@pytest.mark.parametrize("cut", [{"layers": 0}, {"skip": -1}, {"layers": 2}, {"skip": 9}])
def test_cuts_that_leave_nothing_are_refused(cut):
    with pytest.raises(SpikewattError, match="at least 1"):
        netx.read(NTIDIGITS, **cut)
