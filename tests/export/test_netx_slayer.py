"""What slayer's own export writes is read as what slayer's forward pass computes."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch
from late import slayers
from oracle import synapses_of

from spikewatt.export import netx
from spikewatt.network import (
    AdaptiveLif,
    ConvTranspose,
    CubaLif,
    Delta,
    Dense,
    Network,
    NetworkError,
    Pool,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Unpool,
)

pytestmark = pytest.mark.lava
block = slayers("block")
CUBA = {"threshold": 1.0, "current_decay": 0.4, "voltage_decay": 0.2}
SDNN = {"threshold": 0.3, "activation": torch.nn.functional.relu}
RESONATE = {"threshold": 1.0, "period": 7.3, "decay": 0.13}
ALIF = {
    **CUBA,
    "threshold_step": 0.5,
    "threshold_decay": 0.1,
    "refractory_decay": 0.3,
}
SCALE = 64  # slayer's unit of weights


def exported(path, shape, *blocks, seed=1) -> torch.Tensor:
    """Writes blocks behind an input of (C, H, W) or (C,) spikes; returns these, (1, *shape, 1)."""
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (1, *shape, 4)).float()
    y = x
    with torch.no_grad(), h5py.File(path, "w") as file:
        first = file.create_group("layer/0")
        first["type"], first["shape"] = "input", shape
        for i, b in enumerate(blocks):
            y = b(y)
            b.export_hdf5(file.create_group(f"layer/{i + 1}"))
    return x[..., :1]


def shuffled(synapse, seed=3) -> None:
    """Even weights from -128 to 126 in slayer's unit, so that every tap differs."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        w = synapse.weight
        values = rng.integers(-64, 64, tuple(w.shape)) * 2 / SCALE
        w.copy_(torch.tensor(values, dtype=w.dtype))


def sums(network: Network, projection: Projection, x: np.ndarray) -> np.ndarray:
    """Every synapse of the projection, one by one, on the values of its source."""
    s = synapses_of(network, projection)
    target = network.shape_of(projection.target)
    found = np.zeros(int(np.prod(target)), np.int64)
    np.add.at(found, s.target, s.weight * x.reshape(-1)[s.source])
    return found.reshape(target)


def in_lava(x: torch.Tensor) -> np.ndarray:
    """(1, C, H, W, 1) or (1, C, 1) to (W, H, C) or (C,)."""
    return np.rint(x.detach().numpy()[0, ..., 0].transpose()).astype(np.int64)


def assert_same_sums(path, x: torch.Tensor, synapse, index: int = 0) -> None:
    network = netx.read(path)
    with torch.no_grad():
        want = in_lava(synapse(x) * SCALE)
    got = sums(network, network.projections[index], in_lava(x))
    np.testing.assert_array_equal(got, want)
    assert want.any()


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("geometry", [(1, 0, 1), ((2, 1), (1, 0), 1), ((2, 3), (2, 1), (1, 2))])
def test_transposed_convolutions(tmp_path, groups, geometry):
    b = block.cuba.ConvT(CUBA, 4, 6, (3, 2), *geometry, groups=groups)
    shuffled(b.synapse)
    x = exported(tmp_path / "a.net", (4, 3, 5), b)
    assert_same_sums(tmp_path / "a.net", x, b.synapse)
    assert isinstance(netx.read(tmp_path / "a.net").projections[0].synapses, ConvTranspose)
    assert "does not implement convT" in netx.inspect(tmp_path / "a.net").lava_dl[0]


