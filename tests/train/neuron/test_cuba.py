"""The fused CUBA neuron against slayer's own: integers to the bit, gradients to float32's."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from late import slayers

from spikewatt.errors import SpikewattError
from spikewatt.train.neuron import ChannelBias, CubaNeuron, SlayerExponential

cuba, norms = slayers("neuron.cuba"), slayers("neuron.norm")
SCALE = 64
PARAMS: dict[str, Any] = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.1,
    "tau_grad": 0.01,
    "scale_grad": 3.0,
}


def both(params: dict[str, Any]) -> tuple[CubaNeuron, torch.nn.Module]:
    """Ours and slayer's; a norm is named."""
    if params.get("norm"):
        params = params | {"norm": getattr(norms, params["norm"])}
    torch.manual_seed(3)
    ours = CubaNeuron(**params)
    torch.manual_seed(3)
    return ours, cuba.Neuron(**params)


def currents(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-120, 160, shape, generator=generator) / SCALE


def near(found: torch.Tensor, expected: torch.Tensor, within: float = 1e-6) -> None:
    scale = float(expected.detach().abs().max())
    torch.testing.assert_close(found, expected, rtol=within, atol=within * scale)


def assert_same(ours: torch.nn.Module, theirs: torch.nn.Module, x: torch.Tensor) -> None:
    """Equal spikes, and equal gradients of input and parameters for a random pull."""
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.manual_seed(5)
    spikes = ours(a)
    torch.manual_seed(5)
    expected = theirs(b)
    assert torch.equal(spikes, expected)
    assert 0 < float((spikes.detach() != 0).float().mean()) < 1
    pull = torch.randn(spikes.shape, generator=torch.Generator().manual_seed(9))
    ours.zero_grad()
    theirs.zero_grad()
    spikes.backward(pull)
    expected.backward(pull)
    near(a.grad, b.grad)
    pairs = zip(ours.named_parameters(), theirs.named_parameters(), strict=True)
    for (name, p), (same_name, q) in pairs:
        assert (name, p.requires_grad) == (same_name, q.requires_grad)
        if p.grad is not None:
            near(p.grad, q.grad, 1e-5)  # slayer's is a long sum in float32


decays = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9995, 1.0])


@pytest.mark.lava
@settings(max_examples=30, deadline=None)
@given(decays, decays, st.integers(1, 200), st.integers(0, 2**16), st.integers(1, 80))
def test_same_spikes_and_gradients_as_slayer(
    current_decay: float, voltage_decay: float, threshold: int, seed: int, steps: int
) -> None:
    changes = {"current_decay": current_decay, "voltage_decay": voltage_decay}
    ours, theirs = both(PARAMS | changes | {"threshold": threshold / SCALE})
    bias = currents((4,), seed) / 8
    ours.norm, theirs.norm = ChannelBias(bias), ChannelBias(bias)
    x = currents((2, 4, 3, steps), seed)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    spikes, expected = ours(a), theirs(b)
    assert torch.equal(spikes, expected)
    pull = torch.randn(spikes.shape, generator=torch.Generator().manual_seed(seed))
    spikes.backward(pull)
    expected.backward(pull)
    near(a.grad, b.grad)


@pytest.mark.lava
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shared_param": False},
        {"shared_param": False, "current_decay": (0.1, 0.9), "voltage_decay": [0.0, 1.0]},
        {"requires_grad": True},
        {"requires_grad": True, "shared_param": False},
        {"graded_spike": True},
        {"norm": "MeanOnlyBatchNorm"},
        {"norm": "WgtScaleBatchNorm", "requires_grad": True},
        {"dropout": torch.nn.Dropout(0.3)},
        {"scale": 128},
        {"scale": 100},
        {"threshold": 70.0, "current_decay": 0.01, "voltage_decay": 0.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(3, 5, 33), (70, 2, 6), (1, 1, 1)], ids=str)
def test_every_option_is_slayers(changes: dict[str, Any], shape: tuple[int, ...]) -> None:
    ours, theirs = both(PARAMS | changes)
    if shape == (1, 1, 1):
        x = torch.tensor([[[1.5]]])
        assert torch.equal(ours(x), theirs(x))
        return
    x = 4 * currents(shape)
    for mode in (True, False):  # in training, norms move; then they stand
        ours.train(mode)
        theirs.train(mode)
        assert_same(ours, theirs, x)


@pytest.mark.lava
@pytest.mark.parametrize("norm", [None, "MeanOnlyBatchNorm"])
def test_states_persist_as_slayers(norm: Any) -> None:
    ours, theirs = both(PARAMS | {"persistent_state": True, "norm": norm})
    for batch in (2, 2, 3, 3, 1):  # another batch size forgets
        x = currents((batch, 4, 5, 7), batch)
        assert_same(ours, theirs, x)
        assert torch.equal(ours.current_state, theirs.current_state)
        assert torch.equal(ours.voltage_state, theirs.voltage_state)


