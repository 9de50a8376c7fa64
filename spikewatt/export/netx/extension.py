"""The group `spikewatt` of a file, for what the protocol cannot say (docs/netx-format.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py

from spikewatt.errors import SpikewattError
from spikewatt.export.netx.fields import Fields
from spikewatt.export.netx.host import read_host, write_host
from spikewatt.export.netx.marks import Mark, read_marks
from spikewatt.export.netx.storage import put, put_text
from spikewatt.host import HostStage
from spikewatt.network import Network, Population, Readout, StartRule

GROUP = "spikewatt"
VERSION = 4
READABLE = (1, 2, 3, 4)
LAYER_DIGITS = 9  # of a layer's number


@dataclass(frozen=True)
class Extension:
    """The extension group as read."""

    start: StartRule | None = None
    classes: tuple[str, ...] = ()
    encoder: Mapping[str, Any] | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    readout: Readout | None = None
    input_message_bits: int = 0
    marks: Mapping[int, Mark] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    host: HostStage | None = None
    graph: Fields | None = None  # projections, where the network is no chain

    def mark(self, layer: int) -> Mark:
        """What is said of a layer."""
        return self.marks.get(layer, Mark())

    def names_of(self, populations: Iterable[Population]) -> dict[int, str]:
        """The names of these, where the file has any."""
        return {p.layer: self.names[p.layer] for p in populations if p.layer in self.names}


def _put_json(group: h5py.Group, key: str, value: Any) -> None:
    try:
        put_text(group, key, json.dumps(value, sort_keys=True, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise SpikewattError(
            f"The network's {key} cannot be written: {error}. Use text, finite numbers, lists and "
            "dictionaries with text keys."
        ) from error


def write_extension(file: h5py.File, network: Network) -> h5py.Group:
    """Everything but marks and projections; returns the group for these."""
    group = file.create_group(GROUP)
    put(group, "version", VERSION)
    if network.start is not None:
        put_text(group, "start", network.start.value)
    if network.classes:
        _put_json(group, "classes", list(network.classes))
    if network.encoder is not None:
        _put_json(group, "encoder", dict(network.encoder))
    if network.training:
        _put_json(group, "training", dict(network.training))
    if network.names:
        _put_json(group, "names", {str(layer): name for layer, name in network.names.items()})
    if network.input.message_bits:
        put(group, "input/message_bits", network.input.message_bits)
    if network.readout is not None:
        _write_readout(group.create_group("readout"), network.readout)
    if network.host is not None:
        write_host(group.create_group("host"), network.host)
    return group


def _write_readout(group: h5py.Group, readout: Readout) -> None:
    put_text(group, "kind", readout.kind)
    put(group, "groups", readout.groups)
    put(group, "divisor", readout.divisor)
    if readout.layer is not None:
        put(group, "layer", readout.layer)
    if readout.persons != 1:
        put(group, "persons", readout.persons)


def read_extension(root: Fields) -> Extension:
    """The extension of a file; the defaults where there is none."""
    fields = root.inside(GROUP)
    if fields is None:
        return Extension()
    version = fields.integer("version")
    if version is not None and version not in READABLE:
        limit = f"up to {VERSION}"
        fields.reject("version", str(version), limit, "read it with a newer spikewatt")
    encoder, training = (_mapping(fields, key) for key in ("encoder", "training"))
    inputs = fields.inside("input")
    return Extension(
        start=_start(fields),
        classes=_classes(fields),
        encoder=encoder,
        training=training or {},
        readout=_readout(fields.inside("readout")),
        input_message_bits=(inputs.integer("message_bits") or 0) if inputs else 0,
        marks=read_marks(fields.inside("layer")),
        names=_names(fields),
        host=_host(fields),
        graph=fields.inside("graph"),
    )


def _mapping(fields: Fields, key: str) -> Mapping[str, Any] | None:
    value = fields.json(key)
    if value is None or isinstance(value, dict):
        return value
    fields.reject(key, type(value).__name__, "a JSON object", "write the file again")
    return None


def _classes(fields: Fields) -> tuple[str, ...]:
    value = fields.json("classes")
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    fields.reject("classes", type(value).__name__, "a list of names", "write the file again")
    return ()


def _names(fields: Fields) -> dict[int, str]:
    value = _mapping(fields, "names") or {}
    if all(_is_layer(key) and isinstance(name, str) for key, name in value.items()):
        return {int(key): name for key, name in value.items()}
    fields.reject("names", "other entries", "layer numbers and their names", "write the file again")
    return {}


def _is_layer(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= LAYER_DIGITS


def _start(fields: Fields) -> StartRule | None:
    text = fields.text("start") if fields.has("start") else None
    known = [rule.value for rule in StartRule]
    if text is not None and text not in known:
        fields.reject("start", text, " or ".join(known), "name one of these")
        return None
    return None if text is None else StartRule(text)


def _readout(fields: Fields | None) -> Readout | None:
    if fields is None:
        return None
    kind, groups, divisor = fields.text("kind"), fields.integer("groups"), fields.integer("divisor")
    layer = fields.integer("layer") if fields.has("layer") else None
    persons = fields.integer("persons", default=1)
    if kind is None or groups is None or divisor is None or persons is None:
        return None
    return Readout(kind, groups, divisor, layer, persons)


def _host(fields: Fields) -> HostStage | None:
    if not fields.has("host"):
        return None
    inside = fields.inside("host")
    if inside is None:
        fields.reject("host", "no group", "a group", "write the file again")
        return None
    hint = "what the host adds to the read-out is in the extension, where lava-dl does not look"
    fields.notes.block(None, hint)
    return read_host(inside)
