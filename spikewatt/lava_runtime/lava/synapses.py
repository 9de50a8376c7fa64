"""Synapses in numpy, each equal to Lava's process of the same kind.

A kernel turns one step's spikes into dendritic input, which arrives 1 + its wait steps later.
Only active sources are touched, but where so many are that all at once are faster. Sums are exact:
integers, or floats that stay below the mantissa's width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from spikewatt.expansion import expand
from spikewatt.lava_runtime.lava.convolution import FLOAT32_EXACT, ConvKernel
from spikewatt.lava_runtime.lava.dendrite import Arrivals, Row, Scattered, Sums
from spikewatt.network import (
    Attention,
    Conv,
    Dense,
    IntArray,
    Network,
    Projection,
    Sparse,
    Synapses,
)
from spikewatt.synapses import Pair

MANY = 1 / 8  # share of active sources from which all synapses at once are faster


class Kernel(Protocol):
    """One projection's synapses.

    `active`: indices of the sources that spike, in order. `values`: what they send, None for ones.
    """

    waits: int  # the most steps that anything waits

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        ...


class DenseKernel:
    """All-to-all synapses without delay: a sum over the active columns."""

    waits = 0

    def __init__(self, weight: IntArray) -> None:
        self.by_source = np.ascontiguousarray(weight.T)
        bound = np.abs(weight).sum(axis=1, dtype=np.int64).max(initial=0)
        exact = np.float32 if bound < FLOAT32_EXACT else np.float64
        self.weight: npt.NDArray[Any] = weight.astype(exact)

    def sums(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Sums:
        """Sums of one step's spikes, (targets,)."""
        if values is not None:
            return np.asarray(values.astype(np.int64) @ self.by_source[active])
        if active.size < MANY * len(self.by_source):
            return np.asarray(self.by_source[active].sum(axis=0, dtype=np.int64))
        spikes = np.zeros(len(self.by_source), dtype=self.weight.dtype)
        spikes[active] = 1
        return np.asarray((self.weight @ spikes).astype(np.int64))

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        return [Row(self.sums(active, values))]


class TargetDelayKernel:
    """All-to-all synapses of which each target has one delay."""

    def __init__(self, weight: IntArray, delay: IntArray) -> None:
        self.dense = DenseKernel(weight)
        self.delay, self.targets = delay.astype(np.int64), np.arange(len(weight))
        self.waits = int(delay.max(initial=0))

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        return [Scattered(self.targets, self.delay, self.dense.sums(active, values))]


class ListedKernel:
    """Listed synapses without delay: all of them where many are active, else those that are."""

    waits = 0

    def __init__(self, s: Sparse) -> None:
        self.listed = s
        order = np.argsort(s.sources, kind="stable")
        self.targets, self.weight = s.targets[order], s.weight[order].astype(np.float64)
        self.first = np.searchsorted(s.sources[order], np.arange(s.block[1] + 1))
        listed = (s.weight.astype(np.int64), (s.targets, s.sources))
        self.matrix = csr_matrix(listed, shape=s.block)

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        targets, sources = self.listed.shape
        if active.size >= MANY * sources:
            spikes = np.zeros(sources, dtype=np.int64)
            spikes[active] = 1 if values is None else values
            by_block = spikes.reshape(self.listed.repeats, -1).T
            return [Row((self.matrix @ by_block).T.reshape(-1))]
        place, shift = in_block(active, self.listed.block)
        index, fan_out = synapses_of(place, self.first)
        weight = self.weight[index]
        if values is not None:
            weight = weight * np.repeat(values, fan_out)
        reached = self.targets[index] + np.repeat(shift, fan_out)
        total = np.bincount(reached, weights=weight, minlength=targets)
        return [Row(total.astype(np.int64))]


class DelayedKernel:
    """Listed synapses, each with its delay: only active ones are touched."""

    def __init__(self, s: Sparse, delay: IntArray) -> None:
        order = np.argsort(s.sources, kind="stable")
        columns = (s.targets, delay, s.weight)
        self.targets, self.delay, self.weight = (c[order].astype(np.int64) for c in columns)
        self.block = s.block
        self.first = np.searchsorted(s.sources[order], np.arange(s.block[1] + 1))
        self.waits = int(delay.max(initial=0))

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        place, shift = in_block(active, self.block)
        index, fan_out = synapses_of(place, self.first)
        weight = self.weight[index]
        if values is not None:
            weight *= np.repeat(values, fan_out)
        reached = self.targets[index] + np.repeat(shift, fan_out)
        return [Scattered(reached, self.delay[index], weight)]


def in_block(
    active: npt.NDArray[np.intp], block: Pair
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Places of sources in their blocks, and where the targets of these blocks begin."""
    number, place = np.divmod(active, block[1])
    return place, number * block[0]


def synapses_of(
    active: npt.NDArray[np.intp], first: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Positions first[i] .. first[i + 1] of each active source, one after the other; how many."""
    start, stop = first[active], first[active + 1]
    fan_out = stop - start
    index = np.arange(fan_out.sum()) + np.repeat(stop - np.cumsum(fan_out), fan_out)
    return index, fan_out


class AxonDelayKernel:
    """Another kernel whose sources each wait some steps before their spike reaches it."""

    def __init__(self, kernel: Kernel, delay: IntArray) -> None:
        self.kernel, self.delay = kernel, delay
        self.waits = kernel.waits + int(delay.max(initial=0))

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        waits, found = self.delay[active], []
        for wait in np.unique(waits):
            now = waits == wait
            arrivals = self.kernel.arrivals(active[now], None if values is None else values[now])
            found += [arrival.later(int(wait)) for arrival in arrivals]
        return found


def _listed(dense: Dense) -> Sparse:
    """A dense matrix as a list of its non-zero synapses."""
    targets, sources = (i.astype(np.int32) for i in np.nonzero(dense.weight))
    shape = (dense.weight.shape[0], dense.weight.shape[1])
    return Sparse(targets, sources, dense.weight[targets, sources], shape, dense.weight.size)


def _dense(network: Network, p: Projection, dense: Dense) -> Kernel:
    delay = dense.delay
    if delay is None or not delay.any():
        return DenseKernel(dense.weight)
    if (delay == delay[:, :1]).all():
        return TargetDelayKernel(dense.weight, delay[:, 0])
    listed = _listed(dense)
    return DelayedKernel(listed, delay[listed.targets, listed.sources])


def _sparse(network: Network, p: Projection, sparse: Sparse) -> Kernel:
    if sparse.delay is None or not sparse.delay.any():
        return ListedKernel(sparse)
    return DelayedKernel(sparse, sparse.delay)


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

    def known(p: Projection) -> Synapses:
        if isinstance(p.synapses, Sparse | Attention):  # blocks of a list share it here too
            return p.synapses
        return expand(p.synapses, network.shape_of(p.source), network.shape_of(p.target))

    projections = tuple(replace(p, synapses=known(p)) for p in network.projections)
    return replace(network, projections=projections)


def message_bits(network: Network, layer: int) -> int:
    """Message bits of what a layer sends; 0 stands for binary spikes."""
    if layer in network.by_layer:
        return network.by_layer[layer].message_bits
    return network.input.message_bits
