"""Tensors into and out of the Triton kernels; the same two functions as `cpu`.

Imported when the first CUDA tensor arrives, since Triton is only needed then.
"""

from __future__ import annotations

import torch

from spikewatt.train.neuron import kernels
from spikewatt.train.neuron.passes import LINEAR, Plan, limits

BLOCK, WARPS = 128, 4


def _programs(rows: int) -> tuple[int]:
    return ((rows + BLOCK - 1) // BLOCK,)


def forward_pass(x, table, states, inner, plan: Plan, wants_current):
    """As `cpu.forward_pass`."""
    rows, steps = x.shape
    voltage = torch.empty_like(x)
    spikes = voltage if plan.slope is None else torch.empty_like(x)
    currents = torch.empty_like(x) if wants_current else None
    last = x.new_empty(2, rows) if plan.keeps_state else None
    scaled = torch.cat([table[:2], table[2:] * plan.scale])
    numbers, fires = limits(plan), plan.limit is not None
    with torch.cuda.device_of(x):
        kernels.forward[_programs(rows)](
            x,
            scaled,
            x if states is None else states,
            spikes,
            voltage,
            x if currents is None else currents,
            x if last is None else last,
            rows,
            steps,
            inner,
            table.shape[1],
            int(numbers.fire_at) if fires else 0,
            float(plan.scale),
            numbers.unit,
            FIRES=fires,
            SPIKING=plan.slope is not None,
            GRADED=plan.graded,
            STARTED=states is not None,
            KEEPS_CURRENT=currents is not None,
            KEEPS_LAST=last is not None,
            BLOCK=BLOCK,
            num_warps=WARPS,
            enable_fp_fusion=False,  # rounds as the CPU pass
        )
    return spikes, voltage, currents, last


def backward_pass(grad, saved, table, states, inner, plan: Plan, wants):
    """As `cpu.backward_pass`."""
    voltage, currents, x = saved
    rows, steps = grad.shape
    out = torch.empty_like(grad)
    sums = None
    if any(wants):
        sums = grad.new_empty(4, rows)
    shape, *numbers = plan.slope or LINEAR
    fires = plan.limit is not None
    with torch.cuda.device_of(grad):
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
            steps,
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
            num_warps=WARPS,
            enable_fp_fusion=False,  # rounds as the CPU pass
        )
    return out, None if sums is None else sums.double()
