"""Tensors into and out of the CPU's kernels."""

from __future__ import annotations

import numpy as np
import torch

from spikewatt.train.neuron import compiled
from spikewatt.train.neuron.passes import LINEAR, Plan, limits

F = np.float32


def _absent(like: torch.Tensor) -> torch.Tensor:
    """What kernels take for an array that is not wanted."""
    return like.new_empty(0, 0)


def _states(states: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    return _absent(like) if states is None else states


def forward_pass(x, table, states, inner, plan: Plan, wants_current):
    """Spikes (or voltages), voltages, currents or None, last states or None, of (rows, T) x.

    table: (4, C) shares kept, gain, bias. states: (2, rows) in slayer's units, or None: rest.
    """
    rows = x.shape[0]
    voltage = torch.empty_like(x)
    spikes = _absent(x) if plan.slope is None else torch.empty_like(x)
    currents = torch.empty_like(x) if wants_current else _absent(x)
    last = x.new_empty(2, rows) if plan.keeps_state else _absent(x)
    scaled = table * table.new_tensor([[1], [1], [plan.scale], [plan.scale]])
    fire_at, unit, limit = limits(plan)
    compiled.forward(
        x.numpy(),
        scaled.numpy(),
        _states(states, x).numpy(),
        inner,
        (fire_at, F(unit), F(limit)),
        (plan.slope is not None, plan.graded),
        tuple(t.numpy() for t in (spikes, voltage, currents, last)),
    )
    output = voltage if plan.slope is None else spikes
    kept = currents if wants_current else None
    return output, voltage, kept, last if plan.keeps_state else None


def backward_pass(grad, saved, table, states, inner, plan: Plan, wants):
    """Gradient of (rows, T) x, and (4, rows) float64 sums for bias, decays and gain, or None.

    saved: voltage, currents or None, x or None. wants: which of the four sums.
    """
    out = torch.empty_like(grad)
    rows = grad.shape[0] if any(wants) else 0
    sums = torch.zeros(4, rows, dtype=torch.float64)
    shape, *numbers = plan.slope or LINEAR
    compiled.backward(
        grad.detach().numpy(),
        tuple((_absent(grad) if t is None else t).detach().numpy() for t in saved),
        table.numpy(),
        _states(states, grad).numpy(),
        inner,
        (shape, *(F(n) for n in numbers)),
        F(limits(plan).limit),
        (plan.detach_reset, plan.exact_decay, wants[0], wants[2]),
        (out.numpy(), sums.numpy()),
    )
    return out, sums if rows else None
