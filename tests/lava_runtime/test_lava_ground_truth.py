"""The Lava engine against every ground truth that comes with lava-dl: no mismatch anywhere."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from spikewatt.export import netx
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
)

pytestmark = pytest.mark.lava

PILOTNET_FILES = {
    1: "conv-0",
    2: "conv-1",
    3: "conv-2",
    4: "conv-3",
    5: "conv-4",
    7: "fc-0",
    8: "fc-1",
    9: "fc-2",
}
SDNN_BITS = 16  # lava-dl's, where the file does not say


def path_of(name: str) -> Path:
    path = f"tests/lava/lib/dl/netx/{name}"
    return next(Path(f.locate()) for f in files("lava-dl") or () if str(f) == path)


def load(name: str) -> np.ndarray:
    return integers(np.load(path_of(f"gts/{name}.npy")))


def integers(values) -> np.ndarray:
    whole = np.asarray(values).astype(np.int32)
    assert (whole == values).all()
    return whole


def run(network: Network, stimulus: np.ndarray, reset: int | None = None) -> Execution:
    schedule = stream(stimulus.shape[-1], reset)
    request = Request(network, stimulus[np.newaxis], schedule, tuple(network.by_layer), True)
    return LavaEngine().run(request)


def held(values: np.ndarray, steps: int) -> np.ndarray:
    return np.repeat(values.reshape(*values.shape[:3], 1), steps, axis=-1)


def test_pilotnet_lif() -> None:
    """Spikes and u everywhere; v where there is no spike (the files hold another value there)."""
    found = run(
        netx.read(path_of("gts/pilotnet_lif/network.net")), held(load("pilotnet_lif/image"), 24), 17
    )
    np.testing.assert_array_equal(found.spikes[0][0], load("pilotnet_lif/input"))
    for layer, name in PILOTNET_FILES.items():
        spikes, u, v = (load(f"pilotnet_lif/{name}{kind}") for kind in ("", "-u", "-v"))
        assert spikes.any()
        np.testing.assert_array_equal(found.spikes[layer][0], spikes, name)
        np.testing.assert_array_equal(found.u[layer][0], u, name)
        np.testing.assert_array_equal(found.v[layer][0][spikes == 0], v[spikes == 0], name)


def test_pilotnet_sdnn_sends_the_recorded_output() -> None:
    found = run(
        netx.read(path_of("gts/pilotnet_sdnn/network.net")), held(load("pilotnet_sdnn/input"), 9)
    )
    np.testing.assert_array_equal(found.spikes[9][0], load("pilotnet_sdnn/output"))


@pytest.mark.parametrize(
    ("name", "ending", "layers"), [("network", "", (1, 2)), ("square_network", "_square", range(5))]
)
def test_pilotnet_sdnn_sums_the_recorded_messages(name, ending, layers) -> None:
    """Behind its input layer, whose messages are recorded too."""
    network = netx.read(path_of(f"gts/pilotnet_sdnn/{name}.net"), skip=1, message_bits=SDNN_BITS)
    x = load("pilotnet_sdnn/act0")
    found = run(network, x[: network.input.shape[0], : network.input.shape[1]])
    for layer in filter(None, layers):
        sigma = load(f"pilotnet_sdnn/sigma{layer}{ending}")
        np.testing.assert_array_equal(found.u[layer][0], sigma, f"layer {layer}")


@pytest.mark.slow
@pytest.mark.parametrize("spike_exp", [0, 3, 6])
@pytest.mark.parametrize("name", ["network", "square_network"])
def test_pilotnet_sdnn_with_other_exponents_equals_stock_lava(name, spike_exp, tmp_path) -> None:
    """No file records these; lava-dl's own test allows an error of twice the scale."""
    network = netx.read(path_of(f"gts/pilotnet_sdnn/{name}.net"), spike_exp=spike_exp)
    x = held(load("pilotnet_sdnn/input"), 9)[: network.input.shape[0]]
    jobs, results = tmp_path / "jobs.pickle", tmp_path / "results.pickle"
    jobs.write_bytes(pickle.dumps([(network, x, None)]))
    script = Path(__file__).with_name("lava_stock.py")
    subprocess.run([sys.executable, script, jobs, results], check=True, timeout=300)
    found, stock = run(network, x), pickle.loads(results.read_bytes())[0]
    for layer, (messages, u, v) in stock.items():
        assert messages.any()
        np.testing.assert_array_equal(found.spikes[layer][0], messages, f"layer {layer}")
        np.testing.assert_array_equal(found.u[layer][0, ..., -1], u, f"layer {layer}")
        np.testing.assert_array_equal(found.v[layer][0, ..., -1], v, f"layer {layer}")


