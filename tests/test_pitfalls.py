"""The ways in which lava-dl goes wrong after export: exact with us, or refused with the reason.

`pitfalls_lava_dl.py` runs lava-dl's and Lava's own code on files made here; the tests put what
it found beside SLAYER and spikewatt. docs/lava-dl-pitfalls.md names each test.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from late import slayers
from pitfall_files import (
    T,
    biased,
    clip,
    conv_delayed,
    cuba,
    delayed,
    dense,
    make_files,
    norms,
    one,
    recurrent,
    reset_network,
    scaled,
)
from slayer_cases import CUBA, Stimulus, execute, forward, lava_order, randomised, spikes

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.modules import from_slayer
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.lava_runtime.stimulus import from_array
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection
from spikewatt.train.neuron import CubaNeuron

pytestmark = pytest.mark.lava
PAGE = Path(__file__).parents[1] / "docs" / "lava-dl-pitfalls.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("pitfalls")
    with torch.no_grad():
        make_files(found)
    return found


@pytest.fixture(scope="module")
def lava_dl(folder: Path) -> Iterator[dict]:
    """What lava-dl does with the files; its Lava workers end with it, whatever happens."""
    script = Path(__file__).with_name("pitfalls_lava_dl.py")
    with (folder / "log").open("w") as log:
        command = [sys.executable, str(script), str(folder)]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            assert process.wait(180) == 0, (folder / "log").read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return json.loads((folder / "facts.json").read_text())


def as_stream(network: Network, x: np.ndarray) -> np.ndarray:
    """A plain Lava run of the last layer, (*shape, T)."""
    last = network.output.layer
    return (
        NativeEngine().run(Request(network, x[None], stream(x.shape[-1]), (last,))).spikes[last][0]
    )


def as_slayer(net: torch.nn.Sequential, stimulus: Stimulus) -> tuple[Network, np.ndarray]:
    """The network of a module, once its clips are SLAYER's, and SLAYER's spikes."""
    want = lava_order(forward(net, stimulus.x))
    network = from_slayer(net, stimulus.x)
    found = execute(network, stimulus).spikes[network.output.layer]
    assert want.any()
    np.testing.assert_array_equal(found, want)
    return network, want


def test_start_rule_and_bias(folder: Path, lava_dl: dict) -> None:
    """lava-dl starts all layers at once: biases fire before the first input arrives."""
    _, want = as_slayer(biased(), clip())
    found = np.array(lava_dl["biased"])
    np.testing.assert_array_equal(as_stream(netx.read(folder / "biased.net"), one()), found)
    assert (found[:, 2:] != want[0, :, :-2]).any()


def test_reset_offset(lava_dl: dict) -> None:
    """Where spikes enter as they are, lava-dl resets each layer a step before its sample."""
    network = from_slayer(biased(), clip().x)
    schedule = stream(T, reset_interval=T)
    right = [schedule.phase(network.depths[p.layer]) + 1 for p in network.populations]
    assert right == [offset + 1 for offset in lava_dl["offsets"]]  # Lava's time starts at 1


def test_axonal_delay_with_bias(folder: Path, lava_dl: dict) -> None:
    """SLAYER delays what a layer sends, lava-dl what it receives: its bias is not delayed."""
    network, _ = as_slayer(delayed(), clip())
    found = np.array(lava_dl["delayed"])
    np.testing.assert_array_equal(as_stream(netx.read(folder / "delayed.net"), one()), found)
    assert (as_stream(network, one()) != found).any()
    assert network.projections[1].synapses.delay is not None


def test_conv_delays(folder: Path, lava_dl: dict, tmp_path: Path) -> None:
    assert lava_dl["conv_synapses"] == ["Conv", "Conv"]  # none that delays
    with pytest.raises(SpikewattError, match="delay"):
        netx.read(folder / "conv.net")
    network, _ = as_slayer(conv_delayed(), spikes((2, 8, 7), steps=T))
    assert network.projections[1].axon_delay is not None
    assert "delays" in " ".join(netx.write(network, tmp_path / "conv.net").lava_dl)


def test_wgt_scale_batch_norm(folder: Path, lava_dl: dict) -> None:
    assert not lava_dl["exponent_matters"]
    with pytest.raises(SpikewattError, match="exponent"):
        netx.read(folder / "scaled.net")
    with pytest.raises(SpikewattError, match=r"divides the current by 2\^1"):
        from_slayer(scaled(), clip().x)


def test_fractional_input_bias(folder: Path, lava_dl: dict) -> None:
    assert lava_dl["input_bias"] == 0  # of 0.75
    with pytest.raises(SpikewattError, match="bias"):
        netx.read(folder / "input.net")
    entry = Population(0, (6,), CubaLif(4096, 9, 64))
    network = Network(Input(0, (6,), drives_bias=True), (entry,), ())
    with pytest.raises(SpikewattError, match="must hold whole numbers"):
        from_array(network, np.full((6, T), 0.75), None)


def test_input_with_a_kept_current() -> None:
    """lava-dl gives numbers to the bias, SLAYER to the current; they differ where it is kept."""
    torch.manual_seed(7)
    net = torch.nn.Sequential(cuba.Input(dict(CUBA), delay_shift=False), dense((6, 5)))
    k = torch.randint(-20, 40, (3, 6, T))
    network, _ = as_slayer(net, Stimulus(k / 32, 2 * k))
    assert network.input.drives_dendrite
    as_bias = Network(
        Input(0, (6,), drives_bias=True), network.populations, network.projections, network.start
    )
    assert (execute(as_bias, Stimulus(k, 2 * k)).spikes[1] != 0).any()
    same = execute(as_bias, Stimulus(k, 2 * k)).spikes[1]
    assert (same != execute(network, Stimulus(k, 2 * k)).spikes[1]).any()


def test_recurrence_with_delay(lava_dl: dict) -> None:
    """The output's delays become those of the inputs and of the recurrence, weights unscaled."""
    expected = np.repeat(np.arange(6)[:, None], 6, axis=1).tolist()
    assert lava_dl["recurrent"]["delays"] == {"in": expected, "back": expected}
    found, right = lava_dl["recurrent"]["exponents"], lava_dl["recurrent"]["right_exponent"]
    assert right not in found
    assert lava_dl["recurrent_error"]  # another number of inputs does not even load
    network, _ = as_slayer(recurrent(6), clip())
    back = next(p for p in network.projections if p.source == p.target)
    assert back.synapses.delay is None
    assert not back.delay


