"""Counting: synaptic events of an execution, and the conventions papers use beside it.

A synaptic event is one (spike, stored synapse) pair: the effective weight is not zero and the
target exists. So a step's events are sum_i spike[i] * fan_out[i], with the fan-out worked out
once from the integer weights. Graded and signed spikes give one event per synapse each, a
delayed synapse gives its event once, in the step in which the spike reaches the synapse.

Attention has no synapses. Its events are the accumulations of its two products, a function of
the spikes of queries, keys and values of one step (`attention_events`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.expansion import expand
from spikewatt.network import (
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    Network,
    Pool,
    Projection,
    Shape,
    Sparse,
    Synapses,
    Unpool,
)

Counters = npt.NDArray[np.int64]
Trains = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]  # queries, keys, values


def conv_out_axis(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Output length of a convolution along one axis."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _conv_fan_out(conv: Conv, source: Shape, target: Shape, nonzero: bool) -> Counters:
    """Synapses per source neuron (x, y, channel): taps that land on an existing target."""
    channels_out, kx, ky, per_group = conv.weight.shape
    out_per_group = channels_out // conv.groups
    fan_out = np.zeros(source, dtype=np.int64)
    taps = (conv.weight != 0) if nonzero else np.ones_like(conv.weight, dtype=bool)
    # synapses of one input channel at one tap, over the output channels of its group
    per_tap = taps.reshape(conv.groups, out_per_group, kx, ky, per_group).sum(axis=1)
    for i in range(kx):
        xs = np.arange(target[0]) * conv.stride[0] + i * conv.dilation[0] - conv.padding[0]
        xs = xs[(xs >= 0) & (xs < source[0])]
        for j in range(ky):
            ys = np.arange(target[1]) * conv.stride[1] + j * conv.dilation[1] - conv.padding[1]
            ys = ys[(ys >= 0) & (ys < source[1])]
            fan_out[np.ix_(xs, ys)] += per_tap[:, i, j, :].reshape(-1)
    return np.asarray(fan_out.reshape(-1))


def _sparse_fan_out(sparse: Sparse, nonzero: bool) -> Counters:
    sources = sparse.sources[sparse.weight != 0] if nonzero else sparse.sources
    of_block = np.bincount(sources, minlength=sparse.block[1]).astype(np.int64)
    return np.tile(of_block, sparse.repeats)


def _ends(network: Network, projection: Projection) -> tuple[Shape, Shape]:
    return network.shape_of(projection.source), network.shape_of(projection.target)


def _lists_kept(synapses: Synapses, ends: tuple[Shape, Shape]) -> Dense | Sparse | Conv:
    """Kernels as lists; a list's blocks are not written out."""
    return synapses if isinstance(synapses, Sparse) else expand(synapses, *ends)


def fan_out(network: Network, projection: Projection) -> Counters:
    """Stored non-zero synapses of each source neuron, (sources,).

    Raises SpikewattError for attention, which stores none.
    """
    ends = _ends(network, projection)
    s = _lists_kept(projection.synapses, ends)
    if isinstance(s, Dense):
        return np.asarray((s.weight != 0).sum(axis=0, dtype=np.int64))
    if isinstance(s, Sparse):
        return _sparse_fan_out(s, nonzero=True)
    return _conv_fan_out(s, *ends, nonzero=True)


def fan_out_stored(network: Network, projection: Projection) -> Counters:
    """As `fan_out`, with the zeros that a chip stores: listed ones and those of kernels."""
    ends = _ends(network, projection)
    s = _lists_kept(projection.synapses, ends)
    if isinstance(s, Dense):
        return fan_out(network, projection)
    if isinstance(s, Sparse):
        return _sparse_fan_out(s, nonzero=False)
    return _conv_fan_out(s, *ends, nonzero=False)


def attention_events(s: Attention, shape: Shape, trains: Trains) -> Counters:
    """Events of attention in each step, (...,), from the spikes of its three sources.

    trains: spikes of queries, keys and values, (..., neurons) each, of one step an entry. K^T V
    accumulates once for each pair of a key's and a value's spike of one token and head, Q (K^T V)
    adds a row of D sums for each query's spike. tokens_first: Q K^T accumulates once for each
    pair of a query's and a key's spike of one block, head and channel, (Q K^T) V adds a column
    of N sums for each value's spike.
    """
    q, k, v = ((x != 0).reshape(*x.shape[:-1], *s.split(shape)) for x in trains)
    tokens, channels = q.shape[-3], q.shape[-1]
    if s.tokens_first:
        pairs = q.sum(-3, dtype=np.int64) * k.sum(-3, dtype=np.int64)
        return np.asarray(pairs.sum((-3, -2, -1)) + tokens * v.sum((-4, -3, -2, -1)))
    pairs = k.sum(-1, dtype=np.int64) * v.sum(-1, dtype=np.int64)
    return np.asarray(pairs.sum((-3, -2, -1)) + channels * q.sum((-4, -3, -2, -1)))