@pytest.mark.parametrize("kind", ["Pool", "Unpool"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [2, (2, 3), (3, 2)])
@pytest.mark.parametrize("stride", [None, (2, 3), (3, 2)])
@pytest.mark.parametrize("more", [(0, 1), ((0, 1), (1, 2)), ((1, 0), (2, 1))])
@pytest.mark.parametrize("size", [(6, 6), (5, 7)])
def test_pools_are_slayers_or_refused(tmp_path, kind, channels, kernel, stride, more, size):
    """slayer stacks channels along y: where its windows mix them or fail, reading refuses."""
    b = getattr(block.cuba, kind)(CUBA, kernel, stride, *more)
    shuffled(b.synapse)
    x = torch.randint(0, 2, (1, channels, *size, 1)).float()
    try:
        exported(tmp_path / "a.net", (channels, *size), b)
        mixes = channels > 1 and mixing(b.synapse, x)
    except RuntimeError:
        return  # slayer itself fails
    found = netx.inspect(tmp_path / "a.net")
    if found.network is None:
        assert mixes or more[0] != 0  # with padding it may happen to be none
        assert "slayer's block stacks channels" in str(found.violations[0])
        return
    assert not mixes
    assert isinstance(found.network.projections[0].synapses, Pool | Unpool)
    assert_same_sums(tmp_path / "a.net", torch.ones_like(x) + x, b.synapse)


def mixing(synapse, x: torch.Tensor) -> bool:
    """Whether an output channel sees another input channel, or its windows start elsewhere."""
    with torch.no_grad():
        together = synapse(torch.ones_like(x))
        alone = [synapse(torch.ones_like(x[:, :1])) for _ in range(x.shape[1])]
    if alone[0].shape[2:] != together.shape[2:]:
        return True
    return not torch.equal(torch.cat(alone, 1), together)


def test_dense_and_recurrent(tmp_path):
    b = block.cuba.Recurrent(CUBA, 6, 5)
    shuffled(b.input_synapse)
    shuffled(b.recurrent_synapse, seed=8)
    x = exported(tmp_path / "a.net", (6,), b)
    network = netx.read(tmp_path / "a.net")
    assert [(p.source, p.target) for p in network.projections] == [(0, 1), (1, 1)]
    assert_same_sums(tmp_path / "a.net", x, b.input_synapse)
    loop = network.projections[1].synapses
    stored = b.recurrent_synapse.weight.detach().numpy()[:, :, 0, 0, 0] * SCALE
    np.testing.assert_array_equal(loop.weight, stored)
    assert network.layer_types[1] == "dense_rec"
    assert not netx.inspect(tmp_path / "a.net").lava_dl


@pytest.mark.parametrize("family", ["rf", "rf_iz"])
def test_complex_dense(tmp_path, family):
    b = getattr(block, family).Dense(RESONATE, 6, 5)
    shuffled(b.synapse.real)
    shuffled(b.synapse.imag, seed=5)
    x = exported(tmp_path / "a.net", (6,), b)
    network = netx.read(tmp_path / "a.net")
    assert [p.part for p in network.projections] == ["real", "imag"]
    assert_same_sums(tmp_path / "a.net", x, b.synapse.real, 0)
    assert_same_sums(tmp_path / "a.net", x, b.synapse.imag, 1)
    neuron = network.output.neuron
    assert isinstance(neuron, ResonateFire)
    assert neuron.izhikevich == (family == "rf_iz")
    assert neuron.v_threshold == b.neuron.v_th_mant << 6
    assert not netx.inspect(tmp_path / "a.net").lava_dl


def test_complex_kernels(tmp_path):
    """slayer's export of complex convolutions fails on a missing attribute; these are its keys."""
    b = block.rf.Conv(RESONATE, 2, 4, 3)
    for key in ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation"):
        setattr(b.synapse, key, getattr(b.synapse.real, key))
    b.synapse.groups, b.synapse.weight_norm_enabled = 1, False
    shuffled(b.synapse.real)
    shuffled(b.synapse.imag, seed=5)
    x = exported(tmp_path / "a.net", (2, 6, 5), b)
    assert_same_sums(tmp_path / "a.net", x, b.synapse.real, 0)
    assert_same_sums(tmp_path / "a.net", x, b.synapse.imag, 1)
    assert "complex dense weights only" in netx.inspect(tmp_path / "a.net").lava_dl[0]


def test_sigma_delta(tmp_path):
    sdnn = block.sigma_delta
    blocks = sdnn.Input(SDNN), sdnn.Dense(SDNN, 6, 5), sdnn.Output(SDNN, 5, 3)
    for b in blocks[1:]:
        shuffled(b.synapse)
    torch.manual_seed(2)
    y = torch.rand(1, 6, 9)
    with torch.no_grad(), h5py.File(tmp_path / "a.net", "w") as file:
        for i, b in enumerate(blocks):
            y = b(y)
            b.export_hdf5(file.create_group(f"layer/{i}"))
    network = netx.read(tmp_path / "a.net")
    mantissa = blocks[0].neuron.v_th_mant
    kinds = [Delta(mantissa), SigmaDelta(mantissa), Sigma()]
    assert [p.neuron for p in network.populations] == kinds
    assert network.input.drives_dendrite
    assert [p.message_bits for p in network.populations] == [16] * 3
    found = netx.inspect(tmp_path / "a.net", spike_exp=0)
    assert found.network.populations[1].neuron == SigmaDelta(mantissa, spike_exp=0)
    assert found.hints == ("give lava-dl's Network spike_exp=0",)


def test_adaptive_lif(tmp_path):
    b = block.alif.Dense(ALIF, 6, 5)
    shuffled(b.synapse)
    exported(tmp_path / "a.net", (6,), b)
    n, neuron = b.neuron, netx.read(tmp_path / "a.net").output.neuron
    assert neuron == AdaptiveLif(
        n.cx_current_decay,
        n.cx_voltage_decay,
        n.cx_threshold_decay,
        n.cx_refractory_decay,
        n.v_th_mant,
        n.v_th_step,
    )
    assert "does not know ALIF" in netx.inspect(tmp_path / "a.net").lava_dl[0]


def test_adaptive_resonators_are_refused(tmp_path):
    more = {"threshold_step": 0.5, "threshold_decay": 0.1, "refractory_decay": 0.3}
    b = block.adrf.Dense({**RESONATE, **more}, 6, 5)
    exported(tmp_path / "a.net", (6,), b)
    with pytest.raises(NetworkError, match="no process with adaptive threshold"):
        netx.read(tmp_path / "a.net")


def test_neurons_with_values_of_their_own_are_refused(tmp_path):
    own = {**CUBA, "current_decay": (0.2, 0.6), "shared_param": False}
    b = block.cuba.Dense(own, 6, 5)
    shuffled(b.synapse)
    exported(tmp_path / "a.net", (6,), b)
    with pytest.raises(NetworkError, match="shared_param"):
        netx.read(tmp_path / "a.net")


def test_equal_values_of_all_neurons_are_one(tmp_path):
    own = {**CUBA, "current_decay": (0.25, 0.25), "voltage_decay": (0.5, 0.5)}
    b = block.cuba.Dense({**own, "shared_param": False}, 6, 5)
    shuffled(b.synapse)
    exported(tmp_path / "a.net", (6,), b)
    assert netx.read(tmp_path / "a.net").output.neuron == CubaLif(1024, 2048, 64)


@pytest.mark.parametrize("kind", ["Conv", "Recurrent"])
def test_delays_that_lava_dl_loses_are_refused(tmp_path, kind):
    args = (2, 4, 3) if kind == "Conv" else (6, 5)
    b = getattr(block.cuba, kind)(CUBA, *args, delay=True)
    for s in (b.synapse,) if kind == "Conv" else (b.input_synapse, b.recurrent_synapse):
        shuffled(s)
    b.delay.init = False
    shape = (2, 6, 5) if kind == "Conv" else (6,)
    exported(tmp_path / "a.net", shape, b)
    with h5py.File(tmp_path / "a.net", "a") as file:
        file["layer/1/delay"][...] = np.arange(file["layer/1/delay"].size)
    with pytest.raises(NetworkError, match="export"):
        netx.read(tmp_path / "a.net")


def test_a_dense_delay_is_read_as_lava_dl_reads_it(tmp_path):
    b = block.cuba.Dense(CUBA, 6, 5, delay=True)
    shuffled(b.synapse)
    exported(tmp_path / "a.net", (6,), b)
    with h5py.File(tmp_path / "a.net", "a") as file:
        file["layer/1/delay"][...] = np.arange(5)
    synapses = netx.read(tmp_path / "a.net").projections[0].synapses
    assert isinstance(synapses, Dense)
    np.testing.assert_array_equal(synapses.delay, np.repeat(np.arange(5)[:, None], 6, axis=1))
