"""The fused pass on the CPU: all steps of all rows in one numba kernel, forward and backward.

Rows (a neuron of a sample) run in tiles, so that vectors go across rows; states stay in the
first-level cache. States are whole numbers in float64, exact below 2**41; the chip has 24 bits.
Division is IEEE's (error_model): a check for zero would keep loops from being vectorised.
"""

from __future__ import annotations

import numba
import numpy as np

from spikewatt.train.neuron.exponential import exp_neg
from spikewatt.train.neuron.surrogates import BOX, EXPONENTIAL, FLAT, LOGISTIC, LORENTZIAN
from spikewatt.train.neuron.transpose import transpose

TILE, CHUNK = 64, 32  # rows and steps computed at once
PARTS = 64  # pieces of work, for any number of cores
F = np.float32
_ZERO, _ONE = F(0), F(1)


@numba.njit(nogil=True, error_model="numpy")
def _spread(table, first, count, inner, rows):
    """rows[k, r] = table[k, channel of row first + r]."""
    channels = table.shape[1]
    channel, place = (first // inner) % channels, first % inner
    for r in range(count):
        for k in range(table.shape[0]):
            rows[k, r] = table[k, channel]
        place += 1
        if place == inner:
            place = 0
            channel = channel + 1 if channel + 1 < channels else 0


@numba.njit(nogil=True, error_model="numpy")
def _advance(x, u, v, rows, voltage, limits):
    """One step of a tile: u and v in the states' unit, voltage in slayer's."""
    fire_at, unit = limits
    for r in range(x.shape[0]):
        current = np.trunc(u[r] * rows[0, r]) + np.trunc(np.float64(x[r] * rows[2, r]))
        u[r] = current
        # slayer hands the current on in float32
        entering = np.trunc(np.float64(F(current) + rows[3, r]))
        state = np.trunc(v[r] * rows[1, r]) + entering
        voltage[r] = F(state) * unit
        v[r] = 0.0 if state >= fire_at else state


@numba.njit(nogil=True, error_model="numpy")
def _fire(voltage, limit, graded, spikes):
    for i in range(voltage.shape[0]):
        height = voltage[i] if graded else _ONE
        spikes[i] = height if voltage[i] >= limit else _ZERO


@numba.njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def forward(x, table, states, inner, limits, mode, outputs):
    """Spikes and voltages of (rows, T) currents.

    table: (4, C) keep_u, keep_v, gain x scale, bias x scale. states: (2, rows) before the first
    step, or empty. limits: (v at which it fires, 1 / scale, the threshold in slayer's
    units). mode: (spiking, graded). outputs: spikes, voltage, current (or empty), last states
    (or empty).
    """
    spikes, voltage, currents, last = outputs
    spiking, graded = mode
    rows, steps = x.shape
    tiles = (rows + TILE - 1) // TILE
    parts = min(tiles, PARTS)
    keeps_current, keeps_last = currents.shape[0] == rows, last.shape[1] == rows
    flat_voltage, flat_spikes = voltage.reshape(-1), spikes.reshape(-1)
    for part in numba.prange(parts):
        tile_x = np.zeros((CHUNK, TILE), F)
        tile_v = np.zeros((CHUNK, TILE), F)
        tile_u = np.zeros((CHUNK, TILE), F)
        of_row = np.zeros((4, TILE), F)
        u, v = np.zeros(TILE), np.zeros(TILE)
        for tile in range(part * tiles // parts, (part + 1) * tiles // parts):
            first = tile * TILE
            count = min(TILE, rows - first)
            if table.shape[1] > 1 or tile == part * tiles // parts:
                _spread(table, first, count if table.shape[1] > 1 else TILE, inner, of_row)
            for r in range(TILE):
                from_rest = states.shape[1] != rows or r >= count
                u[r] = 0.0 if from_rest else np.trunc(states[0, first + r] / limits[1])
                v[r] = 0.0 if from_rest else np.trunc(states[1, first + r] / limits[1])
            for t0 in range(0, steps, CHUNK):
                n = min(CHUNK, steps - t0)
                transpose(x, (first, t0), tile_x, (0, 0), (count, n))
                for t in range(n):
                    _advance(tile_x[t], u, v, of_row, tile_v[t], (limits[0], limits[1]))
                    if keeps_current:
                        for r in range(TILE):
                            tile_u[t, r] = F(u[r]) * limits[1]
                transpose(tile_v, (0, 0), voltage, (first, t0), (n, count))
                if keeps_current:
                    transpose(tile_u, (0, 0), currents, (first, t0), (n, count))
            if spiking:  # the tile's rows are one run of memory
                run = slice(first * steps, (first + count) * steps)
                _fire(flat_voltage[run], limits[2], graded, flat_spikes[run])
            if keeps_last:
                for r in range(count):
                    last[0, first + r] = (F(u[r]) + of_row[3, r]) * limits[1]
                    last[1, first + r] = F(v[r]) * limits[1]


@numba.njit(nogil=True, error_model="numpy")
def _pull(grad, voltage, slope, out):
    """out = grad x the surrogate's slope at the voltage."""
    shape, center, width, height = slope
    n = grad.shape[0]
    if shape == FLAT:
        for t in range(n):
            out[t] = grad[t]
    elif shape == EXPONENTIAL:
        for t in range(n):
            out[t] = height * exp_neg(abs(voltage[t] - center) / width) * grad[t]
    elif shape == LORENTZIAN:
        for t in range(n):
            z = (voltage[t] - center) / width
            out[t] = height * (_ONE / (_ONE + z * z)) * grad[t]
    elif shape == LOGISTIC:
        for t in range(n):
            e = exp_neg(abs(voltage[t] - center) / width)
            out[t] = height * (e / ((_ONE + e) * (_ONE + e))) * grad[t]
    elif shape == BOX:
        for t in range(n):
            inside = abs(voltage[t] - center) / width < _ONE
            out[t] = height * grad[t] if inside else _ZERO
    else:
        for t in range(n):
            out[t] = height * exp_neg(max(center - voltage[t], _ZERO) / width) * grad[t]


@numba.njit(nogil=True, error_model="numpy")
def _held(voltage, limit, out):
    """1 where the state stays, 0 where it is reset."""
    for i in range(voltage.shape[0]):
        out[i] = _ZERO if voltage[i] >= limit else _ONE


@numba.njit(nogil=True, error_model="numpy")
def _remaining(voltage, limit, out):
    """The voltage after the reset."""
    for i in range(voltage.shape[0]):
        out[i] = _ZERO if voltage[i] >= limit else voltage[i]


@numba.njit(nogil=True, error_model="numpy")
def _retreat(pull, held, gv, gu, rows, out):
    """One step back of a tile; `held` is the share of v that gradients pass."""
    for r in range(pull.shape[0]):
        gv[r] = rows[1, r] * (held[r] * gv[r]) + pull[r]
        gu[r] = rows[0, r] * gu[r] + gv[r]
        out[r] = gu[r] * rows[2, r]


@numba.njit(nogil=True, error_model="numpy")
def _add_products(total, grad, factor):
    for r in range(total.shape[0]):
        total[r] += np.float64(grad[r]) * factor[r]


@numba.njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def backward(grad, saved, table, states, inner, slope, limit, mode, outputs):
    """Gradients of (rows, T) inputs, and of each row's bias, decays and gain.

    saved: voltage, current and x (empty where its sum is not wanted). table: (4, C) keep_u,
    keep_v, gain, bias. mode: (detach_reset, exact_decay, wants bias, wants voltage decay).
    outputs: (rows, T) gradient, (4, rows) sums for bias, current decay, voltage decay, gain.
    """
    voltage, currents, x = saved
    detach, exact, wants_bias, wants_decay = mode
    out, sums = outputs
    rows, steps = grad.shape
    tiles = (rows + TILE - 1) // TILE
    parts = min(tiles, PARTS)
    wants_current, wants_gain = currents.shape[0] == rows, x.shape[0] == rows
    is_long, width = steps > CHUNK, min(steps, CHUNK)
    flat_grad, flat_voltage, never = grad.reshape(-1), voltage.reshape(-1), F(np.inf)
    wants_sums = wants_bias or wants_decay or wants_current or wants_gain
    for part in numba.prange(parts):
        row_pull = np.zeros((TILE, width), F)
        flat_pull = row_pull.reshape(-1)
        tile_grad = np.zeros((CHUNK, TILE), F)
        tile_voltage = np.zeros((CHUNK, TILE), F)
        tile_pull = np.zeros((CHUNK, TILE), F)
        tile_held = np.ones((CHUNK, TILE), F)
        tile_out = np.zeros((CHUNK, TILE), F)
        tile_v = np.zeros((CHUNK, TILE), F)
        tile_u = np.zeros((CHUNK, TILE), F)
        tile_x = np.zeros((CHUNK, TILE), F)
        of_row = np.zeros((4, TILE), F)
        gu, gv = np.zeros(TILE, F), np.zeros(TILE, F)
        total = np.zeros((4, TILE))
        ones = np.ones(TILE, F)
        for tile in range(part * tiles // parts, (part + 1) * tiles // parts):
            first = tile * TILE
            count = min(TILE, rows - first)
            if table.shape[1] > 1 or tile == part * tiles // parts:
                _spread(table, first, count if table.shape[1] > 1 else TILE, inner, of_row)
            gu[:], gv[:], total[:] = _ZERO, _ZERO, 0.0
            for t0 in range((steps - 1) // CHUNK * CHUNK, -1, -CHUNK):
                n = min(CHUNK, steps - t0)
                of_steps, pull = tile_voltage[:n].reshape(-1), tile_pull[:n].reshape(-1)
                if is_long or detach or wants_decay:
                    transpose(voltage, (first, t0), tile_voltage, (0, 0), (count, n))
                if is_long:
                    transpose(grad, (first, t0), tile_grad, (0, 0), (count, n))
                    _pull(tile_grad[:n].reshape(-1), of_steps, slope, pull)
                else:  # a tile's rows are one run of memory
                    run = slice(first * steps, (first + count) * steps)
                    _pull(flat_grad[run], flat_voltage[run], slope, flat_pull)
                    transpose(row_pull, (0, 0), tile_pull, (0, 0), (count, n))
                if detach:
                    _held(of_steps, limit, tile_held[:n].reshape(-1))
                if wants_decay:
                    _remaining(of_steps, limit if exact else never, tile_v[:n].reshape(-1))
                if wants_current:
                    transpose(currents, (first, t0), tile_u, (0, 0), (count, n))
                if wants_gain:
                    transpose(x, (first, t0), tile_x, (0, 0), (count, n))
                for t in range(n - 1, -1, -1):
                    if wants_decay:
                        _add_products(total[2], gv, tile_v[t])
                    if wants_current:
                        _add_products(total[1], gu, tile_u[t])
                    _retreat(tile_pull[t], tile_held[t], gv, gu, of_row, tile_out[t])
                    if wants_bias:
                        _add_products(total[0], gv, ones)
                    if wants_gain:
                        _add_products(total[3], gu, tile_x[t])
                transpose(tile_out, (0, 0), out, (first, t0), (n, count))
            if wants_sums:
                for r in range(count):
                    if exact and states.shape[1] == rows:
                        total[1, r] += gu[r] * states[0, first + r]
                        total[2, r] += gv[r] * states[1, first + r]
                    for k in range(4):
                        sums[k, first + r] = total[k, r]
