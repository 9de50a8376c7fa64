"""Networks that are no chain: named sources per projection, in the extension group `graph`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import h5py

from spikewatt.export.netx.chain import Cut
from spikewatt.export.netx.entry import read_input
from spikewatt.export.netx.extension import Extension
from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.marks import is_number
from spikewatt.export.netx.neurons import read_neuron
from spikewatt.export.netx.storage import put, put_optional, put_sizes, put_text
from spikewatt.export.netx.synapses import read_bias
from spikewatt.export.netx.tables import (
    with_step_biases,
    with_step_gain,
    write_step_biases,
    write_step_gain,
)
from spikewatt.network import (
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    Input,
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
        axon = projection.axon_delay
        put_optional(group, "axon_delay", axon if axon is not None and axon.any() else None)
        if projection.part != "real":
            put_text(group, "part", projection.part)
        write_step_gain(group, projection)
        kind = _NAMES[type(projection.synapses)]
        put_text(group, "type", kind)
        _KINDS[kind][1](group, projection.synapses)
    write_step_biases(graph, network)


def _write_dense(group: h5py.Group, dense: Dense) -> None:
    put(group, "weight", dense.weight)
    if dense.macs is not None:
        put(group, "dense_macs", dense.macs)
    _write_delay(group, dense.delay)


def _write_delay(group: h5py.Group, delay: IntArray | None) -> None:
    put_optional(group, "synapse_delay", delay if delay is not None and delay.any() else None)


def _write_sparse(group: h5py.Group, sparse: Sparse) -> None:
    for key in ("weight", "targets", "sources"):
        put(group, key, getattr(sparse, key))
    put_sizes(group, "shape", sparse.shape)
    put(group, "dense_macs", sparse.dense_macs)
    if sparse.repeats != 1:
        put(group, "repeats", sparse.repeats)
    _write_delay(group, sparse.delay)


def _write_attention(group: h5py.Group, attention: Attention) -> None:
    for key in ("weight", "heads", "keys", "values", "blocks"):
        put(group, key, getattr(attention, key))
    put(group, "tokens_first", int(attention.tokens_first))


def _write_kernels(group: h5py.Group, synapses: Conv | ConvTranspose | Pool | Unpool) -> None:
    put(group, "weight", synapses.weight)
    for key in _PAIRS:
        put_sizes(group, key, getattr(synapses, key))
    if isinstance(synapses, Conv | ConvTranspose):
        put(group, "groups", synapses.groups)
    if isinstance(synapses, Pool):
        put_sizes(group, "after", synapses.after)


def _delays(fields: Fields) -> IntArray | None:
    return fields.integers("synapse_delay") if fields.has("synapse_delay") else None


def _read_dense(fields: Fields) -> Dense | None:
    weight = fields.integers("weight")
    macs = fields.integer("dense_macs") if fields.has("dense_macs") else None
    return None if weight is None else Dense(weight, _delays(fields), macs=macs)


def _read_sparse(fields: Fields) -> Sparse | None:
    lists = [fields.listing(key) for key in ("targets", "sources", "weight")]
    shape, macs = fields.integers("shape"), fields.integer("dense_macs")
    if shape is None or macs is None:
        return None
    if shape.shape != (2,) or shape.min() < 1:
        fields.reject("shape", str(shape.reshape(-1)[:4]), "(targets, sources)", AGAIN)
        return None
    targets, sources, weight = lists
    if targets is None or sources is None or weight is None:
        return None
    delay = fields.listing("synapse_delay") if fields.has("synapse_delay") else None
    repeats = fields.integer("repeats", default=1)
    if repeats is None:
        return None
    ends = int(shape[0]), int(shape[1])
    return Sparse(targets, sources, weight, ends, macs, delay, repeats=repeats)


def _read_attention(fields: Fields) -> Attention | None:
    weight, heads, blocks = (
        fields.listing("weight"),
        fields.integer("heads"),
        fields.integer("blocks"),
    )
    keys, values, order = (fields.integer(k) for k in ("keys", "values", "tokens_first"))
    if weight is None or heads is None or blocks is None:
        return None
    if keys is None or values is None or order is None:
        return None
    if order not in (0, 1):
        fields.reject("tokens_first", str(order), "0 or 1", AGAIN)
    return Attention(weight, heads, keys, values, blocks, bool(order))


def _pairs(fields: Fields) -> list[tuple[int, int]] | None:
    """Stride, padding, dilation, stored as (x, y)."""
    found = [fields.pair(key) for key in _PAIRS]
    return None if None in found else [p[::-1] for p in found if p is not None]


def _read_shared(build: type[Conv] | type[ConvTranspose]) -> Callable[[Fields], Synapses | None]:
    def read(fields: Fields) -> Synapses | None:
        weight, groups, pairs = fields.integers("weight"), fields.integer("groups"), _pairs(fields)
        if weight is None or groups is None or pairs is None:
            return None
        return build(weight, pairs[0], pairs[1], pairs[2], groups)

    return read


def _read_pool(fields: Fields) -> Pool | None:
    weight, after, pairs = fields.integers("weight"), fields.pair("after"), _pairs(fields)
    if weight is None or after is None or pairs is None:
        return None
    return Pool(weight, pairs[0], pairs[1], pairs[2], after[::-1])


def _read_unpool(fields: Fields) -> Unpool | None:
    weight, pairs = fields.integers("weight"), _pairs(fields)
    return None if weight is None or pairs is None else Unpool(weight, *pairs)


_KINDS: dict[str, tuple[Callable[[Fields], Synapses | None], Callable[[h5py.Group, Any], None]]] = {
    "dense": (_read_dense, _write_dense),
    "sparse": (_read_sparse, _write_sparse),
    "conv": (_read_shared(Conv), _write_kernels),
    "convT": (_read_shared(ConvTranspose), _write_kernels),
    "pool": (_read_pool, _write_kernels),
    "unpool": (_read_unpool, _write_kernels),
    "attention": (_read_attention, _write_attention),
}
_NAMES: dict[type, str] = {
    Dense: "dense",
    Sparse: "sparse",
    Conv: "conv",
    ConvTranspose: "convT",
    Pool: "pool",
    Unpool: "unpool",
    Attention: "attention",
}


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
        numbers = [n for n in order.reshape(-1).tolist() if self._kept(n)]
        if len(numbers) > len(self.layers.names()):
            limit = "as many as layers"
            self.graph.reject("order", f"{len(numbers)} layers", limit, AGAIN)
            return None
        source, driven = self._input(entry)
        if source is None:
            return None
        found = [self._population(n, source, driven) for n in numbers]
        sound = [p for p in found if p is not None]
        cut = self.cut.layers is not None or len(sound) < len(found)
        return self._network(source, with_step_biases(self.graph, sound, cut))

    def _kept(self, layer: int) -> bool:
        return self.cut.layers is None or layer < self.cut.layers

    def _group(self, layer: int) -> Fields | None:
        group = self.layers.inside(str(layer))
        if group is None:
            self.notes.reject(layer, "group", "missing", "one for each layer", AGAIN)
            return None
        return group.of_layer(layer)

    def _input(self, layer: int) -> tuple[Input | None, Population | None]:
        fields, mark = self._group(layer), self.extension.mark(layer)
        if fields is None:
            return None, None
        entry, driven = read_input(fields, mark, self.cut.setting(mark, is_input=True))
        bits = self.cut.message_bits
        if bits is None:
            bits = self.extension.input_message_bits
        return None if entry is None else replace(entry, message_bits=bits), driven

    def _population(
        self, layer: int, source: Input, driven: Population | None
    ) -> Population | None:
        if driven is not None and layer == source.layer:
            return driven
        fields, mark = self._group(layer), self.extension.mark(layer)
        if fields is None:
            return None
        neuron, sizes = fields.inside("neuron"), fields.shape()
        if neuron is None:
            fields.reject("neuron", "missing", "a neuron", AGAIN)
            return None
        kind, bits = read_neuron(neuron, self.cut.setting(mark, is_input=False))
        if kind is None or sizes is None or not self._afford(fields, sizes):
            return None
        bias = read_bias(fields, sizes[::-1], by_channel=False)
        bits = bits if mark.message_bits is None else mark.message_bits
        return Population(layer, sizes[::-1], kind, bias, bits)

    def _afford(self, fields: Fields, sizes: Shape) -> bool:
        if self.notes.afford(prod(sizes)):
            return True
        fields.reject("shape", str(sizes), f"{self.notes.budget} neurons more", AGAIN)
        return False

    def _projections(self, known: set[int]) -> list[Projection]:
        listing = self.graph.inside("projection")
        if listing is None:
            return []
        found = [self._projection(listing, k) for k in range(len(listing.names()))]
        return [p for p in found if p and (self.cut.layers is None or p.target in known)]

    def _projection(self, listing: Fields, k: int) -> Projection | None:
        fields = listing.inside(str(k))
        if fields is None:
            listing.reject(str(k), "missing", "numbers from 0 without gaps", AGAIN)
            return None
        kind, delay = fields.text("type"), fields.integer("delay")
        source, target = fields.integer("source"), fields.integer("target")
        part = fields.text("part") if fields.has("part") else "real"
        axon = fields.listing("axon_delay") if fields.has("axon_delay") else None
        if kind is not None and kind not in _KINDS:
            fields.reject("type", kind, ", ".join(_KINDS), "read it with a newer spikewatt")
            return None
        if kind is None or delay is None or source is None or target is None or part is None:
            return None
        own = replace(fields, layer=target)
        synapses = _KINDS[kind][0](own)
        if synapses is None:
            return None
        found = Projection(source, target, synapses, delay, axon, part)
        return with_step_gain(own, found)

    def _network(self, source: Input, populations: list[Population]) -> Network:
        ext = self.extension
        types = {}
        for name in sorted(filter(is_number, self.layers.names()), key=int):
            group = self._group(int(name)) if self._kept(int(name)) else None
            kind = group.text("type") if group else None
            if kind is not None:
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
            names=ext.names_of(populations),
            host=ext.host if self.cut.layers is None else None,
        )
