"""lava-dl's own blocks, lowered: SLAYER's forward pass and the native engine spike alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lava.lib.dl import slayer
from lava.lib.dl.slayer.neuron.norm import MeanOnlyBatchNorm, WgtScaleBatchNorm

from spikewatt.errors import SpikewattError
from spikewatt.export.modules import from_slayer
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network, StartRule
from spikewatt.validation import violations

STEPS = 12
PARAMS = {"threshold": 1.0, "current_decay": 0.4, "voltage_decay": 0.2}
NORMED = {**PARAMS, "norm": MeanOnlyBatchNorm}


def chain(*blocks: torch.nn.Module) -> torch.nn.Sequential:
    return torch.nn.Sequential(*blocks)


def dense(sizes: tuple[int, int], params: dict[str, object] = PARAMS, **options: bool):
    block = slayer.block.cuba.Dense(params, *sizes, weight_scale=4, **options)
    if block.neuron.norm is not None:
        block.neuron.norm.running_mean = torch.randint(-30, 20, (sizes[1],)) / 64
    return block


def spikes(module: torch.nn.Module, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    x = (torch.rand(3, *shape, STEPS, generator=generator) < 0.4).float()
    module.eval()
    with torch.no_grad():
        return x, module(x)


def execute(network: Network, x: torch.Tensor) -> Execution:
    """Native spikes on SLAYER's input (N, C, [H, W,] T)."""
    stimulus = np.moveaxis(
        x.numpy().astype(np.int32), range(1, x.dim() - 1), range(x.dim() - 2, 0, -1)
    )
    stimulus = np.ascontiguousarray(stimulus)
    schedule = clips(network, len(stimulus), STEPS)
    return NativeEngine().run(Request(network, stimulus, schedule, (network.output.layer,)))


def assert_same(module: torch.nn.Module, shape: tuple[int, ...]) -> Network:
    torch.manual_seed(0)
    x, expected = spikes(module, shape)
    network = from_slayer(module, x[:1])
    assert not violations(network)
    found = execute(network, x).spikes[network.output.layer]
    want = expected.numpy()
    want = np.moveaxis(want, range(1, want.ndim - 1), range(want.ndim - 2, 0, -1))
    assert want.any()
    # with delay_shift SLAYER's output lags as the whole pipeline does; the window starts there
    lag = sum(getattr(b, "delay_shift", False) for b in module)
    if network.start is StartRule.TOGETHER:
        want, found = want[..., lag:], found[..., : STEPS - lag]
    np.testing.assert_array_equal(found, want)
    return network


@pytest.mark.parametrize(("shift", "params"), [(True, PARAMS), (False, PARAMS), (False, NORMED)])
def test_dense_chain(shift: bool, params: dict[str, object]) -> None:
    torch.manual_seed(2)
    blocks = [dense(s, params, delay_shift=shift) for s in ((6, 9), (9, 5))]
    network = assert_same(chain(*blocks), (6,))
    assert network.start is (StartRule.TOGETHER if shift else StartRule.BY_DEPTH)


@pytest.mark.filterwarnings("ignore:torch.nn.utils.weight_norm is deprecated")
def test_weight_norm() -> None:
    torch.manual_seed(3)
    assert_same(chain(dense((6, 9), weight_norm=True, delay_shift=False)), (6,))


def test_axonal_delays_move_to_the_next_projection() -> None:
    torch.manual_seed(4)
    first = dense((6, 9), NORMED, delay=True, delay_shift=False)
    first.delay.delay.data = torch.randint(0, 5, first.delay.delay.shape).float()
    with torch.no_grad():
        first(torch.zeros(1, 6, STEPS))
        first.delay.delay.data = torch.randint(0, 5, (9,)).float()
    network = assert_same(chain(first, dense((9, 5), delay_shift=False)), (6,))
    assert network.projections[1].synapses.delay.max() > 0


def test_a_delay_on_the_last_layer_is_refused() -> None:
    last = dense((6, 9), delay=True, delay_shift=False)
    with pytest.raises(SpikewattError, match="axonal delay on the last layer"):
        from_slayer(chain(last), torch.zeros(1, 6, STEPS))


@pytest.mark.parametrize("options", [{}, {"stride": (2, 1), "padding": (0, 1)}, {"groups": 2}])
def test_conv_flatten_dense(options: dict[str, object]) -> None:
    torch.manual_seed(6)
    conv = slayer.block.cuba.Conv(
        PARAMS, 2, 4, (3, 2), weight_scale=4, delay_shift=False, **options
    )
    size = conv(torch.zeros(1, 2, 6, 5, STEPS)).shape[1:-1].numel()
    net = chain(conv, slayer.block.cuba.Flatten(), dense((size, 5), delay_shift=False))
    network = assert_same(net, (2, 6, 5))
    assert list(network.layer_types.values()) == ["input", "conv", "flatten", "dense"]


def test_average_is_a_rate_readout() -> None:
    torch.manual_seed(7)
    net = chain(dense((6, 9), delay_shift=False), slayer.block.cuba.Average(num_outputs=3))
    x, expected = spikes(net, (6,))
    network = from_slayer(net, x[:1])
    sums = execute(network, x).readout
    assert network.readout is not None
    np.testing.assert_allclose(sums / network.readout.divisor, expected.sum(-1).numpy(), rtol=1e-6)


def test_what_cannot_be_said_exactly_is_refused() -> None:
    sample = torch.zeros(1, 6, STEPS)
    scaled = dense((6, 9), {**PARAMS, "norm": WgtScaleBatchNorm})
    with pytest.raises(SpikewattError, match=r"Block 0 .*WgtScaleBatchNorm"):
        from_slayer(chain(scaled), sample)
    early = chain(dense((6, 9), NORMED, delay_shift=True))
    with pytest.raises(SpikewattError, match="first step would differ"):
        from_slayer(early, sample)
    mixed = chain(dense((6, 9), delay_shift=True), dense((9, 5), delay_shift=False))
    with pytest.raises(SpikewattError, match="mix delay_shift"):
        from_slayer(mixed, sample)
    recurrent = slayer.block.cuba.Recurrent(PARAMS, 6, 9)
    with pytest.raises(SpikewattError, match=r"Block 0 .*Recurrent"):
        from_slayer(chain(recurrent), sample)
    with pytest.raises(SpikewattError, match="neither a Sequential"):
        from_slayer(torch.nn.Linear(2, 2), sample)
