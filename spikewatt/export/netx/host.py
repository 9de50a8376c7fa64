"""The group `spikewatt/host`: the stage that a processor computes (docs/netx-format.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.storage import put, put_sizes, put_text
from spikewatt.host import (
    HostAnd,
    HostConv,
    HostFire,
    HostMap,
    HostPart,
    HostPool,
    HostStage,
    HostSum,
    HostTransform,
)


def write_host(group: h5py.Group, stage: HostStage) -> None:
    """The stage with its constants."""
    put_text(group, "name", stage.name)
    put_sizes(group, "inputs", stage.inputs)
    put_sizes(group, "shape", stage.shape)
    put(group, "output", stage.output)
    for k, m in enumerate(stage.maps):
        inside = group.create_group(f"map/{k}")
        put(inside, "weight", m.weight)
        put(inside, "bias", m.bias)
        put(inside, "groups", m.groups)
    for k, part in enumerate(stage.parts):
        inside = group.create_group(f"part/{k}")
        kind = _NAMES[type(part)]
        put_text(inside, "type", kind)
        for key in _KINDS[kind][1]:
            value = getattr(part, key)
            if isinstance(value, tuple):
                put_sizes(inside, key, value)
            else:
                put(inside, key, value)


def read_host(fields: Fields) -> HostStage | None:
    """The stage of a file; what cannot be read is a violation, and the stage None."""
    shape, inputs = fields.integers("shape"), fields.listing("inputs")
    name, output = fields.text("name"), fields.integers("output")
    if shape is not None and shape.shape != (3,):
        fields.reject("shape", str(shape.shape), "(channels, places, steps)", AGAIN)
        return None
    maps, parts = _each(fields, "map", _read_map), _each(fields, "part", _read_part)
    if shape is None or inputs is None or name is None or output is None:
        return None
    if maps is None or parts is None:
        return None
    channels, places, steps = (int(n) for n in shape)
    read = tuple(int(n) for n in inputs)
    return HostStage(name, read, (channels, places, steps), tuple(maps), tuple(parts), output)


def _each(fields: Fields, key: str, read: Callable[[Fields], Any]) -> list[Any] | None:
    """What the numbered groups under a key hold; None where one cannot be read."""
    listing = fields.inside(key)
    if listing is None:
        return []
    found = []
    for k in range(len(listing.names())):
        inside = listing.inside(str(k))
        if inside is None:
            listing.reject(str(k), "missing", "numbers from 0 without gaps", AGAIN)
        found.append(None if inside is None else read(inside))
    return None if any(f is None for f in found) else found


def _read_map(fields: Fields) -> HostMap | None:
    weight, bias = fields.integers("weight"), fields.listing("bias")
    groups = fields.integer("groups")
    if weight is None or bias is None or groups is None:
        return None
    return HostMap(weight, bias, groups)


def _read_part(fields: Fields) -> HostPart | None:
    kind = fields.text("type")
    if kind not in _KINDS:
        if kind is not None:
            fields.reject("type", kind, ", ".join(_KINDS), "read it with a newer spikewatt")
        return None
    build, keys = _KINDS[kind]
    values = [read(fields, key) for key, read in keys.items()]
    return None if any(v is None for v in values) else build(*values)


def _whole(fields: Fields, key: str) -> int | None:
    return fields.integer(key)


def _array(fields: Fields, key: str) -> Any:
    return fields.integers(key)


def _several(fields: Fields, key: str) -> tuple[int, ...] | None:
    found = fields.listing(key)
    return None if found is None else tuple(int(n) for n in found)


# by type in the file: the part, and its entries in the order of its fields
_KINDS: dict[str, tuple[Callable[..., HostPart], dict[str, Callable[[Fields, str], Any]]]] = {
    "conv": (HostConv, {"source": _whole, "map": _whole}),
    "transform": (HostTransform, {"source": _whole, "weight": _array}),
    "fire": (HostFire, {"source": _whole, "decay": _whole, "threshold": _whole}),
    "and": (HostAnd, {"source": _whole, "other": _whole}),
    "pool": (HostPool, {"source": _whole}),
    "sum": (HostSum, {"sources": _several}),
}
_NAMES: dict[type, str] = {
    HostConv: "conv",
    HostTransform: "transform",
    HostFire: "fire",
    HostAnd: "and",
    HostPool: "pool",
    HostSum: "sum",
}
