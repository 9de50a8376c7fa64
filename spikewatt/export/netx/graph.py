"""Networks that are no chain: named sources per projection, in the extension group `graph`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import h5py

from spikewatt.export.netx.chain import Cut, read_input
from spikewatt.export.netx.extension import Extension
from spikewatt.export.netx.fields import Fields
from spikewatt.export.netx.neurons import read_neuron
from spikewatt.export.netx.storage import put, put_optional, put_sizes, put_text
from spikewatt.export.netx.synapses import read_bias
from spikewatt.network import (
    Conv,
    Dense,
    Input,
    IntArray,
    Network,
    Population,
    Projection,
    Sparse,
    Synapses,
)

_PAIRS = ("stride", "padding", "dilation")


def write_graph(extension: h5py.Group, network: Network) -> None:
    """The order of execution and all projections, with weights in our own order of neurons."""
    graph = extension.create_group("graph")
    put(graph, "input", network.input.layer)
    put_sizes(graph, "order", tuple(p.layer for p in network.populations))
    for k, projection in enumerate(network.projections):
        group = graph.create_group(f"projection/{k}")
        put(group, "source", projection.source)
        put(group, "target", projection.target)
        put(group, "delay", projection.delay)
        kind = _NAMES[type(projection.synapses)]
        put_text(group, "type", kind)
        _KINDS[kind][1](group, projection.synapses)


def _write_dense(group: h5py.Group, dense: Dense) -> None:
    put(group, "weight", dense.weight)
    put_optional(group, "synapse_delay", dense.delay)


def _write_sparse(group: h5py.Group, sparse: Sparse) -> None:
    for key in ("weight", "targets", "sources"):
        put(group, key, getattr(sparse, key))
    put_sizes(group, "shape", sparse.shape)
    put(group, "dense_macs", sparse.dense_macs)
    put_optional(group, "synapse_delay", sparse.delay)


def _write_conv(group: h5py.Group, conv: Conv) -> None:
    put(group, "weight", conv.weight)
    for key in _PAIRS:
        put_sizes(group, key, getattr(conv, key))
    put(group, "groups", conv.groups)


def _delays(fields: Fields) -> IntArray | None:
    return fields.integers("synapse_delay") if fields.has("synapse_delay") else None


def _read_dense(fields: Fields) -> Dense | None:
    weight = fields.integers("weight")
    return None if weight is None else Dense(weight, _delays(fields))


def _read_sparse(fields: Fields) -> Sparse | None:
    lists = [fields.listing(key) for key in ("targets", "sources", "weight")]
    shape, macs = fields.shape(), fields.integer("dense_macs")
    if shape is None or macs is None or len(shape) != 2:
        return None
    targets, sources, weight = lists
    if targets is None or sources is None or weight is None:
        return None
    delay = fields.listing("synapse_delay") if fields.has("synapse_delay") else None
    return Sparse(targets, sources, weight, (shape[0], shape[1]), macs, delay)


def _read_conv(fields: Fields) -> Conv | None:
    weight, groups = fields.integers("weight"), fields.integer("groups")
    stride, padding, dilation = (fields.pair(key) for key in _PAIRS)
    if weight is None or groups is None:
        return None
    if stride is None or padding is None or dilation is None:
        return None
    return Conv(weight, stride[::-1], padding[::-1], dilation[::-1], groups)  # stored as (x, y)


_KINDS: dict[str, tuple[Callable[[Fields], Synapses | None], Callable[[h5py.Group, Any], None]]] = {
    "dense": (_read_dense, _write_dense),
    "sparse": (_read_sparse, _write_sparse),
    "conv": (_read_conv, _write_conv),
}
_NAMES: dict[type, str] = {Dense: "dense", Sparse: "sparse", Conv: "conv"}


class GraphReader:
    """Reads layers and the extension's projections; `layers` cuts, skipping is for chains."""

    def __init__(self, layers: Fields, extension: Extension, cut: Cut) -> None:
        assert extension.graph is not None
        self.layers, self.extension, self.cut = layers, extension, cut
        self.graph, self.notes = extension.graph, layers.notes

    def read(self) -> Network | None:
        """The network, as far as it can be read; the notes say what cannot."""
        self.notes.block(None, "projections are in the extension, where lava-dl does not look")
        if self.cut.skip:
            hint = "take the whole file, or cut it with layers"
            self.notes.reject(None, "skip", str(self.cut.skip), "0 for a graph", hint)
        order, entry = self.graph.integers("order"), self.graph.integer("input")
        if order is None or entry is None:
            return None
        numbers = [int(n) for n in order.reshape(-1) if self._kept(int(n))]
        source = self._input(entry)
        if source is None:
            return None
        found = [self._population(n, source) for n in numbers]
        return self._network(source, [p for p in found if p is not None])

    def _kept(self, layer: int) -> bool:
        return self.cut.layers is None or layer < self.cut.layers

    def _group(self, layer: int) -> Fields | None:
        group = self.layers.inside(str(layer))
        if group is None:
            hint = "write the file again"
            self.notes.reject(layer, "group", "missing", "one for each layer", hint)
            return None
        return replace(group, layer=layer, prefix="")

    def _input(self, layer: int) -> Input | None:
        fields = self._group(layer)
        if fields is None:
            return None
        entry, _ = read_input(fields, self.extension.mark(layer))
        bits = self.cut.message_bits
        if bits is None:
            bits = self.extension.input_message_bits
        return None if entry is None else replace(entry, message_bits=bits)

    def _population(self, layer: int, source: Input) -> Population | None:
        fields, mark = self._group(layer), self.extension.mark(layer)
        if fields is None:
            return None
        neuron, sizes = fields.inside("neuron"), fields.shape()
        if neuron is None:
            fields.reject("neuron", "missing", "CUBA or LOIHI", "write the file again")
            return None
        kind, bits = read_neuron(neuron)
        if kind is None or sizes is None:
            return None
        driven = source.drives_bias and layer == source.layer
        bias = None if driven else read_bias(fields, sizes[::-1], by_channel=False)
        return Population(layer, sizes[::-1], kind, bias, bits or mark.message_bits)

    def _projections(self, known: set[int]) -> list[Projection]:
        listing = self.graph.inside("projection")
        if listing is None:
            return []
        found = [self._projection(listing, k) for k in range(len(listing.group))]
        return [p for p in found if p and (self.cut.layers is None or p.target in known)]

    def _projection(self, listing: Fields, k: int) -> Projection | None:
        fields = listing.inside(str(k))
        if fields is None:
            listing.reject(str(k), "missing", "numbers from 0 without gaps", "write it again")
            return None
        kind, delay = fields.text("type"), fields.integer("delay")
        source, target = fields.integer("source"), fields.integer("target")
        if kind is not None and kind not in _KINDS:
            fields.reject("type", kind, ", ".join(_KINDS), "read it with a newer spikewatt")
            return None
        if kind is None or delay is None or source is None or target is None:
            return None
        synapses = _KINDS[kind][0](replace(fields, layer=target))
        return None if synapses is None else Projection(source, target, synapses, delay)

    def _network(self, source: Input, populations: list[Population]) -> Network:
        ext = self.extension
        types = {}
        for name in sorted(self.layers.group, key=lambda n: (len(n), n)):
            group = self._group(int(name)) if name.isdecimal() else None
            kind = group.text("type") if group else None
            if kind is not None and self._kept(int(name)):
                types[int(name)] = kind
        return Network(
            input=source,
            populations=tuple(populations),
            projections=tuple(self._projections({p.layer for p in populations})),
            start=ext.start,
            readout=ext.readout if self.cut.layers is None else None,
            classes=ext.classes,
            encoder=ext.encoder,
            training=ext.training,
            layer_types=types,
        )
