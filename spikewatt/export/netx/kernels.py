"""Layers with shared kernels: conv as lava-dl reads it, and what only slayer's blocks define.

lava-dl's loader knows no pool, convT and unpool; their arithmetic is that of slayer's forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.marks import Mark
from spikewatt.export.netx.synapses import weight_keys
from spikewatt.network import (
    Conv,
    ConvTranspose,
    IntArray,
    Pool,
    Shape,
    Synapses,
    Unpool,
)
from spikewatt.synapses import Pair

_LAVA_CONV_MAX = 127  # Lava keeps a convolution's geometry in 8 bits and wraps silently
_STAYS = "choose sizes that the stride divides, or write the file with spikewatt"


@dataclass(frozen=True)
class Geometry:
    """How a kernel moves, along (x, y)."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


def read_kernels(
    kind: str, fields: Fields, source: Shape, mark: Mark
) -> list[tuple[str, Synapses]] | None:
    """The kernels of a layer by the part that they drive."""
    stride, padding, dilation = (fields.pair(k) for k in ("stride", "padding", "dilation"))
    groups = fields.integer("groups", default=None if kind in ("conv", "convT") else 1)
    delay = fields.integers("delay") if fields.has("delay") else None
    if delay is not None and delay.any():
        hint = "slayer delays what the layer sends, lava-dl ignores it; export it with spikewatt"
        fields.reject("delay", f"up to {delay.max()}", "none", hint)
    weights = {part: _kernel(fields, key) for part, key in weight_keys(fields).items()}
    if stride is None or padding is None or dilation is None or groups is None:
        return None
    geometry = Geometry(stride, padding, dilation, groups)
    found = []
    for part, weight in weights.items():
        synapses = None if weight is None else _BUILD[kind](fields, weight, geometry, source, mark)
        if synapses is None:
            return None
        found.append((part, synapses))
    return found


def _kernel(fields: Fields, key: str) -> IntArray | None:
    """A kernel as it stands, four axes, the last two (y, x)."""
    weight = fields.integers(key)
    if weight is not None and (weight.ndim not in (4, 5) or weight.shape[4:] not in ((), (1,))):
        limit = "(channels, channels, y, x)"
        fields.reject(key, f"of shape {weight.shape}", limit, AGAIN)
        return None
    return None if weight is None else weight.reshape(weight.shape[:4])


def _conv(fields: Fields, weight: IntArray, g: Geometry, source: Shape, mark: Mark) -> Conv:
    kernel = np.ascontiguousarray(weight.transpose(0, 3, 2, 1))
    if max(*kernel.shape[1:3], *g.stride, *g.padding, *g.dilation, g.groups) > _LAVA_CONV_MAX:
        why = f"Lava's Conv holds kernel, stride, padding, dilation, groups up to {_LAVA_CONV_MAX}"
        fields.notes.block(fields.layer, why)
    return Conv(kernel, g.stride, g.padding, g.dilation, g.groups)


def _conv_transpose(
    fields: Fields, weight: IntArray, g: Geometry, source: Shape, mark: Mark
) -> ConvTranspose | None:
    """slayer stores (channels in, channels out / groups, y, x)."""
    ins, per_group, y, x = weight.shape
    if g.groups < 1 or ins % g.groups:
        fields.reject("groups", str(g.groups), f"a divisor of {ins}", "groups split the channels")
        return None
    grouped = weight.reshape(g.groups, ins // g.groups, per_group, y, x)
    kernel = grouped.transpose(0, 2, 4, 3, 1).reshape(g.groups * per_group, x, y, -1)
    return ConvTranspose(np.ascontiguousarray(kernel), g.stride, g.padding, g.dilation, g.groups)


def _one_kernel(fields: Fields, weight: IntArray) -> IntArray | None:
    if weight.shape[:2] == (1, 1):
        return np.ascontiguousarray(weight[0, 0].transpose())
    fields.reject("weight", f"of shape {weight.shape}", "(1, 1, y, x)", AGAIN)
    return None


def _sound(fields: Fields, g: Geometry) -> bool:
    if min(g.stride) < 1 or min(g.dilation) < 1 or min(g.padding) < 0:
        fields.reject("stride, padding, dilation", str(g), "at least 1, 0, 1", AGAIN)
        return False
    return True


def _pool(fields: Fields, weight: IntArray, g: Geometry, source: Shape, mark: Mark) -> Pool | None:
    """slayer pads `size % kernel` behind and pools all channels stacked along y."""
    kernel = _one_kernel(fields, weight)
    if kernel is None or not _sound(fields, g):
        return None
    pool = Pool(kernel, g.stride, g.padding, g.dilation)
    after = slayer_after(pool, source) if mark.after is None else (mark.after[0], mark.after[1])
    if after is None:
        _mixes(fields, g)
        return None
    return replace(pool, after=after)


def _unpool(
    fields: Fields, weight: IntArray, g: Geometry, source: Shape, mark: Mark
) -> Unpool | None:
    kernel = _one_kernel(fields, weight)
    if kernel is None or not _sound(fields, g):
        return None
    unpool = Unpool(kernel, g.stride, g.padding, g.dilation)
    if mark.after is None and not slayer_keeps_apart(unpool, source):
        _mixes(fields, g)
        return None
    return unpool


def _mixes(fields: Fields, g: Geometry) -> None:
    limit = "windows that stay within a channel"
    hint = f"slayer's block stacks channels along y and mixes them there; {_STAYS}"
    found = f"stride {g.stride}, padding {g.padding}, dilation {g.dilation}"
    fields.reject("geometry", found, limit, hint)


def slayer_after(pool: Pool, source: Shape) -> Pair | None:
    """slayer's own padding behind, (x, y); None where its windows would mix channels."""
    kernel = pool.weight.shape
    after = source[0] % kernel[0], source[1] % kernel[1]
    rows, reach = source[1] + after[1], pool.dilation[1] * (kernel[1] - 1) + 1
    apart = rows % pool.stride[1] == 0 and reach <= pool.stride[1] and pool.padding[1] == 0
    return after if source[2] == 1 or apart else None


def slayer_keeps_apart(unpool: Unpool, source: Shape) -> bool:
    """Whether slayer's unpool, which stacks channels along y, keeps them apart."""
    reach = unpool.dilation[1] * (unpool.weight.shape[1] - 1) + 1
    return source[2] == 1 or (reach == unpool.stride[1] and unpool.padding[1] == 0)


_BUILD: dict[str, Callable[[Fields, IntArray, Geometry, Shape, Mark], Synapses | None]] = {
    "conv": _conv,
    "convT": _conv_transpose,
    "pool": _pool,
    "unpool": _unpool,
}
