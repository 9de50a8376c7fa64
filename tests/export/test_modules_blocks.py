"""Random networks of every block of lava-dl: SLAYER's forward pass equals the network, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from late import slayers
from slayer_cases import CUBA, assert_same, numbers, randomised, spikes

from spikewatt.network import (
    AdaptiveLif,
    Network,
    Pool,
    ResonateFire,
    SigmaDelta,
    StartRule,
    Unpool,
)

pytestmark = pytest.mark.lava
block, norms = slayers("block"), slayers("neuron.norm")
FAMILIES = {
    "cuba": CUBA,
    "alif": CUBA | {"threshold_decay": 0.3, "refractory_decay": 0.6, "threshold_step": 0.5},
    "rf": {"threshold": 0.1, "period": 4.6, "decay": 0.02},
    "rf_iz": {"threshold": 0.4, "period": 5.0, "decay": 0.1},
}
SPIKING = pytest.mark.parametrize("family", FAMILIES)
SHIFTED = pytest.mark.parametrize("shift", [True, False])
SEEDS = pytest.mark.parametrize("seed", range(3))
DELTA = {"threshold": 0.1, "activation": torch.nn.functional.relu}


def made(family: str, kind: str, *args: object, **options: object) -> torch.nn.Module:
    """A block with random weights and, where it has one, a random mean and random delays."""
    make = getattr(getattr(block, family), kind)
    return randomised(make(dict(FAMILIES[family]), *args, **options))


def pooling(family: str, kind: str, size: object, **options: object) -> torch.nn.Module:
    """A pool or unpool block, which has one weight for all its synapses."""
    make = getattr(getattr(block, family), kind)
    return make(dict(FAMILIES[family]), size, weight_scale=1.6, **options)


def with_delays(module: torch.nn.Sequential, x: torch.Tensor) -> torch.nn.Sequential:
    """Random axonal delays where blocks have the unit, which SLAYER sizes on its first run."""
    with torch.no_grad():
        module(x)
    for b in module:
        if getattr(b, "delay", None) is not None:
            b.delay.delay.data = torch.randint(0, 3, b.delay.delay.shape).float() + 0.4
    return module


@SPIKING
@SHIFTED
@SEEDS
def test_dense_blocks_with_delays(family: str, shift: bool, seed: int) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        made(family, "Dense", 6, 9, delay=True, delay_shift=shift),
        made(family, "Dense", 9, 8, delay=True, delay_shift=shift),
        made(family, "Dense", 8, 5, delay_shift=shift),
    )
    stimulus = spikes((6,), seed)
    network = assert_same(with_delays(net, stimulus.x), stimulus)
    assert network.start is (StartRule.TOGETHER if shift else StartRule.BY_DEPTH)


@SPIKING
@SHIFTED
@SEEDS
def test_images(family: str, shift: bool, seed: int) -> None:
    """Conv, pool with rows that do not divide, transposed conv, unpool, flatten, dense; delays."""
    torch.manual_seed(seed)
    options = {"delay": True, "delay_shift": shift}
    net = torch.nn.Sequential(
        made(family, "Conv", 2, 4, (2, 3), stride=(1, 2), padding=(1, 0), groups=2, **options),
        pooling(family, "Pool", 2, **options),
        made(family, "ConvT", 4, 2, (2, 3), stride=2, padding=(1, 0), groups=2, **options),
        pooling(family, "Unpool", (2, 1), **options),
        getattr(block, family).Flatten(),
    )
    stimulus = spikes((2, 5, 8), seed, steps=40)
    with torch.no_grad():
        size = net(stimulus.x).shape[1]
    net.append(made("cuba", "Dense", size, 5, delay_shift=shift))
    network = assert_same(with_delays(net, stimulus.x), stimulus)
    kinds = ["input", "conv", "pool", "convT", "unpool", "flatten"]
    assert list(network.layer_types.values())[:-1] == kinds
    assert {type(p.synapses) for p in network.projections} >= {Pool, Unpool}


@pytest.mark.parametrize("family", ["cuba", "alif"])
@SHIFTED
@SEEDS
def test_recurrent_blocks(family: str, shift: bool, seed: int) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        made(family, "Recurrent", 6, 7, delay=True, delay_shift=shift),
        made(family, "Recurrent", 7, 5, delay_shift=shift),
    )
    stimulus = spikes((6,), seed)
    network = assert_same(with_delays(net, stimulus.x), stimulus)
    loops = [p for p in network.projections if p.source == p.target]
    assert len(loops) == 2
    assert not any(p.delay or p.axon_delay is not None for p in loops)


@pytest.mark.parametrize("family", ["cuba", "alif"])
@SEEDS
def test_k_winners_take_all(family: str, seed: int) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(made(family, "KWTA", 6, 7, num_winners=2, delay_shift=False))
    assert_same(net, spikes((6,), seed))


@SHIFTED
def test_the_constant_of_kwta_is_a_bias_where_no_current_is_kept(shift: bool) -> None:
    torch.manual_seed(1)
    params = CUBA | {"current_decay": 1.0, "threshold": 8.0}
    kwta = block.cuba.KWTA(params, 6, 8, num_winners=1, weight_scale=6, delay_shift=shift)
    network = assert_same(torch.nn.Sequential(kwta), spikes((6,)))
    assert network.output.bias is not None


@SEEDS
def test_sigma_delta_blocks(seed: int) -> None:
    torch.manual_seed(seed)
    family, norm = block.sigma_delta, DELTA | {"norm": norms.MeanOnlyBatchNorm}
    net = torch.nn.Sequential(
        family.Input(dict(DELTA)),
        randomised(family.Conv(dict(norm), 2, 4, 3, padding=(1, 0), delay=True), 0.3),
        family.Pool(dict(DELTA), 2, weight_scale=0.25),
        family.Flatten(),
        randomised(family.Dense(dict(norm), 4 * 2 * 2, 6), 0.3),
        randomised(family.Output(dict(DELTA), 6, 3), 0.3),
    )
    for b in net[1:5:3]:
        b.neuron.norm.running_mean = torch.randint(-30, 20, (b.synapse.out_channels,)) / 64
    stimulus = numbers((2, 4, 6), seed)
    network = assert_same(with_delays(net, stimulus.x), stimulus, unit=2**18)
    assert network.input.drives_dendrite
    assert network.populations[1].bias is not None
    assert isinstance(network.populations[1].neuron, SigmaDelta)


def test_sigma_delta_messages_have_12_bits_below_the_unit() -> None:
    torch.manual_seed(0)
    family = block.sigma_delta
    identity = {"threshold": 0.2, "activation": lambda x: x}
    dense = randomised(family.Dense(identity, 4, 6), 0.5)
    net = torch.nn.Sequential(family.Input(dict(DELTA)), dense)
    stimulus = numbers((4,))
    net(stimulus.x)
    dense.neuron.set_bias(torch.arange(6) / 64)  # which lava-dl's own export leaves out
    network = assert_same(net, stimulus, unit=2**12)
    assert network.output.neuron == SigmaDelta(int(0.2 * 64), activation="unit")
    np.testing.assert_array_equal(network.output.bias, np.arange(6))


@pytest.mark.parametrize("decay", [1.0, 0.4])
@SHIFTED
def test_numbers_drive_the_bias_or_the_current_of_an_input_block(decay: float, shift: bool) -> None:
    torch.manual_seed(2)
    params = CUBA | {"current_decay": decay}
    net = torch.nn.Sequential(
        block.cuba.Input(params, delay_shift=shift),
        made("cuba", "Dense", 4, 6, delay_shift=shift),
    )
    network = assert_same(net, numbers((4,)))
    assert network.input.drives_bias == (decay == 1.0)
    assert network.input.drives_dendrite == (decay != 1.0)


@pytest.mark.parametrize("dynamics", [True, False])
def test_affine_is_a_membrane_readout(dynamics: bool) -> None:
    from slayer_cases import execute, forward

    from spikewatt.export.modules import from_slayer

    torch.manual_seed(3)
    affine = block.cuba.Affine(dict(CUBA), 9, 5, dynamics=dynamics)
    net = torch.nn.Sequential(made("cuba", "Dense", 6, 9, delay_shift=False), affine)
    stimulus = spikes((6,))
    network = from_slayer(net, stimulus.x[:1])
    want = forward(net, stimulus.x)[..., -1].numpy() * 64 * 64
    assert want.any()
    np.testing.assert_array_equal(execute(network, stimulus).readout, want)


def _normed(shift: bool, delay: bool) -> torch.nn.Sequential:
    """Three layers with biases that fire on their own, and delays."""
    params = CUBA | {"norm": norms.MeanOnlyBatchNorm}
    net = [
        randomised(block.cuba.Dense(dict(params), *s, delay=delay, delay_shift=shift))
        for s in ((6, 9), (9, 8))
    ]
    net.append(randomised(block.cuba.Dense(dict(params), 8, 5, delay_shift=shift)))
    for b in net:
        b.neuron.norm.running_mean = torch.randint(-40, 5, (b.synapse.out_channels,)) / 64
    return torch.nn.Sequential(*net)


@SHIFTED
@pytest.mark.parametrize("delay", [True, False])
@SEEDS
def test_biases_keep_their_first_step(shift: bool, delay: bool, seed: int) -> None:
    """delay_shift=True with bias and no Input block: by depth, each shift being a delay."""
    torch.manual_seed(seed)
    stimulus = spikes((6,), seed)
    network = assert_same(with_delays(_normed(shift, delay), stimulus.x), stimulus)
    assert network.start is StartRule.BY_DEPTH
    assert [p.delay for p in network.projections] == [0, int(shift), int(shift)]


@SEEDS
def test_blocks_may_mix_delay_shift(seed: int) -> None:
    torch.manual_seed(seed)
    net = _normed(shift=False, delay=True)
    net[1].delay_shift = True
    stimulus = spikes((6,), seed)
    assert_same(with_delays(net, stimulus.x), stimulus)


def test_an_input_block_without_neuron_passes_spikes_on() -> None:
    torch.manual_seed(5)
    """It cannot shift: SLAYER asks the neuron that it does not have."""
    net = torch.nn.Sequential(
        block.cuba.Input(delay_shift=False), *_normed(shift=True, delay=False)
    )
    assert assert_same(net, spikes((6,))).start is StartRule.BY_DEPTH


@SHIFTED
@SEEDS
def test_delays_of_the_last_layer_become_its_inputs_delays(shift: bool, seed: int) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        made("cuba", "Dense", 6, 9, delay=True, delay_shift=shift),
        made("cuba", "Dense", 9, 5, delay=True, delay_shift=shift),
    )
    stimulus = spikes((6,), seed)
    assert_same(with_delays(net, stimulus.x), stimulus)


def _models(network: Network) -> set[type]:
    return {type(p.neuron) for p in network.populations}


def test_families_of_binary_spikes_mix() -> None:
    torch.manual_seed(6)
    families = ("cuba", "alif", "rf", "rf_iz")
    net = torch.nn.Sequential(*(made(f, "Dense", 8, 8, delay_shift=False) for f in families))
    network = assert_same(net, spikes((8,)))
    assert _models(network) >= {AdaptiveLif, ResonateFire}
