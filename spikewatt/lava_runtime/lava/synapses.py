"""Synapses in numpy, each equal to Lava's process of the same kind.

A kernel turns one step's spikes into dendritic input: rows of (targets,), row d for the step
1 + d steps later. Only active sources are touched. Sums are exact: integers, or floats that
stay below the mantissa's width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from spikewatt.expansion import expand
from spikewatt.network import Conv, Dense, IntArray, Network, Projection, Sparse

Rows = npt.NDArray[np.int64]  # (delays, targets)
CONV_BITS = 24  # Lava's Conv wraps its sums as two's complement of this width
FLOAT32_EXACT = 2**24


class Kernel(Protocol):
    """One projection's synapses.

    `active`: indices of the sources that spike. `values`: what they send, None for ones.
    """

    delays: int  # rows that `rows` returns

    def rows(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Rows:
        """Dendritic input of one step's spikes, (delays, targets)."""
        ...


class DenseKernel:
    """All-to-all synapses without delay: a sum over the active columns."""

    delays = 1

    def __init__(self, weight: IntArray) -> None:
        self.by_source = np.ascontiguousarray(weight.T)

    def rows(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Rows:
        """Dendritic input of one step's spikes, (1, targets)."""
        columns = self.by_source[active]
        total = (
            columns.sum(axis=0, dtype=np.int64)
            if values is None
            else values.astype(np.int64) @ columns
        )
        return np.asarray(total[np.newaxis])


class ListedKernel:
    """Listed synapses, ordered by source, each with its delay: sparse ones and delayed dense."""

    def __init__(self, s: Sparse) -> None:
        self.targets, sources = s.shape
        delay = np.zeros_like(s.targets) if s.delay is None else s.delay
        self.delays = int(delay.max(initial=0)) + 1
        order = np.argsort(s.sources, kind="stable")
        self.slot = (delay.astype(np.int64) * self.targets + s.targets)[order]
        self.weight = s.weight[order].astype(np.float64)
        self.first = np.searchsorted(s.sources[order], np.arange(sources + 1))

    def rows(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Rows:
        """Dendritic input of one step's spikes, (delays, targets)."""
        first, stop = self.first[active], self.first[active + 1]
        fan_out = stop - first
        # positions first[i] .. stop[i] of every active source, one after the other
        index = np.arange(fan_out.sum()) + np.repeat(stop - np.cumsum(fan_out), fan_out)
        weight = self.weight[index]
        if values is not None:
            weight = weight * np.repeat(values, fan_out)
        size = self.delays * self.targets
        total = np.bincount(self.slot[index], weights=weight, minlength=size)
        return total.astype(np.int64).reshape(self.delays, self.targets)


class ConvKernel:
    """Shared kernels: every patch of the padded input times the kernels of its group."""

    delays = 1

    def __init__(self, conv: Conv, source: tuple[int, ...], graded: bool) -> None:
        channels_out, kx, ky, per_group = conv.weight.shape
        self.source, self.groups = source, conv.groups
        bound = int(np.abs(conv.weight).max(initial=0)) * kx * ky * per_group
        exact = np.float64 if graded or bound >= FLOAT32_EXACT else np.float32
        # (groups, x * y * channel in, channel out)
        grouped = conv.weight.reshape(conv.groups, channels_out // conv.groups, -1)
        self.kernels = np.ascontiguousarray(grouped.transpose(0, 2, 1), dtype=exact)
        self._view_patches(conv, exact)

    def _view_patches(self, conv: Conv, dtype: type[Any]) -> None:
        """Make the padded input and, on the same memory, the patches that the kernels see."""
        _, kx, ky, _ = conv.weight.shape
        (px, py), (dx, dy), (sx, sy) = conv.padding, conv.dilation, conv.stride
        x, y, channels = self.source
        padded: npt.NDArray[Any] = np.zeros((x + 2 * px, y + 2 * py, channels), dtype=dtype)
        self.inside = padded[px : px + x, py : py + y]
        span = (dx * (kx - 1) + 1, dy * (ky - 1) + 1)
        windows = sliding_window_view(padded, (*span, 1))[..., 0]
        patches = windows[::sx, ::sy, :, ::dx, ::dy]  # (x, y, channel, kernel x, kernel y)
        grouped = patches.reshape(*patches.shape[:2], self.groups, -1, kx, ky)
        if not np.shares_memory(grouped, padded):
            raise AssertionError("splitting the channel axis must not copy")
        self.patches = grouped.transpose(2, 0, 1, 4, 5, 3)  # (group, x, y, kx, ky, channel)

    def rows(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Rows:
        """Dendritic input of one step's spikes, (1, targets)."""
        spikes = np.zeros(self.source, dtype=self.inside.dtype)
        spikes.reshape(-1)[active] = 1 if values is None else values
        self.inside[...] = spikes
        positions = self.patches.shape[1] * self.patches.shape[2]
        patches = self.patches.reshape(self.groups, positions, -1)
        out = (patches @ self.kernels).transpose(1, 0, 2).reshape(1, -1).astype(np.int64)
        half = 1 << (CONV_BITS - 1)
        return np.asarray((out + half) % (2 * half) - half)


class AxonDelayKernel:
    """Another kernel whose sources each wait some steps before their spike reaches it."""

    def __init__(self, kernel: Kernel, delay: IntArray) -> None:
        self.kernel, self.delay = kernel, delay
        self.delays = kernel.delays + int(delay.max(initial=0))

    def rows(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Rows:
        """Dendritic input of one step's spikes, (delays, targets)."""
        waits = self.delay[active]
        total: Rows | None = None
        for wait in np.unique(waits):
            now = waits == wait
            rows = self.kernel.rows(active[now], None if values is None else values[now])
            if total is None:
                total = np.zeros((self.delays, rows.shape[1]), dtype=np.int64)
            total[wait : wait + len(rows)] += rows
        assert total is not None, "only called with spikes"
        return total


def _listed(dense: Dense, delay: IntArray) -> Sparse:
    """A delayed dense matrix as a list of its non-zero synapses."""
    targets, sources = (i.astype(np.int32) for i in np.nonzero(dense.weight))
    at = (targets, sources)
    shape = (dense.weight.shape[0], dense.weight.shape[1])
    return Sparse(targets, sources, dense.weight[at], shape, dense.weight.size, delay[at])


def _dense(network: Network, p: Projection, dense: Dense) -> Kernel:
    if dense.delay is None or not dense.delay.any():
        return DenseKernel(dense.weight)
    return ListedKernel(_listed(dense, dense.delay))


def _sparse(network: Network, p: Projection, sparse: Sparse) -> Kernel:
    return ListedKernel(sparse)


def _conv(network: Network, p: Projection, conv: Conv) -> Kernel:
    return ConvKernel(conv, network.shape_of(p.source), message_bits(network, p.source) > 0)


KERNELS: dict[type[Any], Callable[[Network, Projection, Any], Kernel]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
}


def kernel(network: Network, projection: Projection) -> Kernel:
    """The kernel that computes a projection of an expanded network."""
    made = KERNELS[type(projection.synapses)](network, projection, projection.synapses)
    if projection.axon_delay is None or not projection.axon_delay.any():
        return made
    return AxonDelayKernel(made, projection.axon_delay)


def expanded(network: Network) -> Network:
    """The network with transposed convolutions and pools as listed synapses."""
    projections = tuple(
        replace(
            p, synapses=expand(p.synapses, network.shape_of(p.source), network.shape_of(p.target))
        )
        for p in network.projections
    )
    return replace(network, projections=projections)


def message_bits(network: Network, layer: int) -> int:
    """Message bits of what a layer sends; 0 stands for binary spikes."""
    if layer in network.by_layer:
        return network.by_layer[layer].message_bits
    return network.input.message_bits
