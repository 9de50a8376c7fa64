"""concat: branches joined by channel become one projection each, in the listed order."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from netx_cases import facts

from spikewatt.export import netx
from spikewatt.network import Conv, CubaLif, Dense, NetworkError, Sparse

LIF = CubaLif(1024, 300, 20)


def even(rng, *shape) -> np.ndarray:
    return rng.integers(-30, 30, shape) * 2


def put(file, i: int, kind: str, shape, **values) -> None:
    group = file.create_group(f"layer/{i}")
    group["type"], group["shape"] = kind, shape
    for key, value in values.items():
        group[key] = value
    if kind in ("dense", "conv", "pool", "dense_rec"):
        for key, value in (("iDecay", 1024), ("vDecay", 300), ("vThMant", 20), ("type", "CUBA")):
            group[f"neuron/{key}"] = value


def conv(file, i: int, shape, weight) -> None:
    """3 x 3 kernels that keep the size."""
    more = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1}
    put(file, i, "conv", shape, weight=weight, **more)


@pytest.fixture
def skipping(tmp_path):
    """Images of 4 x 5: 0 input (2 channels), 1 conv (3), 2 conv (2), 3 concat of 2, 1 and 0."""
    rng = np.random.default_rng(4)
    with h5py.File(tmp_path / "a.net", "w") as file:
        put(file, 0, "input", (2, 5, 4))
        conv(file, 1, (3, 5, 4), even(rng, 3, 2, 3, 3))
        conv(file, 2, (2, 5, 4), even(rng, 2, 3, 3, 3))
        put(file, 3, "concat", (7, 5, 4), layers=[2, 1, 0])
    return tmp_path / "a.net"


def joined(network, layer):
    return [(p.source, p.delay) for p in network.incoming(layer)]


def test_a_convolution_is_cut_along_its_channels(skipping):
    rng = np.random.default_rng(5)
    weight = even(rng, 6, 7, 3, 3)
    with h5py.File(skipping, "a") as file:
        conv(file, 4, (6, 5, 4), weight)
    network = netx.read(skipping)
    assert joined(network, 4) == [(2, 0), (1, 1), (0, 2)]  # shorter branches wait
    together = np.concatenate([p.synapses.weight for p in network.incoming(4)], axis=3)
    np.testing.assert_array_equal(together, weight.transpose(0, 3, 2, 1))
    assert "does not implement concat" in " ".join(netx.inspect(skipping).lava_dl)


def test_a_dense_layer_behind_flatten_takes_channel_after_channel(skipping):
    rng = np.random.default_rng(6)
    weight = even(rng, 6, 7 * 20)
    with h5py.File(skipping, "a") as file:
        put(file, 4, "flatten", (140, 1, 1))
        put(file, 5, "dense", (6,), weight=weight)
    network = netx.read(skipping)
    assert joined(network, 5) == [(2, 0), (1, 1), (0, 2)]
    # (channel, y, x) of all channels, as slayer flattens torch.cat of the three
    blocks = [p.synapses.weight.reshape(6, 4, 5, -1) for p in network.incoming(5)]
    flat = np.concatenate(blocks, axis=3).transpose(0, 3, 2, 1).reshape(6, -1)
    np.testing.assert_array_equal(flat, weight)


def test_flattened_layers_are_joined_as_they_are(skipping):
    """The listed layers may be flatten layers: each part has its own order."""
    rng = np.random.default_rng(7)
    weight = even(rng, 5, 3 + 60 + 3)
    with h5py.File(skipping, "a") as file:
        del file["layer/3"]
        put(file, 3, "flatten", (40, 1, 1))
        put(file, 4, "dense", (3,), weight=even(rng, 3, 40))
        put(file, 5, "dense", (60,), weight=even(rng, 60, 3))
        put(file, 6, "concat", (66,), layers=[4, 5, 4])
        put(file, 7, "dense", (5,), weight=weight)
    network = netx.read(skipping)
    assert joined(network, 7) == [(4, 1), (5, 0), (4, 1)]
    together = np.hstack([p.synapses.weight for p in network.incoming(7)])
    np.testing.assert_array_equal(together, weight)


def test_a_pool_reaches_each_parts_own_channels(skipping):
    with h5py.File(skipping, "a") as file:
        more = {"stride": [5, 2], "padding": 0, "dilation": 1}
        weight = np.full((1, 1, 5, 2), 6)
        put(file, 4, "pool", (7, 1, 2), weight=weight, **more)
    network = netx.read(skipping)
    channels = []
    for p in network.incoming(4):
        assert isinstance(p.synapses, Sparse)
        channels.append(sorted(set(np.unravel_index(p.synapses.targets, (2, 1, 7))[2].tolist())))
        assert len(p.synapses.weight) == 20 * len(channels[-1])
    assert channels == [[0, 1], [2, 3, 4], [5, 6]]


def test_a_list_without_the_layer_before_is_joined_behind_it(skipping):
    """lava-dl's text: to the previous layer plus a list; the shape tells whether it is meant."""
    rng = np.random.default_rng(5)
    with h5py.File(skipping, "a") as file:
        del file["layer/3/layers"]
        file["layer/3/layers"] = [1, 0]
        conv(file, 4, (6, 5, 4), even(rng, 6, 7, 3, 3))
    assert joined(netx.read(skipping), 4) == [(2, 0), (1, 1), (0, 2)]


