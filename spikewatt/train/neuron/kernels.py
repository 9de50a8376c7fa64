"""The fused pass as Triton kernels: one thread for each row, CHUNK of its steps at a time.

Steps lie next to each other in memory: a thread loads and stores CHUNK of them at once, in vectors
for 4. States are int64, as in lava-dl. No annotations from __future__ and no constants here:
Triton 2 reads neither.
"""

import triton
import triton.language as tl


@triton.jit
def _decayed(state, keep):
    product = state * keep
    return tl.where(product >= 0, product >> 12, -((-product) >> 12))


@triton.jit
def _step(tile, step, k):
    """Step k of a tile, (BLOCK,); the sum has one term that counts."""
    return tl.sum(tl.where(step == k, tile, tile * 0.0), axis=1)


@triton.jit
def _table_row(table_ptr, number, channel, channels, inside):
    """A row of the table for the channel of each thread, (BLOCK,)."""
    return tl.load(table_ptr + number * channels + channel, mask=inside, other=0.0)


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
    chunks,
    inner,
    channels,
    fire_at,
    limit,
    scale,
    unit,
    FIRES: tl.constexpr,
    SPIKING: tl.constexpr,
    GRADED: tl.constexpr,
    STARTED: tl.constexpr,
    KEEPS_CURRENT: tl.constexpr,
    KEEPS_LAST: tl.constexpr,
    BLOCK: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Spikes and voltages of (rows, chunks x CHUNK); otherwise as `compiled.forward`.

    The table has gain and bias in slayer's units; scale is a power of two, so products are exact.
    """
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = row < rows
    channel = (row // inner) % channels
    keep_u = (_table_row(table_ptr, 0, channel, channels, inside) * 4096.0).to(tl.int64)
    keep_v = (_table_row(table_ptr, 1, channel, channels, inside) * 4096.0).to(tl.int64)
    gain = _table_row(table_ptr, 2, channel, channels, inside) * scale
    bias = _table_row(table_ptr, 3, channel, channels, inside) * scale
    u = tl.zeros([BLOCK], dtype=tl.int64)
    v = tl.zeros([BLOCK], dtype=tl.int64)
    if STARTED:
        u = (tl.load(states_ptr + row, mask=inside, other=0.0) * scale).to(tl.int64)
        v = (tl.load(states_ptr + rows + row, mask=inside, other=0.0) * scale).to(tl.int64)
    step = tl.expand_dims(tl.arange(0, CHUNK), 0)
    at = tl.expand_dims(row.to(tl.int64) * chunks * CHUNK, 1) + step
    there = tl.expand_dims(inside, 1) & (step >= 0)
    for _ in range(chunks):
        driven = tl.load(x_ptr + at, mask=there, other=0.0) * tl.expand_dims(gain, 1)
        voltage = driven * 0.0
        currents = driven * 0.0
        for k in tl.static_range(CHUNK):
            u = _decayed(u, keep_u) + _step(driven, step, k).to(tl.int64)
            current = u.to(tl.float32)
            v = _decayed(v, keep_v) + (current + bias).to(tl.int64)
            voltage = tl.where(step == k, tl.expand_dims(v.to(tl.float32) * unit, 1), voltage)
            if KEEPS_CURRENT:
                currents = tl.where(step == k, tl.expand_dims(current * unit, 1), currents)
            if FIRES:
                v = tl.where(v >= fire_at, v * 0, v)
        tl.store(voltage_ptr + at, voltage, mask=there)
        if KEEPS_CURRENT:
            tl.store(currents_ptr + at, currents, mask=there)
        if SPIKING:
            height = voltage
            if not GRADED:
                height = voltage * 0.0 + 1.0
            spikes = tl.where(voltage >= limit, height, voltage * 0.0)
            tl.store(spikes_ptr + at, spikes, mask=there)
        at += CHUNK
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
    chunks,
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
    CHUNK: tl.constexpr,
):
    """Gradients of (rows, chunks x CHUNK) and its sums; otherwise as `compiled.backward`."""
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = row < rows
    channel = (row // inner) % channels
    keep_u = _table_row(table_ptr, 0, channel, channels, inside)
    keep_v = _table_row(table_ptr, 1, channel, channels, inside)
    gain = _table_row(table_ptr, 2, channel, channels, inside)
    gu = tl.zeros([BLOCK], dtype=tl.float32)
    gv = tl.zeros([BLOCK], dtype=tl.float32)
    of_bias = tl.zeros([BLOCK], dtype=tl.float32)
    of_u = tl.zeros([BLOCK], dtype=tl.float32)
    of_v = tl.zeros([BLOCK], dtype=tl.float32)
    of_gain = tl.zeros([BLOCK], dtype=tl.float32)
    step = tl.expand_dims(tl.arange(0, CHUNK), 0)
    at = tl.expand_dims((row.to(tl.int64) + 1) * chunks * CHUNK, 1) + step
    there = tl.expand_dims(inside, 1) & (step >= 0)
    for _ in range(chunks):
        at -= CHUNK
        voltage = tl.load(voltage_ptr + at, mask=there, other=0.0)
        pull = tl.load(grad_ptr + at, mask=there, other=0.0)
        pull = height * _slope((voltage - center) / width, SHAPE) * pull
        out = pull * 0.0
        held = pull * 0.0 + 1.0  # 0 where the state is reset
        before = voltage
        current = voltage
        x = voltage
        if FIRES:
            held = tl.where(voltage >= limit, held * 0.0, held)
            if EXACT:
                before = tl.where(voltage >= limit, voltage * 0.0, voltage)
        if WANTS_CURRENT:
            current = tl.load(currents_ptr + at, mask=there, other=0.0)
        if WANTS_GAIN:
            x = tl.load(x_ptr + at, mask=there, other=0.0)
        for back in tl.static_range(CHUNK):
            k = CHUNK - 1 - back
            if WANTS_DECAY:
                of_v += gv * _step(before, step, k)
            if WANTS_CURRENT:
                of_u += gu * _step(current, step, k)
            if DETACH and FIRES:
                gv = gv * _step(held, step, k)
            gv = keep_v * gv + _step(pull, step, k)
            gu = keep_u * gu + gv
            out = tl.where(step == k, tl.expand_dims(gu * gain, 1), out)
            if WANTS_SUMS:
                of_bias += gv
            if WANTS_GAIN:
                of_gain += gu * _step(x, step, k)
        tl.store(out_ptr + at, out, mask=there)
    if WANTS_SUMS:
        if EXACT and STARTED:
            of_u += gu * tl.load(states_ptr + row, mask=inside, other=0.0)
            of_v += gv * tl.load(states_ptr + rows + row, mask=inside, other=0.0)
        tl.store(sums_ptr + row, of_bias, mask=inside)
        tl.store(sums_ptr + rows + row, of_u, mask=inside)
        tl.store(sums_ptr + 2 * rows + row, of_v, mask=inside)
        tl.store(sums_ptr + 3 * rows + row, of_gain, mask=inside)
