"""The neuron's arithmetic step by step in plain torch: the meaning of the fused passes.

It serves every device and dtype. `slayer_integrator` is lava-dl's own code in the same place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from spikewatt.lava_door import why_no_lava
from spikewatt.train.neuron.surrogates import Slope, derivative

DECAY_BITS = 12  # decays are shares of 2**12
UNITY = 1 << DECAY_BITS


class Rules(NamedTuple):
    """How an integrator computes.

    scale: integers per unit. threshold: in slayer's units; v resets above it, None never.
    detach_reset: no gradient through the reset state. exact_decay: the decay's gradient is that
    of the equation; else it is slayer's, which has the opposite sign and ignores the reset.
    """

    scale: int
    threshold: float | None = None
    detach_reset: bool = False
    exact_decay: bool = False


Integrator = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Rules], torch.Tensor]


def by_channel(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """(1,) or (C,) values to be broadcast with a (N, C, ...) tensor."""
    return values.reshape(1, -1, *[1] * (like.dim() - 2))


def shift_to_zero(product: torch.Tensor) -> torch.Tensor:
    """product / 2**12, rounded toward zero."""
    sign = 2 * (product > 0) - 1
    return sign * ((sign * product) >> DECAY_BITS)


def _keep_share(decay: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return by_channel(1 - decay / UNITY, like)


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, decay, state, rules):
        keep = by_channel(UNITY - decay.to(torch.int64), x[..., 0])
        old = (state * rules.scale).to(torch.int64)
        limit = None if rules.threshold is None else rules.threshold * rules.scale
        output = torch.empty_like(x)
        for t in range(x.shape[-1]):
            new = shift_to_zero(old * keep) + (rules.scale * x[..., t]).to(torch.int64)
            old = new if limit is None or limit <= 0 else new * (new < limit)
            output[..., t] = new / rules.scale
        ctx.save_for_backward(output, decay, state)
        ctx.rules = rules
        return output

    @staticmethod
    def backward(ctx, grad):
        output, decay, state = ctx.saved_tensors
        keep = _keep_share(decay, grad[..., 0])
        fired = _fired(output, ctx.rules)
        grad_x, later = torch.empty_like(grad), torch.zeros_like(grad[..., 0])
        for t in reversed(range(grad.shape[-1])):
            if ctx.rules.detach_reset:
                later = later * ~fired[..., t]
            later = grad[..., t] + keep * later
            grad_x[..., t] = later
        grad_decay = None
        if ctx.needs_input_grad[1]:
            grad_decay = _decay_gradient(grad_x, (output, fired, state), decay, ctx.rules)
        return grad_x, grad_decay, None, None


def _fired(output: torch.Tensor, rules: Rules) -> torch.Tensor:
    if rules.threshold is None or rules.threshold <= 0:
        return torch.zeros_like(output, dtype=torch.bool)
    return output * rules.scale >= rules.threshold * rules.scale


def _decay_gradient(grad_x, outcome, decay, rules: Rules) -> torch.Tensor:
    output, fired, state = outcome
    if rules.exact_decay:
        first = (state + torch.zeros_like(output[..., 0]))[..., None]
        before = torch.cat([first, (output * ~fired)[..., :-1]], dim=-1)
        product = -(grad_x * before).double() / UNITY
    else:
        product = (grad_x[..., 1:] * output[..., :-1]).double()
    others = [d for d in range(product.dim()) if d != 1]
    total = product.sum() if decay.numel() == 1 else product.sum(dim=others)
    return total.reshape(decay.shape).to(decay.dtype)


def integrate(
    x: torch.Tensor, decay: torch.Tensor, state: torch.Tensor, rules: Rules
) -> torch.Tensor:
    """y[t] = (1 - decay / 4096) y[t - 1] + x[t] in slayer's integers.

    x: (N, C, ..., T), slayer's units. decay: (1,) or (C,), whole numbers. state: y before the
    first step, one value or (N, C, ...). Returns y before the reset of each step, as x.
    """
    return _Integrate.apply(x, decay, state, rules)


def slayer_integrator() -> Integrator:
    """lava-dl's own dynamics; `integrate` where lava-dl cannot be used."""
    if why_no_lava() is not None:
        return integrate
    from spikewatt.export.slayer import slayer

    dynamics = slayer.neuron.dynamics.leaky_integrator.dynamics

    def run(x, decay, state, rules):
        # lava-dl aligns channels only in (N, C, T)
        if decay.numel() > 1 and x.dim() > 3:
            return integrate(x, decay, state, rules)
        return dynamics(x, decay, state.contiguous(), rules.scale, rules.threshold)

    return run


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx, voltage, threshold, slope, graded):
        ctx.save_for_backward(voltage)
        ctx.slope = slope
        fires = voltage >= threshold
        return fires * voltage if graded else fires.to(voltage.dtype)

    @staticmethod
    def backward(ctx, grad):
        (voltage,) = ctx.saved_tensors
        return derivative(voltage, ctx.slope) * grad, None, None, None


def fire(voltage: torch.Tensor, threshold: float, slope: Slope, graded: bool) -> torch.Tensor:
    """1, or the voltage where graded, where voltage >= threshold; else 0."""
    return _Fire.apply(voltage, threshold, slope, graded)