def test_a_list_of_a_layer_itself_is_a_loop(tmp_path):
    rng = np.random.default_rng(5)
    weight = even(rng, 3, 4 + 3)
    with h5py.File(tmp_path / "a.net", "w") as file:
        put(file, 0, "input", (4,))
        put(file, 1, "concat", (7,), layers=[0, 2])
        put(file, 2, "dense", (3,), weight=weight)
    network = netx.read(tmp_path / "a.net")
    assert joined(network, 2) == [(0, 0), (2, 0)]
    np.testing.assert_array_equal(network.projections[1].synapses.weight, weight[:, 4:])


@pytest.mark.parametrize("behind", ["conv", "dense", "loop", "flat"])
def test_what_came_from_a_concat_is_written_as_one(skipping, tmp_path, behind):
    rng = np.random.default_rng(8)
    with h5py.File(skipping, "a") as file:
        if behind == "conv":
            conv(file, 4, (6, 5, 4), even(rng, 6, 7, 3, 3))
        else:
            put(file, 4, "flatten", (140, 1, 1))
            put(file, 5, "dense", (6,), weight=even(rng, 6, 140))
        if behind == "loop":
            put(file, 6, "concat", (9,), layers=[7, 5])
            put(file, 7, "dense", (3,), weight=even(rng, 3, 9))
        if behind == "flat":
            put(file, 6, "dense", (3,), weight=even(rng, 3, 6))
            put(file, 7, "concat", (9,), layers=[6, 5])
            put(file, 8, "dense", (4,), weight=even(rng, 4, 9))
    network = netx.read(skipping)
    report = netx.write(network, tmp_path / "b.net")
    assert "extension" not in " ".join(report.lava_dl)
    with h5py.File(tmp_path / "b.net") as file, h5py.File(skipping) as original:
        for i in original["layer"]:
            kind = original[f"layer/{i}/type"][()]
            assert file[f"layer/{i}/type"][()] == kind
            for key in {"layers", "weight", "shape"} & set(original[f"layer/{i}"]):
                expected = original[f"layer/{i}/{key}"][()]
                np.testing.assert_array_equal(file[f"layer/{i}/{key}"][()], expected, str((i, key)))
    assert facts(netx.read(tmp_path / "b.net")) == facts(network)


def test_other_delays_than_a_concats_are_in_the_extension(skipping, tmp_path):
    rng = np.random.default_rng(8)
    with h5py.File(skipping, "a") as file:
        conv(file, 4, (6, 5, 4), even(rng, 6, 7, 3, 3))
    network = netx.read(skipping)
    later = tuple(replace(p, delay=p.delay + 1) for p in network.projections)
    later = replace(network, projections=later)
    report = netx.write(later, tmp_path / "b.net")
    assert "does not delay to equal lengths" in " ".join(report.lava_dl)
    assert facts(netx.read(tmp_path / "b.net")) == facts(later)


@pytest.mark.parametrize(
    ("edits", "what"),
    [
        ({"layer/3/layers": [2, 9]}, "layers is layer 9"),
        ({"layer/3/layers": [2, 3]}, "layers is layer 3"),
        ({"layer/3/layers": [2, -1]}, "layers is layer -1"),
        ({"layer/3/layers": None}, "layers is missing"),
        ({"layer/3/layers": [2, 1]}, "shape is (7, 5, 4), limit (5, 5, 4)"),
        ({"layer/3/layers": [2] * 300}, "300 layers"),
        ({"layer/4/groups": 7}, "groups is 7 behind a concat"),
        ({"layer/4/weight": np.ones((6, 6, 3, 3))}, "of 6 channels, limit 7 joined ones"),
        ({"layer/4/type": "dense"}, "limit 120 rows"),
    ],
)
def test_concats_that_join_nothing_are_refused(skipping, edits, what):
    rng = np.random.default_rng(5)
    with h5py.File(skipping, "a") as file:
        conv(file, 4, (6, 5, 4), even(rng, 6, 7, 3, 3))
        for key, value in edits.items():
            del file[key]
            if value is not None:
                file[key] = value
    with pytest.raises(NetworkError) as caught:
        netx.read(skipping)
    assert what in str(caught.value)


def test_images_behind_a_concat_need_flatten_before_dense(skipping):
    rng = np.random.default_rng(6)
    with h5py.File(skipping, "a") as file:
        put(file, 4, "dense", (6,), weight=even(rng, 6, 140))
    with pytest.raises(NetworkError, match="put a flatten layer between"):
        netx.read(skipping)


def test_skipped_layers_cannot_be_joined(skipping):
    rng = np.random.default_rng(5)
    with h5py.File(skipping, "a") as file:
        conv(file, 4, (6, 5, 4), even(rng, 6, 7, 3, 3))
    with pytest.raises(NetworkError, match="layer 1, limit layers with an output"):
        netx.read(skipping, skip=3)
    assert isinstance(netx.read(skipping, skip=4).projections[0].synapses, Conv)
    assert isinstance(netx.read(skipping, layers=2).projections[0].synapses, Conv)


def test_matrices_behind_a_concat_are_taken_as_they_are(tmp_path):
    """lava-dl, which would change this one, does not load it."""
    with h5py.File(tmp_path / "a.net", "w") as file:
        put(file, 0, "input", (2,))
        put(file, 1, "dense", (2,), weight=[[2, 4], [6, -8]])
        put(file, 2, "concat", (4,), layers=[1, 0])
        put(file, 3, "dense", (1,), weight=[[-128, -2, -2, -4]])
    network = netx.read(tmp_path / "a.net")
    assert all(isinstance(p.synapses, Dense) for p in network.projections)
    assert [p.synapses.weight.tolist() for p in network.incoming(3)] == [[[-128, -2]], [[-2, -4]]]
    netx.write(network, tmp_path / "b.net")
    assert facts(netx.read(tmp_path / "b.net")) == facts(network)
