"""The layers of a file: `layer/<i>` with the keys that slayer writes and lava-dl reads."""

from __future__ import annotations

from math import prod

import h5py
import numpy as np

from spikewatt.export.netx.extension import Mark, write_mark
from spikewatt.export.netx.order import matrix, spread, to_flattened
from spikewatt.export.netx.plan import is_tensor, stored_matrix
from spikewatt.export.netx.storage import put, put_optional, put_sizes, put_text
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    IntArray,
    Network,
    Population,
    Shape,
    Sparse,
)


def write_chain_layers(layers: h5py.Group, extension: h5py.Group, network: Network) -> None:
    """Every layer of a chain; a number left out becomes a flatten layer."""
    if network.input.layer >= 0:
        _input(layers, extension, network)
    before = network.input.layer
    for population in network.populations:
        _flattens(layers, before, population.layer, network.shape_of(before))
        if population.layer != network.input.layer:
            _layer(layers, extension, network, population)
        before = population.layer
    readout = network.readout
    if readout is not None and readout.layer is not None:
        _flattens(layers, before, readout.layer, network.output.shape)
        _average(layers, readout.layer, readout.groups)


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
        _neuron(group, population.neuron)
        write_mark(extension, population.layer, Mark(message_bits=population.message_bits))
    for layer, kind in network.layer_types.items():
        if str(layer) not in layers:
            put_text(layers.create_group(str(layer)), "type", kind)


def _neuron(group: h5py.Group, neuron: CubaLif) -> None:
    put_text(group, "neuron/type", "CUBA")
    put(group, "neuron/iDecay", neuron.i_decay)
    put(group, "neuron/vDecay", neuron.v_decay)
    put(group, "neuron/vThMant", neuron.v_threshold)
    put(group, "neuron/refDelay", 1)
    group.create_dataset("neuron/gradedSpike", data=False)


def _input(layers: h5py.Group, extension: h5py.Group, network: Network) -> None:
    entry = network.input
    group = layers.create_group(str(entry.layer))
    put_text(group, "type", "input")
    put_sizes(group, "shape", entry.shape[::-1])
    if entry.drives_bias or (entry.scale, entry.offset) != (1, 0):
        put(group, "weight", entry.scale)
        put(group, "bias", entry.offset)
    if entry.drives_bias:
        population = network.by_layer[entry.layer]
        _neuron(group, population.neuron)
        write_mark(extension, entry.layer, Mark(message_bits=population.message_bits))


def _flattens(layers: h5py.Group, before: int, layer: int, shape: Shape) -> None:
    for i in range(before + 1, layer):
        group = layers.create_group(str(i))
        put_text(group, "type", "flatten")
        put_sizes(group, "shape", (prod(shape), 1, 1))


def _average(layers: h5py.Group, layer: int, groups: int) -> None:
    group = layers.create_group(str(layer))
    put_text(group, "type", "average")
    put_sizes(group, "shape", (groups, 1, 1))


def _layer(
    layers: h5py.Group, extension: h5py.Group, network: Network, population: Population
) -> None:
    group = layers.create_group(str(population.layer))
    synapses = network.incoming(population.layer)[0].synapses
    if isinstance(synapses, Conv):
        mark = Mark(message_bits=population.message_bits)
        _conv(group, synapses, population)
    else:
        source = network.incoming(population.layer)[0].source
        _dense(group, network, source, population, synapses)
        mark = Mark(
            dense_macs=synapses.dense_macs if isinstance(synapses, Sparse) else None,
            message_bits=population.message_bits,
            shape=population.shape if len(population.shape) > 1 else None,
        )
    _neuron(group, population.neuron)
    write_mark(extension, population.layer, mark)


def _dense(
    group: h5py.Group,
    network: Network,
    source: int,
    population: Population,
    synapses: Dense | Sparse,
) -> None:
    weight, delay = stored_matrix(synapses), synapses.delay
    if isinstance(synapses, Sparse) and delay is not None:
        delay = matrix(synapses, delay)
    shape = network.shape_of(source)
    if population.layer > source + 1 and is_tensor(network, source) and spread(shape):
        weight = to_flattened(weight, shape)
        delay = None if delay is None else to_flattened(delay, shape)
    put_text(group, "type", "dense")
    put_sizes(group, "shape", (population.size,))
    put(group, "inFeatures", weight.shape[1])
    put(group, "outFeatures", weight.shape[0])
    put(group, "weight", weight)
    put_optional(group, "delay", delay)
    put_optional(group, "bias", None if population.bias is None else population.bias.reshape(-1))


def _conv(group: h5py.Group, conv: Conv, population: Population) -> None:
    put_text(group, "type", "conv")
    put_sizes(group, "shape", population.shape[::-1])
    put(group, "inChannels", conv.weight.shape[3] * conv.groups)
    put(group, "outChannels", conv.weight.shape[0])
    put_sizes(group, "kernelSize", (conv.weight.shape[2], conv.weight.shape[1]))
    for key in ("stride", "padding", "dilation"):
        put_sizes(group, key, getattr(conv, key)[::-1])
    put(group, "groups", conv.groups)
    put(group, "weight", conv.weight.transpose(0, 3, 2, 1))
    put_optional(group, "bias", _conv_bias(population.bias))


def _conv_bias(bias: IntArray | None) -> IntArray | None:
    """One value a channel, as slayer writes it, where a channel's neurons share it."""
    if bias is None:
        return None
    shared = bias.reshape(-1, bias.shape[-1])[0]
    return shared if np.all(bias == shared) else bias
