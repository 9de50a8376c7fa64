"""The layers of a file: `layer/<i>` with the keys that slayer writes and lava-dl reads."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from spikewatt.export.netx.emit_synapses import write_kernels, write_matrices
from spikewatt.export.netx.entry import default_drive
from spikewatt.export.netx.marks import Mark, write_mark
from spikewatt.export.netx.neurons import (
    DECAY_BITS,
    SDNN_NAMES,
    SPIKE_EXP,
    STATE_EXP,
    default_bits,
    default_sdnn,
    write_neuron,
)
from spikewatt.export.netx.plan import Layer, is_driven, is_tensor
from spikewatt.export.netx.storage import put, put_optional, put_sizes, put_text
from spikewatt.network import (
    IntArray,
    Network,
    Population,
    Shape,
)


def write_chain_layers(
    layers: h5py.Group, extension: h5py.Group, network: Network, chain: list[Layer]
) -> None:
    """Every layer of a chain, those without neurons too."""
    if network.input.layer >= 0:
        _input(layers, extension, network)
    for one in chain:
        _fill(layers, network, one)
        _layer(layers, extension, network, one)
    readout, last = network.readout, network.output
    if readout is not None and readout.layer is not None:
        for i in range(last.layer + 1, readout.layer):
            _flatten(layers, i, last.shape)
        group = layers.create_group(str(readout.layer))
        put_text(group, "type", "average")
        put_sizes(group, "shape", (readout.groups, 1, 1))
    for name, group in layers.items():
        _own_name(extension, network, int(name), group["type"][()].decode())


def _own_name(extension: h5py.Group, network: Network, layer: int, written: str) -> None:
    """The network's own name of a layer, where the file needs another."""
    own = network.layer_types.get(layer, written)
    if own != written:
        write_mark(extension, layer, Mark(type=own))


def write_graph_layers(layers: h5py.Group, extension: h5py.Group, network: Network) -> None:
    """Neurons and bias of every population; `type` is the network's name for the layer."""
    _input(layers, extension, network)
    for population in network.populations:
        if population.layer == network.input.layer:
            continue
        group = layers.create_group(str(population.layer))
        put_text(group, "type", network.layer_types.get(population.layer, "dense"))
        put_sizes(group, "shape", population.shape[::-1])
        put_optional(group, "bias", population.bias)
        write_neuron(group, population.neuron)
        write_mark(extension, population.layer, _neuron_mark(population, is_input=False))
    for layer, kind in network.layer_types.items():
        if str(layer) not in layers:
            put_text(layers.create_group(str(layer)), "type", kind)


def _neuron_mark(population: Population, is_input: bool) -> Mark:
    """What a neuron group cannot say."""
    neuron, bits = population.neuron, population.message_bits
    kind = SDNN_NAMES.get(type(neuron))
    return Mark(
        message_bits=None if bits == default_bits(neuron) else bits,
        spike_exp=_unusual(neuron, "spike_exp", SPIKE_EXP),
        state_exp=_unusual(neuron, "state_exp", STATE_EXP),
        decay_bits=_unusual(neuron, "decay_bits", DECAY_BITS),
        sdnn=None if kind == default_sdnn(neuron, is_input) else kind,
    )


def _unusual(neuron: Any, name: str, usual: int) -> int | None:
    value = getattr(neuron, name, usual)
    return None if value == usual else int(value)


def _input(layers: h5py.Group, extension: h5py.Group, network: Network) -> None:
    entry = network.input
    group = layers.create_group(str(entry.layer))
    put_text(group, "type", "input")
    put_sizes(group, "shape", entry.shape[::-1])
    if is_driven(network) or (entry.scale, entry.offset) != (1, 0):
        put(group, "weight", entry.scale)
        put(group, "bias", entry.offset)
    if is_driven(network):
        population = network.by_layer[entry.layer]
        write_neuron(group, population.neuron)
        write_mark(extension, entry.layer, _neuron_mark(population, is_input=True))
        drives = "bias" if entry.drives_bias else "dendrite"
        if drives != default_drive(population.neuron):
            write_mark(extension, entry.layer, Mark(drives=drives))


def _fill(layers: h5py.Group, network: Network, one: Layer) -> None:
    """Flatten and concat layers before a layer."""
    sources = [p.source for p in one.inputs]
    shape = _joined_shape(network, sources)
    for i, kind in one.fill.items():
        if kind == "flatten":
            _flatten(layers, i, shape)
            continue
        group = layers.create_group(str(i))
        put_text(group, "type", kind)
        put_sizes(group, "shape", shape[::-1])
        put_sizes(group, "layers", tuple(sources))


def _flatten(layers: h5py.Group, i: int, shape: Shape) -> None:
    group = layers.create_group(str(i))
    put_text(group, "type", "flatten")
    put_sizes(group, "shape", (int(np.prod(shape)), 1, 1))


def _joined_shape(network: Network, sources: list[int]) -> Shape:
    """Shape of the sources' outputs together: images by channel, others flat."""
    shapes = [network.shape_of(s) for s in sources]
    if len(set(sources)) == 1 and len(shapes) != 1:
        shapes = shapes[:1]  # real and imaginary synapses
    if len(shapes) == 1:
        return shapes[0]
    images = all(is_tensor(network, s) and len(network.shape_of(s)) == 3 for s in sources)
    if images and len({s[:2] for s in shapes}) == 1:
        return (*shapes[0][:2], sum(s[2] for s in shapes))
    return (sum(int(np.prod(s)) for s in shapes),)


def _layer(layers: h5py.Group, extension: h5py.Group, network: Network, one: Layer) -> None:
    population = one.population
    group = layers.create_group(str(population.layer))
    put_text(group, "type", one.kind)
    if one.kind in ("dense", "dense_rec"):
        write_matrices(group, extension, network, one)
        if population.bias is not None:
            put(group, "bias", population.bias.reshape(-1))
    else:
        write_kernels(group, extension, network, one)
        put_optional(group, "bias", _conv_bias(population.bias))
    write_neuron(group, population.neuron)
    write_mark(extension, population.layer, _neuron_mark(population, is_input=False))


def _conv_bias(bias: IntArray | None) -> IntArray | None:
    """One value a channel, as slayer writes it, where a channel's neurons share it."""
    if bias is None:
        return None
    shared = bias.reshape(-1, bias.shape[-1])[0]
    return shared if np.all(bias == shared) else bias
