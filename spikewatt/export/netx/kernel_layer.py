"""Layers with shared kernels, behind one layer or a concat."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from spikewatt.expansion import expand
from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.kernels import read_kernels
from spikewatt.export.netx.sources import Part, Source
from spikewatt.network import (
    Conv,
    ConvTranspose,
    Pool,
    Projection,
    Shape,
    Sparse,
    Synapses,
    Unpool,
)

if TYPE_CHECKING:
    from spikewatt.export.netx.chain import ChainReader

_TAPS_MAX = 2**12  # of a kernel that is listed tap by tap
_Parts = list[tuple[Part, Synapses]]


def read_kernel_layer(reader: ChainReader, i: int, fields: Fields) -> None:
    """One population, and a projection from each source and part."""
    sizes, source, kind = fields.shape(), reader.source, reader.kinds[i]
    if source is None and reader.input is None:
        fields.reject("type", f"{kind} without input shape", "an input layer", "add one")
    elif source is not None and any(p.flattened for p in source.parts):
        fields.reject("type", f"{kind} behind flatten", "dense", "leave the flatten out")
    elif source is not None and not source.image:
        _no_image(reader, i, fields, source)
    if sizes is None or source is None:
        reader.source = None
        return
    shape, mark = sizes[::-1], reader.extension.mark(i)
    population = reader.population(i, fields, shape, by_channel=True)
    space = source.shape if len(source.shape) == 3 else (1, 1, source.size)
    for part, synapses in read_kernels(kind, fields, space, mark) or ():
        for one, own in _split(fields, synapses, source, shape):
            wait = reader.wait(i, one)
            reader.projections.append(Projection(one.layer, i, own, wait, part=part))
    reader.end(i, shape, population, tensor=True)


def _no_image(reader: ChainReader, i: int, fields: Fields, source: Source) -> None:
    kind = reader.kinds[i]
    if len(source.parts) > 1:
        fields.reject("type", f"{kind} behind {source.shape}", "(x, y, channel)", AGAIN)
    elif not source.parts[0].tensor:
        reader.notes.block(i, f"lava-dl does not join a dense layer to a {kind} layer")


def _split(fields: Fields, synapses: Synapses, source: Source, target: Shape) -> _Parts:
    """The synapses of each part of a concat; kernels that join channels are cut along them."""
    if len(source.parts) == 1:
        return [(source.parts[0], synapses)]
    if not source.image:
        return []
    if isinstance(synapses, Conv | ConvTranspose):
        return _cut(fields, synapses, source)
    assert isinstance(synapses, Pool | Unpool)
    return _lists(fields, synapses, source, target)


def _cut(fields: Fields, synapses: Conv | ConvTranspose, source: Source) -> _Parts:
    if synapses.groups != 1:
        hint = "give each joined layer a convolution of its own"
        fields.reject("groups", f"{synapses.groups} behind a concat", "1", hint)
        return []
    if synapses.weight.shape[3] != source.shape[2]:
        found, limit = f"of {synapses.weight.shape[3]} channels", f"{source.shape[2]} joined ones"
        fields.reject("weight", found, limit, AGAIN)
        return []
    cuts: _Parts = []
    start = 0
    for part in source.parts:
        weight = synapses.weight[..., start : start + part.shape[2]]
        cuts.append((part, replace(synapses, weight=np.ascontiguousarray(weight))))
        start += part.shape[2]
    return cuts


def _lists(fields: Fields, synapses: Pool | Unpool, source: Source, target: Shape) -> _Parts:
    """A pool works channel by channel: each part reaches its own channels of the target."""
    if len(target) != 3 or target[2] != source.shape[2]:
        fields.reject("shape", str(target[::-1]), f"{source.shape[2]} channels", AGAIN)
        return []
    taps = synapses.weight.size
    if taps > _TAPS_MAX or not fields.notes.afford(prod(target) * taps):
        fields.reject("weight", f"{taps} taps behind a concat", "fewer", AGAIN)
        return []
    found: _Parts = []
    first = 0
    for part in source.parts:
        own = (target[0], target[1], part.shape[2])
        sparse = expand(synapses, part.shape, own)
        assert isinstance(sparse, Sparse)
        x, y, channel = np.unravel_index(sparse.targets, own)
        index = np.ravel_multi_index((x, y, channel + first), target).astype(np.int32)
        shape = (prod(target), part.size)
        found.append((part, replace(sparse, targets=index, shape=shape)))
        first += part.shape[2]
    return found
