"""The files of lava-dl's wheel, and files written first from the parameters of its own tests."""

import sysconfig
from pathlib import Path

import numpy as np
import pytest
from netx_cases import facts

from spikewatt.export import netx
from spikewatt.export.netx.neurons import lava_decays
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native.engine import NativeEngine
from spikewatt.lava_runtime.schedule import Schedule, stream
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

WHEEL = Path(sysconfig.get_path("purelib"), "tests/lava/lib/dl/netx")
SDNN_BITS = 16


def load(name: str) -> np.ndarray:
    values = np.load(WHEEL / f"gts/{name}.npy")
    whole = values.astype(np.int32)
    assert (whole == values).all()
    return whole


def execute(network: Network, x: np.ndarray, schedule: Schedule | None = None):
    layers, schedule = tuple(network.by_layer), schedule or stream(x.shape[-1])
    request = Request(network, x[None], schedule, layers, record_state=True)
    return NativeEngine().run(request)


def written(network: Network, path: Path) -> Network:
    """The network as a file gives it back, once lava-dl can load this file too."""
    report = netx.write(network, path)
    assert report.for_lava_dl, report
    found = netx.read(path)
    assert facts(found, ("layer_types",)) == facts(network, ("layer_types",))
    return found


def test_pilotnet_sdnn_sends_the_recorded_output():
    found = netx.inspect(WHEEL / "gts/pilotnet_sdnn/network.net")
    assert (found.lava_dl, found.warnings, found.hints) == ((), (), ())
    kinds = [type(p.neuron) for p in found.network.populations]
    assert kinds == [Delta, *[SigmaDelta] * 7, Sigma]
    x = np.repeat(load("pilotnet_sdnn/input").reshape(100, 33, 3, 1), 9, axis=-1)
    spikes = execute(found.network, x).spikes
    np.testing.assert_array_equal(spikes[9][0], load("pilotnet_sdnn/output"))


@pytest.mark.parametrize(
    ("name", "ending", "layers"),
    [("network", "", (1, 2)), ("square_network", "_square", (1, 2, 3))],
)
def test_pilotnet_sdnn_behind_its_input_sums_the_recorded_messages(name, ending, layers):
    network = netx.read(WHEEL / f"gts/pilotnet_sdnn/{name}.net", skip=1, layers=4)
    assert network.input.message_bits == SDNN_BITS
    x = load("pilotnet_sdnn/act0")
    found = execute(network, x[: network.input.shape[0], : network.input.shape[1]])
    for layer in layers:
        sigma = load(f"pilotnet_sdnn/sigma{layer}{ending}")
        np.testing.assert_array_equal(found.u[layer][0], sigma)


def test_spike_exp_is_an_option_of_reading():
    path = WHEEL / "gts/pilotnet_sdnn/network.net"
    found = netx.inspect(path, spike_exp=0)
    assert {p.neuron.spike_exp for p in found.network.populations[:-1]} == {0}
    assert found.hints == ("give lava-dl's Network spike_exp=0",)
    x = np.repeat(load("pilotnet_sdnn/input").reshape(100, 33, 3, 1), 9, axis=-1)
    scale = 1 << 6  # lava-dl's own test allows an error of twice this
    spikes = execute(found.network, x).spikes[9][0]
    assert np.abs(spikes - load("pilotnet_sdnn/output") / scale).mean() < 2 * scale


@pytest.mark.parametrize("name", ["tiny", "mnist"])
def test_networks_of_images_run(name):
    network = netx.read(WHEEL / f"{name}.net")
    assert netx.inspect(WHEEL / f"{name}.net").lava_dl == ()
    x = np.full((*network.input.shape, 8), 400, np.int32)
    assert execute(network, x).spikes[network.populations[1].layer].any()


def test_tiny_gives_the_recorded_output():
    network = netx.read(WHEEL / "tiny.net")
    bias = load("tinynet/input_bias")[..., None]
    recorded = load("tinynet/output")[0].transpose(2, 1, 0, 3)[..., 1:]
    spikes = execute(network, bias, stream(20, reset_interval=17)).spikes[2][0]
    assert recorded.any()
    np.testing.assert_array_equal(spikes[..., 2:17], recorded)


def test_dense(tmp_path):
    weight = load("dense/weight")
    population = Population(1, (256,), CubaLif(4096, 415, 6))
    network = Network(
        Input(0, (weight.shape[1],)), (population,), (Projection(0, 1, Dense(weight)),)
    )
    found = execute(written(network, tmp_path / "a.net"), load("dense/in"))
    np.testing.assert_array_equal(found.spikes[1][0], load("dense/out"))


def test_complex_dense(tmp_path):
    """Period 11, alpha 0.05, threshold 25: the shares of 4096 that Lava makes of them."""
    weights = [load(f"complex_dense/{name}") for name in ("weight_r", "weight_img")]
    angle, share = 2 * np.pi / 11, (1 - 0.05) * 4096
    decays = lava_decays(share * np.sin(angle), share * np.cos(angle), 12)
    neuron = ResonateFire(*decays, 25 << 6, izhikevich=False)
    parts = zip(weights, ("real", "imag"), strict=True)
    network = Network(
        Input(0, (weights[0].shape[1],)),
        (Population(1, (256,), neuron),),
        tuple(Projection(0, 1, Dense(w), part=part) for w, part in parts),
    )
    found = execute(written(network, tmp_path / "a.net"), load("complex_dense/in"))
    np.testing.assert_array_equal(found.spikes[1][0], load("complex_dense/out"))


def test_tinynet_sdnn_input_and_convolution(tmp_path):
    """Each recording was made with the block alone, the convolution's for one step."""
    kernel = load("tinynet_sdnn/layer1_kernel")[:, ::-1, ::-1]  # lava flips kernels
    bias = np.broadcast_to(load("tinynet_sdnn/layer1_bias"), (6, 6, 24)).copy()
    network = Network(
        Input(0, (16, 16, 3), drives_dendrite=True, scale=64),
        (
            Population(0, (16, 16, 3), Delta(20), message_bits=SDNN_BITS),
            Population(1, (6, 6, 24), SigmaDelta(20), bias, SDNN_BITS),
        ),
        (Projection(0, 1, Conv(np.ascontiguousarray(kernel), (2, 2))),),
    )
    found = written(network, tmp_path / "a.net")
    image = load("tinynet_sdnn/input_bias")[..., None]
    steps = np.arange(15)
    x = (np.repeat(image, 15, axis=3) * np.sin(2 * np.pi * steps / 15)).astype(np.int32)
    spikes = execute(found, x).spikes
    np.testing.assert_array_equal(spikes[0][0], load("tinynet_sdnn/input"))
    behind = netx.read(tmp_path / "a.net", skip=1)
    sent = execute(behind, load("tinynet_sdnn/input")).spikes[1][0]
    np.testing.assert_array_equal(sent[..., 0], load("tinynet_sdnn/layer1")[..., 0])


def test_tinynet_sdnn_output(tmp_path):
    """Recorded with 0 message bits, as lava-dl's test wires it: every message counts as 1."""
    weight = load("tinynet_sdnn/layer2_weight")
    network = Network(
        Input(0, (weight.shape[1],)),
        (Population(1, (100,), Sigma(), message_bits=SDNN_BITS),),
        (Projection(0, 1, Dense(weight)),),
    )
    x = load("tinynet_sdnn/layer1").reshape(-1, 16)
    found = execute(written(network, tmp_path / "a.net"), (x != 0).astype(np.int32))
    np.testing.assert_array_equal(found.spikes[1][0], load("tinynet_sdnn/layer2"))