def test_one_sided_matrices(lava_dl: dict, tmp_path: Path) -> None:
    """The strongest weight -2^k of an all-inhibitory matrix, and 256 of an excitatory one."""
    assert lava_dl["inhibitory"] == [[[-256, -4]]]  # which Lava clips at -255, then truncates
    weight = np.array([[-128, -2]], dtype=np.int32)
    population = Population(1, (1,), CubaLif(4096, 0, 64))
    network = Network(Input(0, (2,)), (population,), (Projection(0, 1, Dense(weight)),))
    with pytest.raises(SpikewattError, match="weight"):
        netx.write(network, tmp_path / "x.net")
    assert from_slayer_weight(-2.0) == -128  # SLAYER computes with -128


def from_slayer_weight(weight: float) -> int:
    block = cuba.Dense(dict(CUBA), 2, 1, delay_shift=False)
    block.synapse.weight.data = torch.full_like(block.synapse.weight, weight)
    network = from_slayer(torch.nn.Sequential(block), torch.zeros(1, 2, T))
    return int(network.projections[0].synapses.weight.max())


def test_zero_matrices(lava_dl: dict) -> None:
    assert lava_dl["zeros"] == "OverflowError"
    assert from_slayer_weight(0.0) == 0


def test_recurrent_state_across_calls() -> None:
    """SLAYER's second call on a batch of the same size starts where the first one ended."""
    net, x = recurrent(6), clip().x
    want = forward(net, x)
    with torch.no_grad():
        again = net(x)
    assert (again != want).any()
    as_slayer(net, clip())  # every sample starts from rest


def test_resets_and_delayed_synapses(lava_dl: dict) -> None:
    """Lava's reset leaves spikes in the delay buffers: a clip depends on the one before."""
    lava = np.array(lava_dl["twice"])
    assert (lava[:, 2:T] != lava[:, T + 2 : 2 * T]).any()
    network, x = reset_network(), np.stack([one(), one()])
    found = NativeEngine().run(Request(network, x, clips(network, 2, T), (2,))).spikes[2]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0, :, : T - 2], lava[:, 2:T])


def test_ports_with_0_message_bits(lava_dl: dict) -> None:
    """A sum of two spikes counts as one, and -1 as +1."""
    (at, *_), values = np.flatnonzero(lava_dl["port"]), [8, 8, 8]
    assert lava_dl["port"][at : at + 3] == values  # of the messages 1, 2 and -1
    population = Population(1, (1,), CubaLif(4096, 0, 64))
    weight = Dense(np.array([[8]], dtype=np.int32))
    network = Network(Input(0, (1,)), (population,), (Projection(0, 1, weight),))
    for value in (2, -1):
        with pytest.raises(SpikewattError, match="0 message bits"):
            from_array(network, np.array([[value]]), None)


