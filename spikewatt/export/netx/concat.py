"""concat: the outputs of several layers as one, channels joined in the listed order."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.sources import Part, Source

if TYPE_CHECKING:
    from spikewatt.export.netx.chain import ChainReader

_PARTS_MAX = 256
_FLAT = ("dense", "dense_rec", "dense_comp")
_IMAGES = ("conv", "convT", "pool", "unpool")


def joined(reader: ChainReader, i: int, fields: Fields) -> Source | None:
    """The source that a concat layer makes of those it lists by their numbers."""
    numbers, shape = fields.listing("layers"), fields.shape()
    if numbers is None or shape is None:
        return None
    if not 1 <= numbers.size <= _PARTS_MAX:
        fields.reject("layers", f"{numbers.size} layers", f"1..{_PARTS_MAX}", AGAIN)
        return None
    parts: list[Part] = []
    for n in numbers.tolist():
        found = _output(reader, i, n)
        if found is None:
            limit = "layers with an output that are read"
            fields.reject("layers", f"layer {n}", limit, "name layers of neurons, or the input")
            return None
        parts += found.parts
        if len(parts) > _PARTS_MAX:
            fields.reject("layers", "joins of joins", f"{_PARTS_MAX} parts in all", AGAIN)
            return None
    source = _with_previous(reader, Source(tuple(parts)), prod(shape), i - 1 in numbers)
    if not source.joinable():
        shapes = ", ".join(str(p.shape) for p in source.parts)
        hint = "flatten each layer before it is joined, or give them one size"
        fields.reject("layers", f"of shapes {shapes}", "images of one size, or flat", hint)
        return None
    if source.size != prod(shape) or (source.image and source.shape != shape[::-1]):
        fields.reject("shape", str(shape), f"{source.shape[::-1]} of the joined layers", AGAIN)
        return None
    return source


def _with_previous(reader: ChainReader, source: Source, size: int, listed: bool) -> Source:
    """lava-dl's text joins the layer before too, so that a list may leave it out: it is first."""
    before = reader.source
    if listed or before is None or source.size == size or source.size + before.size != size:
        return source
    return Source((*before.parts, *source.parts))


def _output(reader: ChainReader, i: int, n: int) -> Source | None:
    """What layer n sends; a later layer's shape is looked up (a loop)."""
    if n in reader.outputs:
        return reader.outputs[n]
    group = reader.layers.inside(str(n)) if i < n < reader.count else None
    kind = group.text("type") if group is not None else None
    if group is None or kind not in (*_FLAT, *_IMAGES):
        return None
    shape = group.of_layer(n).shape()
    if shape is None:
        return None
    if kind in _IMAGES:
        return Source((Part(n, shape[::-1], tensor=True),))
    return Source((Part(n, reader.extension.mark(n).shape or (prod(shape),)),))
