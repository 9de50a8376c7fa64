"""LIF and PLIF against their equations, the fused pass against plain autograd."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train.neuron import (
    ATan,
    CubaNeuron,
    Rectangular,
    Sigmoid,
    SlayerExponential,
    Surrogate,
    lif,
    plif,
)

UNIT = 1 << 12  # of a state
PAPERS = {
    ATan(2.0): lambda x: 1 / (1 + (torch.pi * x) ** 2),
    ATan(3.0): lambda x: 1.5 / (1 + (1.5 * torch.pi * x) ** 2),
    Sigmoid(4.0): lambda x: 4 * torch.sigmoid(4 * x) * (1 - torch.sigmoid(4 * x)),
    Rectangular(1.0): lambda x: (x.abs() < 0.5).to(x.dtype),
    Rectangular(0.5): lambda x: 2 * (x.abs() < 0.25).to(x.dtype),
    SlayerExponential(0.01, 20.0): lambda x: torch.exp(-x.abs()),
}
Derivative = Callable[[torch.Tensor], torch.Tensor]


class Spike(torch.autograd.Function):
    """A step whose derivative is a paper's formula."""

    @staticmethod
    def forward(ctx, x, derivative):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.derivative = derivative
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return grad * ctx.derivative(x), None


def textbook(
    x: torch.Tensor, k: torch.Tensor, derivative: Derivative, detach: bool
) -> torch.Tensor:
    """H = V + k (X - V) step by step in autograd; truncated to whole states like the neuron."""
    v, spikes = torch.zeros_like(x[..., 0]), []
    for t in range(x.shape[-1]):
        kept, driven = (1 - k) * v, k * x[..., t]
        for term in (kept, driven):
            term.data = torch.trunc(term.data * UNIT) / UNIT
        h = kept + driven
        s = Spike.apply(h - 1, derivative)
        spikes.append(s)
        fired = s.detach()
        # detached: h (1 - s) with s held. Else slayer's: the value is reset, the gradient is not
        v = h * (1 - fired) if detach else h - (h * fired).detach()
    return torch.stack(spikes, dim=-1)


def sample(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 5, 2, 41, generator=generator) * 2


def near(found: torch.Tensor, expected: torch.Tensor, within: float = 2e-6) -> None:
    scale = float(expected.detach().abs().max())
    torch.testing.assert_close(found, expected, rtol=within, atol=within * scale)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("surrogate", PAPERS, ids=str)
def test_lif_is_its_equation(surrogate: Surrogate, detach: bool) -> None:
    a, b = sample().requires_grad_(), sample().requires_grad_()
    spikes = lif(4.0, surrogate=surrogate, detach_reset=detach)(a)
    expected = textbook(b, torch.tensor(0.25), PAPERS[surrogate], detach)
    assert torch.equal(spikes, expected)
    pull = sample(7)
    spikes.backward(pull)
    expected.backward(pull)
    near(a.grad, b.grad)


@pytest.mark.parametrize("detach", [False, True])
def test_plif_learns_its_time_constant(detach: bool) -> None:
    neuron = plif(3.0, detach_reset=detach)
    (a,) = neuron.parameters()
    assert a.numel() == 1
    logit = a.detach().clone().requires_grad_()
    k = torch.sigmoid(logit)
    k = k + (torch.round(4096 * k) / 4096 - k).detach()
    x, y = sample().requires_grad_(), sample().requires_grad_()
    spikes, expected = neuron(x), textbook(y, k, PAPERS[ATan(2.0)], detach)
    assert torch.equal(spikes, expected)
    pull = sample(7)
    spikes.backward(pull)
    expected.backward(pull)
    near(x.grad, y.grad)
    near(a.grad, logit.grad, 1e-5)
    assert neuron.cx_voltage_decay == 1365
    assert neuron.cx_current_decay == 4096


def looped(neuron: CubaNeuron) -> CubaNeuron:
    """The same neuron, on the step-by-step pass."""
    neuron.compiled = False
    return neuron


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("steps", [1, 4, 6, 32, 70])
@pytest.mark.parametrize("surrogate", [None, *PAPERS], ids=str)
def test_the_fused_pass_is_the_loop(surrogate: Surrogate | None, detach: bool, steps: int) -> None:
    grads = []
    for seen in (lambda n: n, looped):
        torch.manual_seed(1)
        neuron = seen(
            CubaNeuron(
                threshold=1.5,
                current_decay=(0.2, 0.9),
                voltage_decay=(0.1, 0.6),
                tau_grad=0.01,
                shared_param=False,
                persistent_state=True,
                requires_grad=True,
                surrogate=surrogate,
                detach_reset=detach,
                input_gain="decay",
            )
        )
        x = torch.randn(2, 9, 5, steps).requires_grad_()
        for _ in range(2):
            spikes = neuron(4 * x)
            (spikes * torch.randn(spikes.shape)).sum().backward()
        found = (x.grad, neuron.voltage_decay.grad, neuron.current_decay.grad)
        grads.append([spikes, neuron.voltage_state, neuron.current_state, *found])
    for fused, loop in zip(*grads, strict=True):
        near(fused, loop, 1e-5)
    assert torch.equal(grads[0][0], grads[1][0])


def test_a_plif_keeps_its_state_and_its_gradient_to_it() -> None:
    found = []
    for compiled in (True, False):
        neuron = plif()
        neuron.persistent_state, neuron.compiled = True, compiled
        for seed in range(3):
            (neuron(sample(seed)) * sample(9)).sum().backward()
        found.append(neuron.a.grad)
    near(*found, within=1e-5)


def test_a_surrogate_of_a_threshold_scales_with_it() -> None:
    one, two = (lif(threshold=t, surrogate=ATan()) for t in (1.0, 2.0))
    a, b = sample().requires_grad_(), sample().requires_grad_()
    spikes, same = one(a), two(2 * b)
    agree = spikes == same  # all but where a state lost its last bit
    assert float(agree.float().mean()) > 0.99
    spikes.sum().backward()
    same.sum().backward()
    torch.testing.assert_close(float(a.grad.sum()), float(b.grad.sum()), rtol=0.02, atol=0)


@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_impossible_time_constants_are_told(tau: float) -> None:
    with pytest.raises(SpikewattError, match="tau is"):
        plif(tau)
    if tau < 1:
        with pytest.raises(SpikewattError, match="tau is"):
            lif(tau)


def test_a_graded_spike_has_no_binary_surrogate() -> None:
    neuron = CubaNeuron(1.0, 1.0, 0.5, graded_spike=True, surrogate=ATan())
    with pytest.raises(SpikewattError, match="graded_spike"):
        neuron(sample())
