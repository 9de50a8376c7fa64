"""Shared weights as listed synapses, one by one, for what no engine has a kernel of its own.

Zeros of a kernel are listed too: a chip that shares kernels touches them.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError
from spikewatt.network import Shape
from spikewatt.synapses import (
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    IntArray,
    Pair,
    Pool,
    Sparse,
    Synapses,
    Unpool,
)

Index = npt.NDArray[np.int64]
_Listed = list[tuple[Index, Index, IntArray]]  # targets, sources, weights of equal shape

# Lists are large and asked for several times: for counting, and by each engine.
_done: WeakKeyDictionary[Synapses, dict[tuple[Shape, Shape], Sparse]] = WeakKeyDictionary()


def expand(synapses: Synapses, source: Shape, target: Shape) -> Dense | Sparse | Conv:
    """Synapses that every engine knows: other kernels become lists, blocks of a list one list.

    Raises SpikewattError for attention, which has no synapses.
    """
    if isinstance(synapses, Dense | Conv):
        return synapses
    if isinstance(synapses, Sparse) and synapses.repeats == 1:
        return synapses
    if isinstance(synapses, Attention):
        raise SpikewattError(
            f"Attention to layers {synapses.keys} and {synapses.values} cannot be listed: it "
            "multiplies spikes and has no synapses. Count it with attention_events."
        )
    known = _done.setdefault(synapses, {})
    if (source, target) not in known:
        known[source, target] = _expanded(synapses, source, target)
    return known[source, target]


def _expanded(
    synapses: Sparse | ConvTranspose | Pool | Unpool, source: Shape, target: Shape
) -> Sparse:
    if isinstance(synapses, Sparse):
        return _tiled(synapses)
    return _listed(_all_taps(synapses, source, target), source, target)


def _tiled(s: Sparse) -> Sparse:
    """All blocks in one list, the first block's synapses first."""
    targets, sources = (
        (np.arange(s.repeats)[:, None] * size + index).reshape(-1).astype(np.int32)
        for size, index in zip(s.block, (s.targets, s.sources), strict=True)
    )
    return replace(
        s,
        targets=targets,
        sources=sources,
        weight=np.tile(s.weight, s.repeats),
        delay=None if s.delay is None else np.tile(s.delay, s.repeats),
        repeats=1,
    )


def _along(size: int, out: int, stride: int, shift: int) -> tuple[Index, Index]:
    """Near and far places of one tap along one axis: far = near * stride + shift, both inside.

    size, out: sizes of the near and the far axis.
    """
    near = np.arange(size)
    far = near * stride + shift
    inside = (far >= 0) & (far < out)
    return near[inside], far[inside]


def _taps(
    kernel: Pair, strides: tuple[Pair, Pair, Pair], near: Shape, far: Shape
) -> list[tuple[int, int, Index, Index, Index, Index]]:
    """For each tap (i, j): near x, far x, near y, far y that it joins."""
    stride, padding, dilation = strides
    taps = []
    for i in range(kernel[0]):
        xs = _along(near[0], far[0], stride[0], i * dilation[0] - padding[0])
        for j in range(kernel[1]):
            ys = _along(near[1], far[1], stride[1], j * dilation[1] - padding[1])
            taps.append((i, j, *xs, *ys))
    return taps


def _flat(shape: Shape, x: Index, y: Index, channel: Index) -> Index:
    """Flat indices of every (x, y) with every channel, (places, channels)."""
    place = (x[:, None] * shape[1] + y[None, :]).reshape(-1)
    return np.asarray(place[:, None] * shape[2] + channel[None, :])


def _all_taps(s: ConvTranspose | Pool | Unpool, source: Shape, target: Shape) -> _Listed:
    if isinstance(s, ConvTranspose):
        return _transposed_taps(s, source, target)
    return _pool_taps(s, source, target)


def _transposed_taps(s: ConvTranspose, source: Shape, target: Shape) -> _Listed:
    channels_out, kx, ky, per_group = s.weight.shape
    out_per_group = channels_out // s.groups
    listed: _Listed = []
    for i, j, sx, tx, sy, ty in _taps((kx, ky), (s.stride, s.padding, s.dilation), source, target):
        for g in range(s.groups):
            outs = np.arange(g * out_per_group, (g + 1) * out_per_group)
            ins = np.arange(g * per_group, (g + 1) * per_group)
            targets = _flat(target, tx, ty, outs)[:, :, None]
            sources = _flat(source, sx, sy, ins)[:, None, :]
            weights = s.weight[outs, i, j, :][None]
            shape = np.broadcast_shapes(targets.shape, sources.shape)
            parts = (np.broadcast_to(a, shape).reshape(-1) for a in (targets, sources, weights))
            listed.append(tuple(parts))  # type: ignore[arg-type]
    return listed


def _pool_taps(s: Pool | Unpool, source: Shape, target: Shape) -> _Listed:
    """Pool: the target is the near side of each tap; unpool: the source is."""
    channels = np.arange(source[2])
    is_pool = isinstance(s, Pool)
    near, far = (target, source) if is_pool else (source, target)
    kernel = (s.weight.shape[0], s.weight.shape[1])
    listed: _Listed = []
    for i, j, nx, fx, ny, fy in _taps(kernel, (s.stride, s.padding, s.dilation), near, far):
        a, b = _flat(near, nx, ny, channels), _flat(far, fx, fy, channels)
        targets, sources = (a, b) if is_pool else (b, a)
        weights = np.full(a.size, s.weight[i, j], dtype=np.int32)
        listed.append((targets.reshape(-1), sources.reshape(-1), weights))
    return listed


def _listed(parts: _Listed, source: Shape, target: Shape) -> Sparse:
    targets, sources, weights = (np.concatenate(a) for a in zip(*parts, strict=True))
    return Sparse(
        targets=targets.astype(np.int32),
        sources=sources.astype(np.int32),
        weight=weights.astype(np.int32),
        shape=(prod(target), prod(source)),
        dense_macs=len(weights),
    )
