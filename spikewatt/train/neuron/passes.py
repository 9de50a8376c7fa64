"""The fused pass in autograd: one node from currents to spikes, on the CPU or a GPU."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train.neuron.stepwise import UNITY
from spikewatt.train.neuron.surrogates import FLAT, Slope

EXACT = 1 << 24  # whole numbers that float32 holds
NO_RESET = float("inf")
LINEAR = Slope(FLAT, 0.0, 1.0, 1.0)


class Plan(NamedTuple):
    """How a population computes; thresholds and slopes in slayer's units.

    limit: fires where v >= limit (None: never). slope: None where the pass returns the voltage
    before its reset instead of spikes. exact_decay: as in `stepwise.Rules`. keeps_state: the
    states after the last step are wanted.
    """

    scale: int
    limit: float | None
    slope: Slope | None
    graded: bool = False
    detach_reset: bool = False
    exact_decay: bool = False
    keeps_state: bool = False


class Limits(NamedTuple):
    """A threshold as the kernels compare it: v in whole numbers, 1 / scale, v in slayer's units."""

    fire_at: float
    unit: float
    limit: float


@cache
def limits(plan: Plan) -> Limits:
    """The threshold in float32, in which slayer compares."""
    if plan.limit is None:
        return Limits(NO_RESET, 1 / plan.scale, NO_RESET)
    edge = np.float32(plan.limit * plan.scale)
    return Limits(float(np.ceil(edge)), 1 / plan.scale, float(np.float32(plan.limit)))


def fits(x: torch.Tensor, scale: int, limit: float | None) -> bool:
    """Whether the fused passes compute what slayer does: float32, scale 2^k, on a CPU or GPU."""
    plain = x.dtype == torch.float32 and x.device.type in ("cpu", "cuda") and x.numel() > 0
    reachable = limit is None or 0 < limit * scale < EXACT
    return plain and reachable and scale & (scale - 1) == 0


def engine_of(x: torch.Tensor) -> ModuleType:
    """The module with `forward_pass` and `backward_pass` for the tensor's device."""
    if x.is_cuda:
        try:
            from spikewatt.train.neuron import fused
        except ImportError as error:
            raise SpikewattError(
                f"The neuron's CUDA pass is unavailable, because Triton is missing ({error}). "
                "Install triton, or set CubaNeuron.compiled = False for the step-by-step pass."
            ) from error
        return fused
    from spikewatt.train.neuron import cpu

    return cpu


def table_of(x: torch.Tensor, params: tuple) -> torch.Tensor:
    """(4, C): share of current and voltage kept, gain, bias; C is 1 where all channels agree.

    params: bias, both decays, the input's gain, each a number, a tensor, or None.
    """
    bias, decay_u, decay_v, gain = (
        p if torch.is_tensor(p) else x.new_full((1,), 0.0 if p is None else p) for p in params
    )
    columns = [1 - decay_u / UNITY, 1 - decay_v / UNITY, gain, bias]
    width = max(c.numel() for c in columns)
    for column in columns:
        if column.numel() not in (1, x.shape[1]):
            raise SpikewattError(
                f"The input {tuple(x.shape)} has {x.shape[1]} channels, but decays or bias have "
                f"{column.numel()} values. Give one value, or one a channel."
            )
    return torch.stack([c.detach().to(x.dtype).expand(width) for c in columns]).contiguous()


class FusedCuba(torch.autograd.Function):
    """Spikes (or voltages) of a clip; gradients to x, bias, both decays, and the input's gain.

    table: `table_of` these four where it is known, which then may be None.
    """

    @staticmethod
    def forward(ctx, x, bias, decay_u, decay_v, gain, states, plan, table=None):
        rows, engine = x.contiguous().view(-1, x.shape[-1]), engine_of(x)
        if table is None:
            table = table_of(x, (bias, decay_u, decay_v, gain))
        inner = math.prod(x.shape[2:-1])
        _, _, wants_u, _, wants_gain, *_ = ctx.needs_input_grad
        output, voltage, currents, last = engine.forward_pass(
            rows.detach(), table, states, inner, plan, wants_u
        )
        ctx.save_for_backward(voltage, currents, rows if wants_gain else None, table, states)
        ctx.plan, ctx.engine, ctx.shape, ctx.inner = plan, engine, x.shape, inner
        ctx.widths = [
            p.numel() if torch.is_tensor(p) else 0 for p in (bias, decay_u, decay_v, gain)
        ]
        if last is not None:
            ctx.mark_non_differentiable(last)
        return output.view(x.shape), last

    @staticmethod
    def backward(ctx, grad, _):
        voltage, currents, x, table, states = ctx.saved_tensors
        wants = ctx.needs_input_grad[1:5]
        grad_rows = grad.contiguous().view(voltage.shape)
        grad_x, sums = ctx.engine.backward_pass(
            grad_rows, (voltage, currents, x), table, states, ctx.inner, ctx.plan, wants
        )
        grads = [None] * 4
        if any(wants):
            sums[1:3] *= -1 / UNITY if ctx.plan.exact_decay else 1
            # plain sums run fastest; channels are told apart where a parameter does
            shared = max(ctx.widths) <= 1
            shape = (4, 1, 1, -1) if shared else (4, ctx.shape[0], -1, ctx.inner)
            by_channel = sums.view(shape).sum((1, 3))
            grads = [
                _reduced(total, width) if wanted else None
                for total, width, wanted in zip(by_channel, ctx.widths, wants, strict=True)
            ]
        return grad_x.view(ctx.shape), *grads, None, None, None


def _reduced(by_channel: torch.Tensor, width: int) -> torch.Tensor:
    total = by_channel.sum().view(1) if width == 1 else by_channel
    return total.to(torch.float32)
