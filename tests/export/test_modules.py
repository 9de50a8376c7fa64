"""lava-dl's networks lowered: what comes out, what is refused, and what is left undisturbed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from late import slayers
from slayer_cases import (
    CUBA,
    STEPS,
    assert_same,
    execute,
    forward,
    randomised,
    spikes,
)

from spikewatt.errors import SpikewattError
from spikewatt.export.modules import from_slayer
from spikewatt.validation import violations

pytestmark = pytest.mark.lava
block, norms = slayers("block"), slayers("neuron.norm")
SAMPLE = torch.zeros(2, 6, STEPS)


def chain(*blocks: torch.nn.Module) -> torch.nn.Sequential:
    return torch.nn.Sequential(*blocks)


def dense(sizes: tuple[int, int], params: dict[str, object] = CUBA, **options: object):
    module = randomised(block.cuba.Dense(dict(params), *sizes, delay_shift=False, **options))
    if module.neuron.norm is not None:
        module.neuron.norm.running_mean = torch.randint(-30, 20, (sizes[1],)) / 64
    return module


@pytest.mark.filterwarnings("ignore:torch.nn.utils.weight_norm is deprecated")
def test_weight_norm() -> None:
    torch.manual_seed(3)
    normed = dense((6, 9), weight_norm=True)
    normed.synapse.weight_g.data *= 3
    assert_same(chain(normed, dense((9, 4))), spikes((6,)))


def test_masks() -> None:
    torch.manual_seed(3)
    masked = dense((6, 9), mask=(torch.rand(9, 6) < 0.5).float())
    network = assert_same(chain(masked), spikes((6,)))
    np.testing.assert_array_equal(
        network.projections[0].synapses.weight[masked.mask.reshape(9, 6).numpy() == 0], 0
    )


def test_networks_are_sound() -> None:
    torch.manual_seed(2)
    net = chain(dense((6, 9)), dense((9, 5), {**CUBA, "norm": norms.MeanOnlyBatchNorm}))
    assert not violations(assert_same(net, spikes((6,))))


def test_average_is_a_rate_readout() -> None:
    torch.manual_seed(7)
    net = chain(dense((6, 9)), block.cuba.Average(num_outputs=3))
    stimulus = spikes((6,))
    network = from_slayer(net, stimulus.x[:1])
    sums = execute(network, stimulus).readout
    assert network.readout is not None
    want = forward(net, stimulus.x).sum(-1).numpy()
    np.testing.assert_allclose(sums / network.readout.divisor, want, rtol=1e-6)


SCALED = {
    "weights, current not kept": ({"current_decay": 1.0}, 1 / 64, -2),
    "weights, current kept whole": ({"current_decay": 0.0}, 1 / 64, -1),
    "threshold, nothing rounds": ({"current_decay": 1.0, "voltage_decay": 0.0}, 1.0, 1),
    "threshold between two values": ({"current_decay": 1.0, "voltage_decay": 1.0}, 1.0, -3),
}


@pytest.mark.parametrize("name", SCALED)
def test_wgt_scale_batch_norm_where_integers_can_say_it(name: str) -> None:
    torch.manual_seed(4)
    decays, gain, exponent = SCALED[name]
    scaled = dense((6, 9), CUBA | decays | {"norm": norms.WgtScaleBatchNorm})
    norm, threshold = scaled.neuron.norm, 1.0 if gain == 1 else 0.2
    scaled.neuron._threshold = int(threshold * 64 + 1) / 64
    scaled.synapse.weight.data = torch.randint(-20, 60, scaled.synapse.weight.shape) / 32 * gain
    norm.running_mean = torch.randint(-8, 9, (9,)) / 32 * gain
    norm.running_var = torch.tensor([4.0**exponent * 0.9])
    assert_same(chain(scaled), spikes((6,)))


def module_without_blocks() -> torch.nn.Module:
    return torch.nn.Linear(2, 2)


def other_norm() -> torch.nn.Module:
    class Other(norms.MeanOnlyBatchNorm):
        pass

    return chain(dense((6, 9)), dense((9, 5), {**CUBA, "norm": Other}))


def scaled() -> torch.nn.Module:
    net = dense((6, 9), {**CUBA, "norm": norms.WgtScaleBatchNorm})
    net.neuron.norm.running_var = torch.tensor([3.9])
    return chain(net)


def late_output() -> torch.nn.Module:
    net = dense((6, 9), {**CUBA, "norm": norms.MeanOnlyBatchNorm}, delay=True)
    net(SAMPLE)
    net.delay.delay.data += 2
    return chain(net)


def shared(**params: object) -> Callable[[], torch.nn.Module]:
    return lambda: chain(dense((6, 9), CUBA | params))


def kwta() -> torch.nn.Module:
    params = CUBA | {"threshold": 8.0}
    return chain(block.cuba.KWTA(params, 6, 8, num_winners=1, delay_shift=False))


def mixed_units() -> torch.nn.Module:
    delta = {"threshold": 0.1, "activation": torch.relu}
    return chain(dense((6, 9)), block.sigma_delta.Dense(delta, 9, 5))


def errors_add_up() -> torch.nn.Module:
    delta = {"threshold": 0.1, "activation": torch.relu, "cum_error": True}
    return chain(block.sigma_delta.Input(delta), block.sigma_delta.Dense(dict(delta), 6, 5))


def trained_threshold() -> torch.nn.Module:
    delta = {"threshold": 0.1, "activation": torch.relu, "requires_grad": True}
    dense = block.sigma_delta.Dense(dict(delta), 6, 5)
    dense.neuron.delta.threshold.data += 0.01
    return chain(block.sigma_delta.Input(delta), dense)


def no_activation() -> torch.nn.Module:
    delta = {"threshold": 0.1, "activation": torch.tanh}
    return chain(block.sigma_delta.Input(delta), block.sigma_delta.Dense(dict(delta), 6, 5))


def adaptive(**params: object) -> dict[str, object]:
    decays = {"threshold_decay": 0.3, "refractory_decay": 0.6, "threshold_step": 0.5}
    return CUBA | decays | params


def adaptive_norm() -> torch.nn.Module:
    net = block.alif.Dense(adaptive(norm=norms.MeanOnlyBatchNorm), 6, 9)
    net.neuron.norm.running_mean = torch.full((9,), 0.5)
    return chain(net)


REFUSED: dict[str, tuple[Callable[[], torch.nn.Module], str]] = {
    "no blocks": (module_without_blocks, "neither a Sequential"),
    "an own block": (lambda: chain(torch.nn.Identity()), r"Block 0 \(linear.Identity\).*not known"),
    "only a flatten layer": (lambda: chain(block.cuba.Average(3)), "hold no neurons"),
    "another norm": (other_norm, r"Block 1 \(cuba.Dense\).*norm is Other"),
    "a scale that rounds": (scaled, r"Block 0 .*divides the current by 2\^1"),
    "a late last layer with bias": (late_output, r"Block 0 .*delays the output of the last"),
    "decays by channel": (shared(shared_param=False), "current decay differs by channel"),
    "graded spikes": (shared(graded_spike=True), "graded spikes"),
    "k winners with current": (kwta, r"KWTA.*enters before the current"),
    "adaptive norm": (adaptive_norm, r"alif.Dense.*enters before the current"),
    "spikes to sigma-delta": (mixed_units, r"Block 1 .*2\^-12"),
    "cum_error": (errors_add_up, "cum_error|itself fails"),  # torch 2 does not run it
    "a trained threshold": (trained_threshold, r"sigma_delta.Dense.*threshold in weight units"),
    "another activation": (no_activation, "neither relu"),
    "blocks behind the read-out": (
        lambda: chain(dense((6, 6)), block.cuba.Average(6), dense((6, 6))),
        "behind the read-out",
    ),
    "time decimation": (
        lambda: chain(dense((6, 6)), block.cuba.TimeDecimation(2)),
        r"Block 1 \(cuba.TimeDecimation\).*not known",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_exactly_is_refused(name: str) -> None:
    torch.manual_seed(0)
    make, message = REFUSED[name]
    with pytest.raises(SpikewattError, match=message):
        from_slayer(make(), SAMPLE)


@pytest.mark.parametrize(
    ("kind", "size", "options"),
    [("Pool", 2, {"stride": 1}), ("Pool", 4, {}), ("Unpool", 2, {"stride": 1, "padding": 0})],
)
def test_pools_that_mix_channels_are_refused(kind: str, size: int, options: dict) -> None:
    pool = getattr(block.cuba, kind)(dict(CUBA), size, delay_shift=False, **options)
    sample = torch.zeros(1, 3, 7, 8, STEPS)
    with pytest.raises(SpikewattError, match=r"borders of channels|itself fails on the sample"):
        from_slayer(chain(pool), sample)


def test_groups_of_an_image_are_refused() -> None:
    conv = block.cuba.Conv(dict(CUBA), 2, 4, 3, delay_shift=False)
    with pytest.raises(SpikewattError, match="no blocks of neighbours"):
        from_slayer(chain(conv, block.cuba.Average(2)), torch.zeros(1, 2, 6, 5, STEPS))


def test_a_module_that_is_not_the_chain_of_its_blocks_is_refused() -> None:
    class Residual(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.ModuleList([dense((6, 6)), dense((6, 6))])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first = self.blocks[0](x)
            return self.blocks[1](first) + first

    torch.manual_seed(1)
    with pytest.raises(SpikewattError, match="does not compute the chain of its `blocks`"):
        from_slayer(Residual(), spikes((6,)).x)


def test_a_sample_that_slayer_does_not_take_is_refused() -> None:
    with pytest.raises(SpikewattError, match=r"itself fails on the sample of shape \(2, 5, 16\)"):
        from_slayer(chain(dense((6, 9))), SAMPLE[:, :5])
    with pytest.raises(SpikewattError, match="holds fractions"):
        from_slayer(chain(dense((6, 9))), SAMPLE + 0.5)


def test_signed_spikes_get_message_bits() -> None:
    assert from_slayer(chain(dense((6, 9))), SAMPLE - 1).input.message_bits == 1
    assert from_slayer(chain(dense((6, 9))), SAMPLE + 5).input.message_bits == 3


def test_mode_and_state_are_left_as_they_were() -> None:
    torch.manual_seed(8)
    params = {**CUBA, "persistent_state": True}
    net = chain(randomised(block.cuba.Dense(params, 6, 9, delay_shift=True)), dense((9, 5)))
    x = spikes((6,)).x
    with torch.no_grad():
        net(x)
    before = [b.clone() for b in net.buffers()], net[0].delay_buffer.clone()
    from_slayer(net.train(), x)
    assert net.training
    assert all(map(torch.equal, before[0], net.buffers()))
    assert torch.equal(before[1], net[0].delay_buffer)


def test_persistent_state_is_one_longer_stream() -> None:
    """SLAYER's calls with persistent_state go on; the network says the first of them."""
    torch.manual_seed(9)
    params = {**CUBA, "persistent_state": True}
    net = chain(randomised(block.cuba.Dense(params, 6, 9, delay_shift=False))).eval()
    stimulus = spikes((6,))
    with torch.no_grad():
        calls = torch.cat([net(part) for part in stimulus.x.split(STEPS // 2, dim=-1)], dim=-1)
    network = from_slayer(net, stimulus.x)
    found = execute(network, stimulus).spikes[1]
    assert found.any()
    np.testing.assert_array_equal(found, calls.numpy())
