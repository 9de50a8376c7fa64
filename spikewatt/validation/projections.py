"""Rules for projections: weights, delays, parts, and shapes that fit their two ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from spikewatt.network import (
    DELAY_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    Network,
    Pool,
    Projection,
    ResonateFire,
    Shape,
    Sparse,
    Synapses,
    Unpool,
    Violation,
)
from spikewatt.validation.attention import attention
from spikewatt.validation.ranges import not_integers, other_shape, out_of_range
from spikewatt.validation.tables import step_gain

PARTS = ("real", "imag")
CONV_AXES = ("channels out", "kernel x", "kernel y", "channels in of a group")
POOL_AXES = ("kernel x", "kernel y")


def projection(network: Network, projection: Projection) -> Iterator[Violation]:
    """Rules for one projection whose two ends exist."""
    layer, synapses = projection.target, projection.synapses
    yield from not_integers(layer, "weight", synapses.weight)
    hint = "quantise to 8 bits in steps of 2"
    yield from out_of_range(layer, "weight", synapses.weight, (WEIGHT_MIN, WEIGHT_MAX), hint)
    shapes = network.shape_of(projection.source), network.shape_of(projection.target)
    yield from _delays(projection, prod(shapes[0]))
    yield from _part(network, projection)
    yield from step_gain(network, projection)
    if isinstance(synapses, Attention):
        yield from attention(network, projection, synapses)
    else:
        yield from _SHAPES[type(synapses)](layer, synapses, *shapes)


def _part(network: Network, projection: Projection) -> Iterator[Violation]:
    layer, part = projection.target, projection.part
    neuron = network.by_layer[layer].neuron
    if part not in PARTS:
        limit = " or ".join(PARTS)
        yield Violation(layer, "part that a projection drives", part, limit, "name one of these")
    elif part == "imag" and not isinstance(neuron, ResonateFire):
        found = f"imag of {type(neuron).__name__}"
        hint = "only resonate-and-fire neurons have an imaginary part"
        yield Violation(layer, "part that a projection drives", found, "real", hint)


def _delays(projection: Projection, sources: int) -> Iterator[Violation]:
    layer, synapses, axon = projection.target, projection.synapses, projection.axon_delay
    hint = f"projection, axon and synapse together delay 0 to {DELAY_MAX} steps"
    yield from out_of_range(layer, "projection delay", projection.delay, (0, DELAY_MAX), hint)
    left = (0, DELAY_MAX - max(projection.delay, 0))
    if axon is not None:
        yield from not_integers(layer, "axonal delay", axon)
        one = "one delay for each source neuron"
        yield from other_shape(layer, "axonal delay shape", axon.shape, (sources,), one)
        yield from out_of_range(layer, "axonal delay", axon, left, hint)
    delay = synapses.delay if isinstance(synapses, Dense | Sparse) else None
    if delay is None:
        return
    yield from not_integers(layer, "delay", delay)
    one = "one delay for each synapse"
    yield from other_shape(layer, "delay shape", delay.shape, synapses.weight.shape, one)
    yield from out_of_range(layer, "delay", delay, left, hint)
    yield from out_of_range(layer, "delay with its axon's", _together(projection), left, hint)


def _together(projection: Projection) -> Any:
    """Each synapse's delay with its axon's; none where one of them is faulty by itself."""
    s, axon = projection.synapses, projection.axon_delay
    if isinstance(s, Dense) and s.delay is not None and axon is not None:
        return s.delay + axon if s.delay.ndim == 2 and s.delay.shape[1:] == axon.shape else []
    if isinstance(s, Sparse) and s.delay is not None and axon is not None:
        sound = axon.ndim == 1 and s.delay.shape == s.sources.shape
        if not sound or s.repeats < 1 or axon.size % s.repeats:
            return []
        of_block = axon.reshape(s.repeats, -1).max(axis=0)
        inside = (s.sources >= 0) & (s.sources < of_block.size)
        return s.delay[inside] + of_block[s.sources[inside]]
    return []


def _dense(layer: int, dense: Dense, source: Shape, target: Shape) -> Iterator[Violation]:
    expected = (prod(target), prod(source))
    hint = f"rows are the {expected[0]} targets, columns the {expected[1]} sources"
    yield from other_shape(layer, "weight shape", dense.weight.shape, expected, hint)


def _sparse(layer: int, sparse: Sparse, source: Shape, target: Shape) -> Iterator[Violation]:
    expected = (prod(target), prod(source))
    hint = "the shape is (targets, sources)"
    yield from other_shape(layer, "synapse shape", sparse.shape, expected, hint)
    lengths = {len(sparse.targets), len(sparse.sources), len(sparse.weight)}
    if len(lengths) > 1:
        hint = "targets, sources and weights list the same synapses"
        yield Violation(layer, "numbers of listed synapses", str(sorted(lengths)), "equal", hint)
    if sparse.repeats < 1 or any(n % sparse.repeats for n in sparse.shape):
        limit = f"a divisor of {sparse.shape[0]} and {sparse.shape[1]}"
        hint = "blocks are equal parts of targets and sources"
        yield Violation(layer, "repeats of listed synapses", str(sparse.repeats), limit, hint)
        return
    hint = "indices are flat, in the population's own order"
    hint += ", within one block" * (sparse.repeats > 1)
    pairs = (("target", sparse.targets), ("source", sparse.sources))
    for (name, index), size in zip(pairs, sparse.block, strict=True):
        yield from out_of_range(layer, f"synapse {name}", index, (0, size - 1), hint)


Kernel = Conv | ConvTranspose | Pool | Unpool


def _geometry(layer: int, s: Kernel) -> Iterator[Violation]:
    after = s.after if isinstance(s, Pool) else (0, 0)
    for name, pair, low in (
        ("stride", s.stride, 1),
        ("padding", s.padding, 0),
        ("dilation", s.dilation, 1),
        ("padding after", after, 0),
    ):
        if len(pair) != 2 or min(pair) < low:
            yield Violation(layer, name, str(pair), f"two of at least {low}", "give (x, y)")


def _places(s: Kernel, kernel: Shape, size: Shape) -> Shape:
    """Places along x and y where the kernel fits an image of this size."""
    after = s.after if isinstance(s, Pool) else (0, 0)
    padded = [size[i] + 2 * s.padding[i] + after[i] for i in (0, 1)]
    reach = [s.dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
    return tuple((padded[i] - reach[i]) // s.stride[i] + 1 for i in (0, 1))


def _axes(
    layer: int, s: Kernel, ends: tuple[Shape, Shape], axes: tuple[str, ...]
) -> Iterator[Violation]:
    want = len(axes)
    if not len(ends[0]) == len(ends[1]) == 3 or s.weight.ndim != want or 0 in s.weight.shape:
        found = f"{ends[0]} -> {ends[1]}, weight {s.weight.shape}"
        hint = f"shapes are (x, y, channel), weights ({', '.join(axes)})"
        what = "convolution's shapes" if axes is CONV_AXES else "pool's shapes"
        yield Violation(layer, what, found, f"3 axes, weight {want}", hint)


def _conv(layer: int, conv: Conv, source: Shape, target: Shape) -> Iterator[Violation]:
    kernel, faults = conv.weight.shape[1:3], list(_kernel4(layer, conv, source, target))
    yield from faults
    if not faults:
        yield from _groups(layer, conv, source[2])
        yield from _target(layer, (*_places(conv, kernel, source), conv.weight.shape[0]), target)


def _transposed(layer: int, s: ConvTranspose, source: Shape, target: Shape) -> Iterator[Violation]:
    kernel, faults = s.weight.shape[1:3], list(_kernel4(layer, s, source, target))
    yield from faults
    if not faults:
        yield from _groups(layer, s, source[2])
        yield from _adjoint(layer, s, kernel, (source, (*target[:2], s.weight.shape[0])), target)


def _pool(layer: int, pool: Pool, source: Shape, target: Shape) -> Iterator[Violation]:
    faults = list(_kernel2(layer, pool, source, target))
    yield from faults
    if not faults:
        expected = (*_places(pool, pool.weight.shape, source), source[2])
        yield from _target(layer, expected, target)


def _unpool(layer: int, s: Unpool, source: Shape, target: Shape) -> Iterator[Violation]:
    faults = list(_kernel2(layer, s, source, target))
    yield from faults
    if not faults:
        yield from _adjoint(layer, s, s.weight.shape, (source, (*target[:2], source[2])), target)


def _kernel4(
    layer: int, s: Conv | ConvTranspose, source: Shape, target: Shape
) -> Iterator[Violation]:
    yield from _geometry(layer, s)
    yield from _axes(layer, s, (source, target), CONV_AXES)


def _kernel2(layer: int, s: Pool | Unpool, source: Shape, target: Shape) -> Iterator[Violation]:
    yield from _geometry(layer, s)
    yield from _axes(layer, s, (source, target), POOL_AXES)


def _target(layer: int, expected: Shape, target: Shape) -> Iterator[Violation]:
    if target != expected or min(expected) < 1:
        hint = "kernel, stride, padding and dilation give the output's size"
        yield Violation(layer, "shape", str(target), f"{expected}, at least 1", hint)


def _adjoint(
    layer: int, s: Kernel, kernel: Shape, ends: tuple[Shape, Shape], target: Shape
) -> Iterator[Violation]:
    """Going back over the target with the same kernel has to give the source's size."""
    source, expected = ends
    back = _places(s, kernel, target)
    if back != source[:2] or target != expected:
        found = f"{target}, which {back} kernels cover"
        limit = f"{source[:2]} kernels, {expected[2]} channels"
        hint = "kernel, stride, padding and dilation give the output's size"
        yield Violation(layer, "shape", found, limit, hint)


def _groups(layer: int, conv: Conv | ConvTranspose, channels_in: int) -> Iterator[Violation]:
    channels_out, per_group = conv.weight.shape[0], conv.weight.shape[3]
    if conv.groups < 1 or channels_out % conv.groups or channels_in % conv.groups:
        limit = f"a divisor of {channels_in} and {channels_out}"
        yield Violation(layer, "groups", str(conv.groups), limit, "groups split the channels")
    elif per_group * conv.groups != channels_in:
        hint = "the weight's last axis is the input's channels in one group"
        limit = str(channels_in // conv.groups)
        yield Violation(layer, "channels in of the weight", str(per_group), limit, hint)


_SHAPES: dict[type[Synapses], Callable[[int, Any, Shape, Shape], Iterator[Violation]]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
    ConvTranspose: _transposed,
    Pool: _pool,
    Unpool: _unpool,
}


def shortest_delay(p: Projection) -> int:
    """Steps that every spike waits beyond the one every projection takes; a lower bound."""
    own = p.synapses.delay if isinstance(p.synapses, Dense | Sparse) else None
    delays = (d for d in (own, p.axon_delay) if d is not None and d.size)
    return p.delay + sum(int(np.min(d)) for d in delays)