def _attention_macs(s: Attention, source: Shape, target: Shape) -> int:
    blocks, tokens, heads, channels = s.split(target)
    return 2 * blocks * tokens * heads * channels * (tokens if s.tokens_first else channels)


def _places(shape: Shape) -> int:
    return shape[0] * shape[1]


_MACS: dict[type[Synapses], Callable[[Any, Shape, Shape], int]] = {
    Dense: lambda s, source, target: int(s.weight.size if s.macs is None else s.macs),
    Sparse: lambda s, source, target: int(s.dense_macs),
    Conv: lambda s, source, target: int(s.weight.size) * _places(target),
    ConvTranspose: lambda s, source, target: int(s.weight.size) * _places(source),
    Pool: lambda s, source, target: int(s.weight.size) * prod(target),
    Unpool: lambda s, source, target: int(s.weight.size) * prod(source),
    Attention: _attention_macs,
}


def dense_macs(network: Network, projection: Projection) -> int:
    """Multiply-accumulates per step as papers count them: all weights, padding taps included.

    Kernels are counted at every place they are put: at the target's, and at the source's for
    transposed convolutions and unpooling; those of pools once for every channel. Attention of N
    tokens, D channels a head, C channels: 2 N D C a block, with tokens_first 2 N N C.
    """
    s = projection.synapses
    return _MACS[type(s)](s, *_ends(network, projection))


def synapses(network: Network, projection: Projection) -> int:
    """Pairs of neurons that the projection joins, zero weights included; none of attention."""
    s = projection.synapses
    if isinstance(s, Attention):
        return 0
    if isinstance(s, Dense):
        return int(s.weight.size)
    return int(fan_out_stored(network, projection).sum())


def synapses_nonzero(network: Network, projection: Projection) -> int:
    """Those of `synapses` whose weight is not zero."""
    if isinstance(projection.synapses, Attention):
        return 0
    return int(fan_out(network, projection).sum())


@dataclass(frozen=True, eq=False)
class LayerCounts:
    """Counted events of one layer.

    Arrays are (samples, steps), int64, for the counted steps of each sample. What a layer
    receives (spikes_in, events) is counted in its source's steps, when the spike reaches the
    synapse; what it sends (spikes_out) and its updates in its own. `fill` is the sum over the
    steps before and after, for the whole execution. A layer with several projections sums them.
    """

    layer: int
    spikes_in: Counters
    spikes_out: Counters
    synaptic_events: Counters
    synaptic_events_stored: Counters
    neuron_updates: int
    fill: dict[str, int]


FILL_KEYS = (
    "spikes_in",
    "spikes_out",
    "synaptic_events",
    "synaptic_events_stored",
    "neuron_updates",
)


@dataclass(frozen=True, eq=False)
class Counts:
    """Counted events of one execution, by layer in the order of execution."""

    samples: int
    steps: int
    layers: tuple[LayerCounts, ...]

    @cached_property
    def by_layer(self) -> dict[int, LayerCounts]:
        """Layers by their number in the file."""
        return {layer.layer: layer for layer in self.layers}


def _shape(counts: Counts) -> str:
    layers = ", ".join(str(layer.layer) for layer in counts.layers)
    return f"{counts.samples} samples x {counts.steps} steps of layers {layers}"


def _layer_differences(want: LayerCounts, got: LayerCounts) -> list[str]:
    lines: list[str] = []
    for name in FILL_KEYS[:-1]:
        x, y = getattr(want, name), getattr(got, name)
        if not np.array_equal(x, y):
            lines.append(f"layer {want.layer}: {name} {int(x.sum())} against {int(y.sum())}")
    for name in ("neuron_updates", "fill"):
        x, y = getattr(want, name), getattr(got, name)
        if x != y:
            lines.append(f"layer {want.layer}: {name} {x} against {y}")
    return lines


def differences(expected: Counts, found: Counts) -> list[str]:
    """Where two executions' counts differ, one line a layer and quantity; empty when equal."""
    if _shape(expected) != _shape(found):
        return [f"{_shape(expected)} against {_shape(found)}"]
    pairs = zip(expected.layers, found.layers, strict=True)
    return [line for want, got in pairs for line in _layer_differences(want, got)]
