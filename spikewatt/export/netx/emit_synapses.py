"""The weights and delays of a layer, in the keys and orders of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from spikewatt.export.netx.kernels import slayer_after, slayer_keeps_apart
from spikewatt.export.netx.marks import Mark, write_mark
from spikewatt.export.netx.order import matrix, spread, to_flattened
from spikewatt.export.netx.plan import Layer, is_tensor, stored_matrix
from spikewatt.export.netx.storage import put, put_optional, put_sizes
from spikewatt.network import (
    Conv,
    ConvTranspose,
    Dense,
    IntArray,
    Network,
    Pool,
    Population,
    Projection,
    Shape,
    Sparse,
    Synapses,
    Unpool,
)


def write_matrices(group: h5py.Group, extension: h5py.Group, network: Network, one: Layer) -> None:
    population = one.population
    sources = [_columns(network, one, p) for p in one.inputs]
    keys = _weight_keys(one)
    weights = [np.hstack(sources)] if len(keys) == 1 else sources
    put_sizes(group, "shape", (population.size,))
    put(group, "inFeatures", weights[0].shape[1])
    put(group, "outFeatures", population.size)
    for key, weight in zip(keys, weights, strict=True):
        put(group, key, weight)
    if one.loop is not None:
        put(group, "weight_rec", stored_matrix(one.loop.synapses))
    if one.concat is None:
        put_optional(group, "delay", _whole_delay(network, one, one.inputs[0]))
        write_mark(extension, population.layer, _delay_mark(one.inputs[0]))
    write_mark(extension, population.layer, _matrix_mark(population, one.inputs[0].synapses))


def _weight_keys(one: Layer) -> list[str]:
    parts = [p.part for p in one.inputs]
    return ["weight/real", "weight/imag"] if "imag" in parts else ["weight"]


def _columns(network: Network, one: Layer, p: Projection) -> IntArray:
    return _ordered(network, one, p, stored_matrix(p.synapses))


def _ordered(network: Network, one: Layer, p: Projection, values: IntArray) -> IntArray:
    """Columns in the order in which a file's flatten layer has the neurons."""
    shape = network.shape_of(p.source)
    flattens = "flatten" in one.fill.values() and is_tensor(network, p.source)
    return to_flattened(values, shape) if flattens and spread(shape) else values


def _whole_delay(network: Network, one: Layer, p: Projection) -> IntArray | None:
    """All delays of a synapse together, as lava-dl takes them: (targets, sources), or None."""
    synapses = p.synapses
    assert isinstance(synapses, Dense | Sparse)
    own = synapses.delay
    if isinstance(synapses, Sparse) and own is not None:
        own = matrix(synapses, own)
    axon = 0 if p.axon_delay is None else p.axon_delay
    shape = stored_matrix(synapses).shape
    whole = np.zeros(shape, dtype=np.int32) + (0 if own is None else own) + axon + p.delay
    return _ordered(network, one, p, whole) if whole.any() else None


def _delay_mark(p: Projection) -> Mark:
    """Which part of a layer's delays belongs to the projection and to its sources."""
    axon = p.axon_delay
    return Mark(
        delay=p.delay or None,
        axon_delay=None if axon is None or not axon.any() else axon,
    )


def _matrix_mark(population: Population, synapses: Synapses) -> Mark:
    sparse = synapses if isinstance(synapses, Sparse) else None
    return Mark(
        dense_macs=None if sparse is None else sparse.dense_macs,
        zeros=None if sparse is None else _stored_zeros(sparse),
        shape=population.shape if len(population.shape) > 1 else None,
    )


def _stored_zeros(sparse: Sparse) -> IntArray | None:
    stored = sparse.weight == 0
    rows = np.stack((sparse.targets[stored], sparse.sources[stored]), axis=1)
    return rows if len(rows) else None


def write_kernels(group: h5py.Group, extension: h5py.Group, network: Network, one: Layer) -> None:
    population, synapses = one.population, one.inputs[0].synapses
    assert not isinstance(synapses, Dense | Sparse)
    put_sizes(group, "shape", population.shape[::-1])
    keys, (order, kernel) = _weight_keys(one), _KERNELS[type(synapses)]
    if isinstance(synapses, Conv | ConvTranspose):
        channels = sum(p.synapses.weight.shape[3] for p in one.inputs) // len(keys)
        put(group, "inChannels", channels * synapses.groups)
        put(group, "outChannels", synapses.weight.shape[0])
        put(group, "groups", synapses.groups)
    put_sizes(group, "kernelSize", kernel(synapses))
    for key in ("stride", "padding", "dilation"):
        put_sizes(group, key, getattr(synapses, key)[::-1])
    weights = [p.synapses.weight for p in one.inputs]
    weights = [np.concatenate(weights, axis=-1)] if len(keys) < len(weights) else weights
    for key, weight in zip(keys, weights, strict=True):
        put(group, key, order(weight, synapses))
    source = network.shape_of(one.inputs[0].source)
    write_mark(extension, population.layer, Mark(after=_after(synapses, source)))


def _conv_order(weight: IntArray, synapses: Any) -> IntArray:
    return weight.transpose(0, 3, 2, 1)


def _conv_transpose_order(weight: IntArray, synapses: Any) -> IntArray:
    """(channels in, channels out / groups, y, x)."""
    outs, x, y, per_group = weight.shape
    grouped = weight.reshape(synapses.groups, outs // synapses.groups, x, y, per_group)
    return grouped.transpose(0, 4, 1, 3, 2).reshape(-1, outs // synapses.groups, y, x)


def _pool_order(weight: IntArray, synapses: Any) -> IntArray:
    return weight.transpose()[None, None]


def _conv_size(synapses: Any) -> tuple[int, int]:
    return synapses.weight.shape[2], synapses.weight.shape[1]


def _pool_size(synapses: Any) -> tuple[int, int]:
    return synapses.weight.shape[1], synapses.weight.shape[0]


_Order = Callable[[IntArray, Any], IntArray]
_Size = Callable[[Any], tuple[int, int]]
_KERNELS: dict[type, tuple[_Order, _Size]] = {
    Conv: (_conv_order, _conv_size),
    ConvTranspose: (_conv_transpose_order, _conv_size),
    Pool: (_pool_order, _pool_size),
    Unpool: (_pool_order, _pool_size),
}


def _after(synapses: Synapses, source: Shape) -> Shape | None:
    """What a pool pads behind, where slayer's own rule says otherwise."""
    if isinstance(synapses, Pool) and slayer_after(synapses, source) != synapses.after:
        return synapses.after
    if isinstance(synapses, Unpool) and not slayer_keeps_apart(synapses, source):
        return (0, 0)
    return None