def test_reset_forgets() -> None:
    neuron = CubaNeuron(**PARAMS, persistent_state=True)
    x = currents((2, 4, 7))
    first, second = neuron(x), neuron(x)
    assert not torch.equal(first, second)
    neuron.reset()
    assert torch.equal(neuron(x), first)


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(3))
def test_conv_channels_have_their_own_decays(seed: int) -> None:
    torch.manual_seed(seed)
    decays = torch.rand(4), torch.rand(4)
    params = {k: v for k, v in PARAMS.items() if not k.endswith("decay")}
    together = CubaNeuron(
        current_decay=decays[0], voltage_decay=decays[1], shared_param=False, **params
    )
    x = currents((3, 4, 2, 3, 19), seed)
    spikes = together(x)
    for c, (of_current, of_voltage) in enumerate(zip(*decays, strict=True)):
        alone = cuba.Neuron(
            current_decay=float(of_current), voltage_decay=float(of_voltage), **params
        )
        assert torch.equal(spikes[:, c], alone(x[:, c]))


@pytest.mark.lava
def test_an_explicit_exponential_is_slayers() -> None:
    ours, theirs = both(PARAMS)
    ours.surrogate = SlayerExponential(tau_grad=0.01, scale_grad=3.0)
    assert_same(ours, theirs, currents((2, 4, 3, 25)))


@pytest.mark.lava
def test_dynamics_are_slayers() -> None:
    ours, theirs = both(PARAMS)
    x = currents((2, 4, 3, 25))
    for mine, expected in zip(ours.dynamics(x), theirs.dynamics(x), strict=True):
        assert torch.equal(mine, expected)
    ours._threshold = theirs._threshold = -1  # as slayer's Affine: no spike, no reset
    assert torch.equal(ours.dynamics(x)[1], theirs.dynamics(x)[1])


@pytest.mark.lava
def test_large_currents_round_as_slayers() -> None:
    ours, theirs = both(PARAMS | {"current_decay": 0.001, "threshold": 2000.0})
    x = 300 * currents((2, 4, 3, 200))  # beyond 2**24, float32 loses units
    assert torch.equal(ours(x), theirs(x))
    assert float(theirs.dynamics(x)[0].detach().abs().max()) * ours.s_scale > 2**24


def test_the_reference_path_is_slayers_code() -> None:
    neuron = CubaNeuron(threshold=1.0, current_decay=1.0, voltage_decay=0.5)
    x = torch.randint(0, 100, (1, 2, 10)) / SCALE
    compiled = neuron(x)
    neuron.compiled = False
    assert torch.equal(neuron(x), compiled)


def test_all_passes_work_without_lava_dl() -> None:
    code = (
        "import sys; sys.modules['lava'] = None\n"
        "import torch\n"
        "from spikewatt.train.neuron import CubaNeuron\n"
        "neuron, x = CubaNeuron(1.0, 0.3, 0.2), torch.rand(2, 3, 9)\n"
        "fused = neuron(x)\n"
        "neuron.compiled = False\n"
        "assert fused.any() and torch.equal(neuron(x), fused)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.lava
def test_attributes_are_slayers() -> None:
    ours, theirs = both(PARAMS)
    assert ours.device_params == theirs.device_params
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name in ("w_scale", "s_scale", "p_scale", "threshold_eps", "tau_rho", "scale_rho", "scale"):
        assert getattr(ours, name) == getattr(theirs, name)
    weight = torch.linspace(-5, 5, 99)
    for descale in (False, True):
        assert torch.equal(
            ours.quantize_8bit(weight, descale), theirs.quantize_8bit(weight, descale)
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes_have_the_same_spikes(dtype: torch.dtype) -> None:
    neuron = CubaNeuron(**PARAMS)
    x = torch.randint(-60, 80, (2, 4, 3, 25)) / SCALE
    spikes = neuron(x.to(dtype))
    assert spikes.dtype == dtype
    assert torch.equal(spikes.float(), neuron(x))


def test_a_bias_that_learns_gets_its_gradient() -> None:
    neuron, loop = CubaNeuron(**PARAMS), CubaNeuron(**PARAMS)
    loop.compiled, loop.detach_reset = False, False
    x, grads = currents((2, 4, 3, 25)), []
    for n in (neuron, loop):
        values = (torch.arange(4.0) / SCALE).requires_grad_()
        n.norm = ChannelBias(torch.zeros(4))
        n.norm.values = values
        (n(x) * x).sum().backward()
        grads.append(values.grad)
    near(*grads)


def test_what_does_not_fit_is_told() -> None:
    neuron = CubaNeuron(**PARAMS)
    neuron(currents((2, 4, 5)))
    with pytest.raises(SpikewattError, match="does not fit"):
        neuron(currents((2, 3, 5)))
    with pytest.raises(SpikewattError, match=r"\(N, C, ..., T\)"):
        CubaNeuron(**PARAMS)(torch.zeros(3, 4))
    three = CubaNeuron(**PARAMS | {"current_decay": torch.rand(3)}, shared_param=False)
    with pytest.raises(SpikewattError, match="has 4 channels"):
        three(currents((2, 4, 5)))
    with pytest.raises(SpikewattError, match="shared_param=True"):
        CubaNeuron(**PARAMS | {"current_decay": (0.1, 0.2)})
    with pytest.raises(SpikewattError, match="input_gain"):
        CubaNeuron(**PARAMS, input_gain="tau")