def test_tiny_net() -> None:
    """lava-dl's test sets the layers back every 17 steps and looks at the steps from 2."""
    found = run(netx.read(path_of("tiny.net")), held(load("tinynet/input_bias"), 17), 17)
    recorded = load("tinynet/output")[0].transpose(2, 1, 0, 3)
    assert recorded.any()
    np.testing.assert_array_equal(found.spikes[2][0][..., 2:], recorded[..., 1:])


def test_dense() -> None:
    network = Network(
        Input(0, (200,)),
        (Population(1, (256,), CubaLif(4096, 415, 6)),),
        (Projection(0, 1, Dense(load("dense/weight"))),),
    )
    found = run(network, load("dense/in"))
    np.testing.assert_array_equal(found.spikes[1][0], load("dense/out"))


def resonator(period: float, alpha: float, threshold: float, izhikevich: bool) -> ResonateFire:
    """The integers that Lava's RF holds for 12 bits of decay and 6 of state."""
    turn = (1 - alpha) * np.exp(2j * np.pi / period) * 4096
    return ResonateFire(int(turn.imag), int(turn.real), int(threshold * 64), izhikevich)


def complex_layer(neuron: ResonateFire, real: np.ndarray, imag: np.ndarray) -> Network:
    return Network(
        Input(0, (200,)),
        (Population(1, (len(real),), neuron),),
        (Projection(0, 1, Dense(real)), Projection(0, 1, Dense(imag), part="imag")),
    )


def test_complex_dense() -> None:
    weights = load("complex_dense/weight_r"), load("complex_dense/weight_img")
    found = run(complex_layer(resonator(11, 0.05, 25, False), *weights), load("complex_dense/in"))
    np.testing.assert_array_equal(found.spikes[1][0], load("complex_dense/out"))


def test_complex_input() -> None:
    """lava-dl's block takes its input in the step in which it is sent; a projection takes one."""
    one = np.eye(200, dtype=np.int32)
    x = np.pad(load("complex_dense/in"), ((0, 0), (0, 1)))
    found = run(complex_layer(resonator(7, 0.05, 1.1, True), one, one), x)
    np.testing.assert_array_equal(found.spikes[1][0][:, 1:], load("complex_dense/current"))


def test_tinynet_sdnn_input() -> None:
    steps = 15
    wave = np.sin(2 * np.pi * np.arange(steps) / steps)
    x = (load("tinynet_sdnn/input_bias")[..., np.newaxis] * wave).astype(np.int32)
    shape = x.shape[:-1]
    network = Network(
        Input(0, shape, drives_dendrite=True),
        (Population(0, shape, Delta(20), message_bits=SDNN_BITS),),
        (),
    )
    np.testing.assert_array_equal(run(network, x).spikes[0][0], load("tinynet_sdnn/input"))


def test_tinynet_sdnn_convolution() -> None:
    """lava-dl's test runs one step and compares the rest with zeros."""
    recorded = load("tinynet_sdnn/layer1")
    bias = np.broadcast_to(load("tinynet_sdnn/layer1_bias"), (6, 6, 24))
    network = Network(
        Input(0, (16, 16, 3), SDNN_BITS),
        (Population(1, (6, 6, 24), SigmaDelta(20), bias, SDNN_BITS),),
        # the kernel is written as Lava's, which turns it
        (Projection(0, 1, Conv(load("tinynet_sdnn/layer1_kernel")[:, ::-1, ::-1], (2, 2))),),
    )
    found = run(network, load("tinynet_sdnn/input")[..., :1])
    assert recorded[..., 0].any()
    assert not recorded[..., 1:].any()
    np.testing.assert_array_equal(found.spikes[1][0][..., 0], recorded[..., 0])


def test_tinynet_sdnn_output() -> None:
    """Recorded with 0 message bits, as lava-dl's test wires it: every message counts as 1."""
    network = Network(
        Input(0, (6, 6, 24), message_bits=0),
        (Population(1, (100,), Sigma(), message_bits=SDNN_BITS),),
        (Projection(0, 1, Dense(load("tinynet_sdnn/layer2_weight"))),),
    )
    found = run(network, load("tinynet_sdnn/layer1"))
    np.testing.assert_array_equal(found.spikes[1][0], load("tinynet_sdnn/layer2"))
