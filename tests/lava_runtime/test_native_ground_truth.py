"""The native engine against the ground truths that come with lava-dl, and its speed."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path

import h5py
import numpy as np
import pytest
from oracle import synapses_of

from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import Conv, CubaLif, Dense, Input, Network, Population, Projection

GROUND_TRUTHS = "tests/lava/lib/dl/netx/gts"
PILOTNET_FILES = ("conv-0", "conv-1", "conv-2", "conv-3", "conv-4", "fc-0", "fc-1", "fc-2")


def ground_truth(name: str) -> Path:
    path = f"{GROUND_TRUTHS}/{name}"
    return next(Path(f.locate()) for f in files("lava-dl") or () if str(f) == path)


def load(name: str) -> np.ndarray:
    return np.load(ground_truth(name))


def integers(values) -> np.ndarray:
    whole = np.rint(values[()]).astype(np.int32)
    assert (whole == values[()]).all()
    return whole


def neuron_of(layer) -> CubaLif:
    return CubaLif(*(int(layer["neuron"][k][()]) for k in ("iDecay", "vDecay", "vThMant")))


def ntidigits() -> Network:
    """64-256-256-242 with one delay per output."""
    populations, projections = [], []
    with h5py.File(ground_truth("ntidigits/ntidigits.net")) as file:
        for i in (2, 3, 4):
            layer = file[f"layer/{i}"]
            weight, delay = integers(layer["weight"]), None
            if "delay" in layer:
                per_output = integers(layer["delay"])[:, None]
                delay = np.repeat(per_output, weight.shape[1], axis=1)
            populations.append(Population(i, weight.shape[:1], neuron_of(layer)))
            projections.append(Projection(0 if i == 2 else i - 1, i, Dense(weight, delay)))
    return Network(Input(0, (64, 1, 1)), tuple(populations), tuple(projections))


def _conv_of(layer) -> Conv:
    xy = [tuple(layer[k][()].tolist()[::-1]) for k in ("stride", "padding", "dilation")]
    weight = integers(layer["weight"]).transpose(0, 3, 2, 1)
    return Conv(weight, *xy, groups=int(layer["groups"][()]))


def _dense_of(layer, source: tuple[int, ...]) -> Dense:
    """Columns follow (channel, y, x) in the file, (x, y, channel) here."""
    weight = integers(layer["weight"]).reshape(-1, *source[::-1])
    order = (0, *range(weight.ndim - 1, 0, -1))
    return Dense(weight.transpose(order).reshape(len(weight), -1))


def pilotnet() -> Network:
    """Five convolutions and four dense layers behind a population that the image drives."""
    with h5py.File(ground_truth("pilotnet_lif/network.net")) as file:
        layers = {i: file[f"layer/{i}"] for i in range(11) if i != 6}
        shape = tuple(layers[0]["shape"][()].tolist()[::-1])
        populations, projections = [Population(0, shape, neuron_of(layers[0]))], []
        for i, layer in list(layers.items())[1:]:
            before = populations[-1]
            dense = layer["type"][0] == b"dense"
            synapses = _dense_of(layer, before.shape) if dense else _conv_of(layer)
            target = tuple(layer["shape"][()].tolist()[::-1])
            target = target[-1:] if dense else target
            bias = np.broadcast_to(integers(layer["bias"]), target)
            populations.append(Population(i, target, neuron_of(layer), bias))
            projections.append(Projection(before.layer, i, synapses))
    source = Input(0, shape, drives_bias=True)
    return Network(source, tuple(populations), tuple(projections))


def run_ntidigits() -> Execution:
    x = load("ntidigits/input.npy").astype(np.int32).reshape(1, 64, 1, 1, 3000)
    return NativeEngine().run(Request(ntidigits(), x, stream(3000), (2, 3, 4)))


def pilotnet_request(record: tuple[int, ...] = (), record_state: bool = False) -> Request:
    """The files were made with a reset every 17 steps."""
    image = load("pilotnet_lif/image.npy")[None, ..., None]
    return Request(pilotnet(), image, stream(24, 17), record, record_state)


def test_ntidigits_equals_the_file_in_every_step() -> None:
    """Lava's timeline runs one step ahead of the file's, whose first step is silent."""
    found, expected = run_ntidigits().spikes[4][0], load("ntidigits/output.npy")
    assert expected.any()
    assert not expected[:, 0].any()
    np.testing.assert_array_equal(found[:, :-1], expected[:, 1:])


def test_ntidigits_events_equal_a_count_from_the_recorded_spikes() -> None:
    network, done = ntidigits(), run_ntidigits()
    spikes = {0: load("ntidigits/input.npy"), **{i: s[0] for i, s in done.spikes.items()}}
    for projection in network.projections:
        listed = synapses_of(network, projection)
        assert (listed.weight != 0).all()
        events = np.zeros(3000, np.int64)
        for source in listed.source:
            events += spikes[projection.source][source] != 0
        counts = done.counts.by_layer[projection.target]
        np.testing.assert_array_equal(counts.synaptic_events[0], events)
        np.testing.assert_array_equal(counts.synaptic_events_stored[0], events)
        sent = spikes[projection.source].sum(axis=0)
        np.testing.assert_array_equal(counts.spikes_in[0], sent)


def test_pilotnet_equals_the_files_in_every_step() -> None:
    """Spikes and u everywhere; v where there is no spike (the files hold another value there)."""
    request = pilotnet_request(record_state=True)
    layers = tuple(request.network.by_layer)
    done = NativeEngine().run(Request(**{**vars(request), "record": layers}))
    np.testing.assert_array_equal(done.spikes[0][0], load("pilotnet_lif/input.npy"))
    for layer, name in zip(layers[1:], PILOTNET_FILES, strict=False):
        spikes, u, v = (load(f"pilotnet_lif/{name}{kind}.npy") for kind in ("", "-u", "-v"))
        np.testing.assert_array_equal(done.spikes[layer][0], spikes, name)
        np.testing.assert_array_equal(done.u[layer][0], u, name)
        silent = ~spikes
        np.testing.assert_array_equal(done.v[layer][0][silent], v[silent], name)


@pytest.mark.slow
def test_speed() -> None:
    """On two cores: 3000 steps of ntidigits and 24 of PilotNet well below 50 ms."""
    engine = NativeEngine()
    x = load("ntidigits/input.npy").astype(np.int32).reshape(1, 64, 1, 1, 3000)
    ntidigits_request = Request(ntidigits(), x, stream(3000))
    for request in (ntidigits_request, pilotnet_request()):
        seconds = min(engine.run(request).wall_s for _ in range(5))
        assert seconds < 0.05
