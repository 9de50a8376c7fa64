"""The fused pass as Triton kernels: one thread for each row, a loop over its steps.

Steps of a row share cache lines, which serve a warp's strided loads. States are int64, as in
lava-dl. No annotations from __future__ and no constants here: Triton 2 reads neither.
"""

import triton
import triton.language as tl


@triton.jit
def _decayed(state, keep):
    product = state * keep
    return tl.where(product >= 0, product >> 12, -((-product) >> 12))


@triton.jit
def forward(
    x_ptr,
    table_ptr,
    states_ptr,
    spikes_ptr,
    voltage_ptr,
    currents_ptr,
    last_ptr,
    rows,
    steps,
    inner,
    channels,
    fire_at,
    scale,
    unit,
    FIRES: tl.constexpr,
    SPIKING: tl.constexpr,
    GRADED: tl.constexpr,
    STARTED: tl.constexpr,
    KEEPS_CURRENT: tl.constexpr,
    KEEPS_LAST: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Spikes and voltages of (rows, T); the arguments are those of `compiled.forward`."""
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = row < rows
    channel = (row // inner) % channels
    keep_u = (tl.load(table_ptr + channel, mask=inside, other=0.0) * 4096.0).to(tl.int64)
    keep_v = tl.load(table_ptr + channels + channel, mask=inside, other=0.0) * 4096.0
    keep_v = keep_v.to(tl.int64)
    gain = tl.load(table_ptr + 2 * channels + channel, mask=inside, other=0.0)
    bias = tl.load(table_ptr + 3 * channels + channel, mask=inside, other=0.0)
    u = tl.zeros([BLOCK], dtype=tl.int64)
    v = tl.zeros([BLOCK], dtype=tl.int64)
    if STARTED:
        u = (tl.load(states_ptr + row, mask=inside, other=0.0) * scale).to(tl.int64)
        v = (tl.load(states_ptr + rows + row, mask=inside, other=0.0) * scale).to(tl.int64)
    at = row.to(tl.int64) * steps
    for _ in range(steps):
        driven = tl.load(x_ptr + at, mask=inside, other=0.0) * gain
        u = _decayed(u, keep_u) + driven.to(tl.int64)
        current = u.to(tl.float32)
        state = _decayed(v, keep_v) + (current + bias).to(tl.int64)
        voltage = state.to(tl.float32) * unit
        tl.store(voltage_ptr + at, voltage, mask=inside)
        if KEEPS_CURRENT:
            tl.store(currents_ptr + at, current * unit, mask=inside)
        v = state
        if FIRES:
            fires = state >= fire_at
            v = tl.where(fires, state * 0, state)
            if SPIKING:
                height = voltage
                if not GRADED:
                    height = voltage * 0.0 + 1.0
                tl.store(spikes_ptr + at, tl.where(fires, height, voltage * 0.0), mask=inside)
        at += 1
    if KEEPS_LAST:
        tl.store(last_ptr + row, (u.to(tl.float32) + bias) * unit, mask=inside)
        tl.store(last_ptr + rows + row, v.to(tl.float32) * unit, mask=inside)


@triton.jit
def _slope(distance, SHAPE: tl.constexpr):
    """The surrogate's shape at (v - center) / width; SHAPE is a number of `surrogates`."""
    away = tl.where(distance < 0, -distance, distance)
    result = away * 0.0 + 1.0
    if SHAPE == 0:  # EXPONENTIAL
        result = tl.exp(-away)
    if SHAPE == 1:  # LORENTZIAN
        result = 1.0 / (1.0 + away * away)
    if SHAPE == 2:  # LOGISTIC
        decay = tl.exp(-away)
        result = decay / ((1.0 + decay) * (1.0 + decay))
    if SHAPE == 3:  # BOX
        result = tl.where(away < 1.0, result, result * 0.0)
    if SHAPE == 4:  # ONE_SIDED
        result = tl.exp(tl.where(distance < 0, distance, distance * 0.0))
    return result


@triton.jit
def backward(
    grad_ptr,
    voltage_ptr,
    currents_ptr,
    x_ptr,
    table_ptr,
    states_ptr,
    out_ptr,
    sums_ptr,
    rows,
    steps,
    inner,
    channels,
    center,
    width,
    height,
    limit,
    SHAPE: tl.constexpr,
    FIRES: tl.constexpr,
    DETACH: tl.constexpr,
    EXACT: tl.constexpr,
    STARTED: tl.constexpr,
    WANTS_CURRENT: tl.constexpr,
    WANTS_DECAY: tl.constexpr,
    WANTS_GAIN: tl.constexpr,
    WANTS_SUMS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Gradients of (rows, T) and its sums; the arguments are those of `compiled.backward`."""
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = row < rows
    channel = (row // inner) % channels
    keep_u = tl.load(table_ptr + channel, mask=inside, other=0.0)
    keep_v = tl.load(table_ptr + channels + channel, mask=inside, other=0.0)
    gain = tl.load(table_ptr + 2 * channels + channel, mask=inside, other=0.0)
    gu = tl.zeros([BLOCK], dtype=tl.float32)
    gv = tl.zeros([BLOCK], dtype=tl.float32)
    of_bias = tl.zeros([BLOCK], dtype=tl.float32)
    of_u = tl.zeros([BLOCK], dtype=tl.float32)
    of_v = tl.zeros([BLOCK], dtype=tl.float32)
    of_gain = tl.zeros([BLOCK], dtype=tl.float32)
    at = row.to(tl.int64) * steps + (steps - 1)
    for _ in range(steps):
        voltage = tl.load(voltage_ptr + at, mask=inside, other=0.0)
        pull = tl.load(grad_ptr + at, mask=inside, other=0.0)
        pull = height * _slope((voltage - center) / width, SHAPE) * pull
        if WANTS_DECAY:
            before = voltage
            if EXACT and FIRES:
                before = tl.where(voltage >= limit, voltage * 0.0, voltage)
            of_v += gv * before
        if WANTS_CURRENT:
            current = tl.load(currents_ptr + at, mask=inside, other=0.0)
            of_u += gu * current
        if DETACH and FIRES:
            gv = tl.where(voltage >= limit, gv * 0.0, gv)
        gv = keep_v * gv + pull
        gu = keep_u * gu + gv
        tl.store(out_ptr + at, gu * gain, mask=inside)
        if WANTS_SUMS:
            of_bias += gv
        if WANTS_GAIN:
            x = tl.load(x_ptr + at, mask=inside, other=0.0)
            of_gain += gu * x
        at -= 1
    if WANTS_SUMS:
        if EXACT and STARTED:
            of_u += gu * tl.load(states_ptr + row, mask=inside, other=0.0)
            of_v += gv * tl.load(states_ptr + rows + row, mask=inside, other=0.0)
        tl.store(sums_ptr + row, of_bias, mask=inside)
        tl.store(sums_ptr + rows + row, of_u, mask=inside)
        tl.store(sums_ptr + 2 * rows + row, of_v, mask=inside)
        tl.store(sums_ptr + 3 * rows + row, of_gain, mask=inside)
