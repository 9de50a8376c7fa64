"""The compiled CUBA neuron against slayer's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.lib.dl.slayer.neuron import cuba

from spikewatt.train.neuron import ChannelBias, CubaNeuron

SCALE = 64


def both(params: dict[str, float], bias: torch.Tensor | None) -> tuple[CubaNeuron, cuba.Neuron]:
    ours, theirs = CubaNeuron(**params), cuba.Neuron(**params)
    if bias is not None:
        ours.norm, theirs.norm = ChannelBias(bias), ChannelBias(bias)
    return ours, theirs


decays = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9995, 1.0])


@settings(max_examples=30, deadline=None)
@given(decays, decays, st.integers(1, 200), st.integers(0, 2**16))
def test_same_spikes_and_gradients_as_slayer(
    current_decay: float, voltage_decay: float, threshold: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    params = {
        "threshold": threshold / SCALE,
        "current_decay": current_decay,
        "voltage_decay": voltage_decay,
        "tau_grad": 0.01,
        "scale_grad": 3.0,
    }
    bias = torch.randint(-20, 20, (4,), generator=generator) / SCALE
    ours, theirs = both(params, bias)
    currents = torch.randint(-120, 160, (2, 4, 3, 25), generator=generator) / SCALE
    a, b = currents.clone().requires_grad_(), currents.clone().requires_grad_()
    spikes, expected = ours(a), theirs(b)
    assert torch.equal(spikes, expected)
    pull = torch.randn(spikes.shape, generator=generator)
    spikes.backward(pull)
    expected.backward(pull)
    assert a.grad is not None
    assert b.grad is not None
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6 * float(b.grad.abs().max()))


def test_the_reference_path_is_slayers_code() -> None:
    neuron = CubaNeuron(threshold=1.0, current_decay=1.0, voltage_decay=0.5)
    x = torch.randint(0, 100, (1, 2, 10)) / SCALE
    compiled = neuron(x)
    neuron.compiled = False
    assert torch.equal(neuron(x), compiled)


@pytest.mark.parametrize("option", ["persistent_state", "graded_spike"])
def test_what_the_compiled_pass_cannot_do_takes_slayers_path(option: str) -> None:
    params = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 0.5, option: True}
    ours, theirs = CubaNeuron(**params), cuba.Neuron(**params)
    x = torch.randint(0, 100, (2, 3, 8)) / SCALE
    for _ in range(2):
        assert torch.equal(ours(x), theirs(x))
