"""Tensors into and out of the Triton kernels; the same two functions as `cpu`.

Imported when the first CUDA tensor arrives, since Triton is only needed then.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch

from spikewatt.train.neuron import kernels
from spikewatt.train.neuron.passes import LINEAR, Plan, limits

BLOCK, WARPS = 128, 4  # rows a program, one a thread
LARGEST_CHUNK = 4  # steps a vector: 16 bytes


def _programs(rows: int) -> tuple[int]:
    return ((rows + BLOCK - 1) // BLOCK,)


def _device_of(x: torch.Tensor) -> AbstractContextManager[None]:
    """Makes the tensor's GPU the current one, where it is not."""
    there = not x.is_cuda or x.get_device() == torch.cuda.current_device()
    return nullcontext() if there else torch.cuda.device_of(x)


def _chunk(steps: int) -> int:
    """The most steps at a time that divide a clip."""
    return math.gcd(steps, LARGEST_CHUNK)


def forward_pass(x, table, states, inner, plan: Plan, wants_current):
    """As `cpu.forward_pass`."""
    rows, steps = x.shape
    chunk = _chunk(steps)
    voltage = torch.empty_like(x)
    spikes = voltage if plan.slope is None else torch.empty_like(x)
    currents = torch.empty_like(x) if wants_current else None
    last = x.new_empty(2, rows) if plan.keeps_state else None
    numbers, fires = limits(plan), plan.limit is not None
    with _device_of(x):
        kernels.forward[_programs(rows)](
            x,
            table,
            x if states is None else states,
            spikes,
            voltage,
            x if currents is None else currents,
            x if last is None else last,
            rows,
            steps // chunk,
            inner,
            table.shape[1],
            int(numbers.fire_at) if fires else 0,
            numbers.limit if fires else 0.0,
            float(plan.scale),
            numbers.unit,
            FIRES=fires,
            SPIKING=plan.slope is not None,
            GRADED=plan.graded,
            STARTED=states is not None,
            KEEPS_CURRENT=currents is not None,
            KEEPS_LAST=last is not None,
            BLOCK=BLOCK,
            CHUNK=chunk,
            num_warps=WARPS,
            enable_fp_fusion=False,  # rounds as the CPU pass
        )
    return spikes, voltage, currents, last


def backward_pass(grad, saved, table, states, inner, plan: Plan, wants):
    """As `cpu.backward_pass`."""
    voltage, currents, x = saved
    rows, steps = grad.shape
    chunk = _chunk(steps)
    out = torch.empty_like(grad)
    sums = None
    if any(wants):
        sums = grad.new_empty(4, rows)
    shape, *numbers = plan.slope or LINEAR
    fires = plan.limit is not None
    with _device_of(grad):
        kernels.backward[_programs(rows)](
            grad,
            voltage,
            grad if currents is None else currents,
            grad if x is None else x,
            table,
            grad if states is None else states,
            out,
            grad if sums is None else sums,
            rows,
            steps // chunk,
            inner,
            table.shape[1],
            *numbers,
            limits(plan).limit if fires else 0.0,
            SHAPE=shape,
            FIRES=fires,
            DETACH=plan.detach_reset,
            EXACT=plan.exact_decay,
            STARTED=states is not None,
            WANTS_CURRENT=currents is not None,
            WANTS_DECAY=wants[2],
            WANTS_GAIN=x is not None,
            WANTS_SUMS=sums is not None,
            BLOCK=BLOCK,
            CHUNK=chunk,
            num_warps=WARPS,
            enable_fp_fusion=False,  # rounds as the CPU pass
        )
    return out, None if sums is None else sums.double()