def test_clipping_by_print(lava_dl: dict, tmp_path: Path) -> None:
    assert "clipped to 254" in lava_dl["clip_prints"]
    assert np.max(lava_dl["clipped"]) <= 254
    block = cuba.Dense(dict(CUBA), 2, 1, delay_shift=False, pre_hook_fx=lambda w: w)
    block.synapse.weight.data = torch.full_like(block.synapse.weight, 300 / 64)
    with pytest.raises(SpikewattError, match=r"Block 0 .*weight is 300, outside -256..254"):
        from_slayer(torch.nn.Sequential(block), torch.zeros(1, 2, T))


def test_delay_bits(lava_dl: dict) -> None:
    """Bits for the largest delay: too few at powers of two."""
    needed = {n: int(n).bit_length() for n in (3, 4, 8, 9)}
    found = {int(n): bits for n, bits in lava_dl["delay_bits"].items()}
    assert {n for n in needed if found[n] < needed[n]} == {4, 8}


def test_resonator_decays(lava_dl: dict) -> None:
    """The decays go through period and decay and are cut off: some lose 1."""
    rows = np.array(lava_dl["resonators"])
    assert (rows[:, :2] != rows[:, 2:]).any()
    assert ((rows[:, :2] - rows[:, 2:]) >= 0).all()
    params = {"threshold": 0.4, "period": 5.0, "decay": 0.1}
    block = slayers("block").rf.Dense(params, 6, 5, delay_shift=False)
    network = from_slayer(torch.nn.Sequential(randomised(block)), clip().x)
    neuron = network.output.neuron
    device = block.neuron.device_params
    assert (neuron.sin_decay, neuron.cos_decay) == (device["sinDecay"], device["cosDecay"])


def test_layers_that_do_not_load(lava_dl: dict) -> None:
    assert lava_dl["pool"] == "NotImplementedError"
    average = cuba.Average(num_outputs=5)
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        with pytest.raises(AttributeError):
            average.export_hdf5(file.create_group("average"))
        kwta = cuba.KWTA(dict(CUBA), 6, 5, num_winners=1)
        kwta.export_hdf5(file.create_group("kwta"))
        assert not len(file["kwta"])  # nothing is written, and nobody is told


def test_pools_in_training() -> None:
    """Channels leak into one another where rows do not fit, and a shared dictionary loses norm."""
    params = CUBA | {"norm": norms.MeanOnlyBatchNorm}
    pool = cuba.Pool(params, 3, stride=1, weight_scale=2, delay_shift=False)
    assert params["norm"] is None
    x = torch.zeros(1, 2, 4, 6, T)
    x[:, 1] = 1  # spikes in the second channel only
    assert forward(torch.nn.Sequential(pool), x.repeat(2, 1, 1, 1, 1))[:, 0].any()
    with pytest.raises(SpikewattError, match="borders of channels"):
        from_slayer(torch.nn.Sequential(pool), x)


def test_sigma_delta_bias() -> None:
    """set_bias takes part in SLAYER's forward pass; lava-dl's export leaves it out."""
    torch.manual_seed(8)
    params = {"threshold": 0.1, "activation": torch.nn.functional.relu}
    family = slayers("block").sigma_delta
    block = randomised(family.Dense(dict(params), 6, 5))
    net = torch.nn.Sequential(family.Input(dict(params)), block)
    net(clip().x)
    block.neuron.set_bias(torch.arange(5) / 8)
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        block.export_hdf5(file.create_group("layer"))
        assert "bias" not in file["layer"]
    network = from_slayer(net, clip().x)
    np.testing.assert_array_equal(network.output.bias, np.arange(5) * 8)


def test_the_page_names_every_test() -> None:
    tests = {name for name in globals() if name.startswith("test_")}
    tests -= {"test_the_page_names_every_test"}
    assert set(re.findall(r"`(test_\w+)`", PAGE.read_text())) == tests


def test_threshold_of_the_cuda_kernel() -> None:
    """A voltage of exactly the threshold: nothing, until more arrives; the kernel resets it."""
    leaky_integrator = slayers("neuron").dynamics.leaky_integrator

    params = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 0.0}
    currents = torch.tensor([1.0, 0.25, 0.0]).view(1, 1, 3)
    theirs = slayers("neuron").cuba.Neuron(**params)
    found = theirs(currents)
    assert found.flatten().tolist() == [0, 1, 0]
    assert torch.equal(CubaNeuron(**params)(currents), found)
    # what the kernel does with its threshold in an int, computed by slayer's own CPU code
    cut = int((theirs.threshold + theirs.threshold_eps) * theirs.s_scale) / theirs.s_scale
    state, decay = torch.zeros(1, 1), torch.zeros(1)
    voltage = leaky_integrator.dynamics(currents, decay, state, theirs.s_scale, cut)
    assert voltage.flatten().tolist() == [1.0, 0.25, 0.25]
    kernel = Path(leaky_integrator.__file__).with_name("leaky_integrator.cu").read_text()
    assert "const int threshold" in kernel
