"""Weights, delays and bias of one layer, as lava-dl reads them."""

from __future__ import annotations

from math import prod

import numpy as np

from spikewatt.export.netx.effective import effective
from spikewatt.export.netx.fields import Fields
from spikewatt.network import DELAY_MAX, WEIGHT_MAX, WEIGHT_MIN, Conv, Dense, IntArray, Shape

_LAVA_CONV_MAX = 127  # Lava keeps a convolution's geometry in 8 bits and wraps silently


def read_dense(fields: Fields, targets: int) -> Dense | None:
    """Effective weights, (targets, sources), and delays of a dense layer, columns as stored."""
    if fields.inside("weight") is not None:
        fields.reject("weight", "complex", "real", "dense with complex weights is not read yet")
        return None
    stored = fields.integers("weight")
    if stored is None:
        return None
    if stored.ndim == 1 and stored.size % targets == 0:
        stored = stored.reshape(targets, -1)
    if stored.ndim != 2 or stored.shape[0] != targets:
        limit = f"{targets} rows, one for each neuron"
        fields.reject("weight", f"of shape {stored.shape}", limit, "give (neurons, inputs)")
        return None
    return Dense(_effective(fields, stored), _dense_delay(fields, stored.shape))


def _effective(fields: Fields, stored: IntArray) -> IntArray:
    if stored.min() < WEIGHT_MIN or stored.max() > WEIGHT_MAX:
        return stored  # the range is the violation
    result = effective(stored)
    if result.weight is None:
        hint = "make the weights even, or the strongest one no power of two"
        found = f"{stored.min()} beside odd weights and zeros: {result.obstacle}"
        fields.reject("weight", found, "a matrix that Lava computes with", hint)
        return stored
    if result.obstacle:
        fields.notes.block(fields.layer, result.obstacle)
    changed = result.weight != stored
    if changed.any():
        pairs = zip(stored[changed][:3], result.weight[changed][:3], strict=True)
        examples = ", ".join(f"{a} to {b}" for a, b in pairs)
        text = f"lava-dl and Lava change {changed.sum()} of {stored.size} weights ({examples})"
        fields.notes.warn(fields.layer, f"{text}; avoid a strongest weight of -2^k")
    return result.weight


def _dense_delay(fields: Fields, shape: tuple[int, ...]) -> IntArray | None:
    """Delays as (targets, sources): of one value, by target, by source, or by synapse."""
    delay = fields.integers("delay") if fields.has("delay") else None
    if delay is None:
        return None
    if delay.max() > DELAY_MAX:
        count = int((delay > DELAY_MAX).sum())
        text = f"{count} of {delay.size} delays are over {DELAY_MAX} (up to {delay.max()})"
        fields.notes.warn(fields.layer, f"{text} and clamped to it, as lava-dl does")
        delay = np.clip(delay, 0, DELAY_MAX)
    if delay.ndim == 1 and delay.size == shape[0]:
        delay = delay[:, None]
    elif (delay.ndim == 1 and delay.size != shape[1]) or (delay.ndim == 2 and delay.shape != shape):
        limit = f"one value, {shape[0]}, {shape[1]} or {shape}"
        fields.reject("delay", f"of shape {delay.shape}", limit, "write the file again")
        return None
    return np.ascontiguousarray(np.broadcast_to(delay, shape))


def read_bias(fields: Fields, shape: Shape, by_channel: bool) -> IntArray | None:
    """Bias mantissas, one a neuron; stored so, or one a channel (conv), or one for all (dense)."""
    bias = fields.integers("bias") if fields.has("bias") else None
    if bias is None:
        return None
    flat = (prod(shape),)
    allowed = (shape[-1:], shape) if by_channel else ((), (1,), flat, shape)
    if bias.shape not in allowed:
        limit = " or ".join(map(str, allowed[-2:]))
        fields.reject("bias", f"of shape {bias.shape}", limit, "write the file again")
        return None
    if bias.shape == flat and not by_channel:
        bias = bias.reshape(shape)
    return np.ascontiguousarray(np.broadcast_to(bias, shape))


def read_conv(fields: Fields) -> Conv | None:
    """The convolution of a layer; file order is (channels out, channels in, y, x)."""
    weight = fields.integers("weight")
    if weight is not None and (weight.ndim not in (4, 5) or weight.shape[4:] not in ((), (1,))):
        limit = "(channels out, channels in, y, x)"
        fields.reject("weight", f"of shape {weight.shape}", limit, "write the file again")
        weight = None
    stride, padding, dilation = (fields.pair(key) for key in ("stride", "padding", "dilation"))
    groups = fields.integer("groups")
    delay = fields.integers("delay") if fields.has("delay") else None
    if delay is not None and delay.any():
        hint = "lava-dl ignores delays of conv layers; delay the next projection instead"
        fields.reject("delay", f"up to {delay.max()}", "none", hint)
    if weight is None or stride is None or padding is None or dilation is None or groups is None:
        return None
    kernel = weight.reshape(weight.shape[:4]).transpose(0, 3, 2, 1)
    if max(*kernel.shape[1:3], *stride, *padding, *dilation, groups) > _LAVA_CONV_MAX:
        why = f"Lava's Conv holds kernel, stride, padding, dilation, groups up to {_LAVA_CONV_MAX}"
        fields.notes.block(fields.layer, why)
    return Conv(np.ascontiguousarray(kernel), stride, padding, dilation, groups)
