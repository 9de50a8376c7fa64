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

from spikewatt.expansion import expand
from spikewatt.lava_runtime.lava.convolution import ConvKernel
from spikewatt.lava_runtime.lava.dendrite import Rows
from spikewatt.network import Conv, Dense, IntArray, Network, Projection, Sparse


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
    graded = message_bits(network, p.source) > 0
    return ConvKernel(conv, network.shape_of(p.source), graded, wraps_later(p))


KERNELS: dict[type[Any], Callable[[Network, Projection, Any], Kernel]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
}


def kernel(network: Network, projection: Projection) -> Kernel:
    """The kernel that computes a projection of an expanded network."""
    made = KERNELS[type(projection.synapses)](network, projection, projection.synapses)
    if projection.axon_delay is None:
        return made
    return AxonDelayKernel(made, projection.axon_delay)


def wraps_later(projection: Projection) -> bool:
    """Whether sums wrap only once all spikes are there: axons delay before the convolution."""
    return isinstance(projection.synapses, Conv) and projection.axon_delay is not None


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
