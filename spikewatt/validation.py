"""Every rule an integer network has to keep, checked together.

`violations` lists all that is wrong; nothing stops at the first. What runs here can run on the
engines, and what is in range here is in range on the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    DECAY_MAX,
    DELAY_MAX,
    MESSAGE_BITS_MAX,
    THRESHOLD_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    Conv,
    CubaLif,
    Dense,
    Network,
    NetworkError,
    Population,
    Projection,
    Readout,
    Shape,
    Sparse,
    StartRule,
    Violation,
)

NEVER_FIRES = THRESHOLD_MAX + 1  # v clips below 2**17 << 6; the threshold of a pure integrator
BINARY_NEURONS = (CubaLif,)  # models that send 0 or 1
READOUTS = ("membrane", "rate")


def violations(network: Network) -> list[Violation]:
    """Everything that keeps a network from running, in the order of its parts; empty if sound."""
    found = list(_graph(network))
    found += parts_violations(network)
    if not found:  # depths and read-out mean something only in a sound graph
        found += [*_start(network), *_readout(network, network.readout)]
    return found


def validate(network: Network, subject: str) -> None:
    """Raise NetworkError with all violations, if there are any; subject names the network."""
    if found := violations(network):
        raise NetworkError(subject, found)


def parts_violations(network: Network) -> list[Violation]:
    """What is wrong with single populations and with projections whose two ends exist."""
    found = list(_input(network))
    for population in network.populations:
        found += _population(network, population)
    known = {network.input.layer, *network.by_layer}
    for projection in network.projections:
        if projection.source in known and projection.target in network.by_layer:
            found += _projection(network, projection)
    return found


def out_of_range(
    layer: int | None, what: str, values: Any, limits: tuple[int, int], hint: str
) -> Iterator[Violation]:
    """One violation for all values outside the limits, naming the worst and how many there are."""
    array = np.asarray(values)
    bad = array[(array < limits[0]) | (array > limits[1])]
    if bad.size:
        worst = bad.reshape(-1)[np.argmax(np.abs(bad.astype(np.int64)))]
        count = f" ({bad.size} of {array.size} values)" if array.size > 1 else ""
        yield Violation(layer, what, f"{worst}{count}", f"{limits[0]}..{limits[1]}", hint)


def _not_integers(layer: int, what: str, array: npt.NDArray[Any]) -> Iterator[Violation]:
    if not np.issubdtype(array.dtype, np.integer):
        yield Violation(layer, f"{what} type", str(array.dtype), "whole numbers", "quantise it")


def _shape(layer: int, what: str, shape: Shape) -> Iterator[Violation]:
    if not 1 <= len(shape) <= 3 or min(shape) < 1:
        hint = "give (n,) or (x, y, channel)"
        yield Violation(layer, what, str(shape), "1 to 3 axes of at least 1", hint)


def _input(network: Network) -> Iterator[Violation]:
    source = network.input
    yield from _shape(source.layer, "input shape", source.shape)
    bits = (0, MESSAGE_BITS_MAX)
    yield from out_of_range(
        source.layer, "input message bits", source.message_bits, bits, "send smaller messages"
    )
    driven = network.by_layer.get(source.layer) if source.drives_bias else None
    if driven is None:
        return
    if driven.shape != source.shape:
        hint = "give the input its population's shape"
        found, limit = str(source.shape), str(driven.shape)
        yield Violation(source.layer, "input shape", found, limit, hint)
    elif driven.bias is not None:
        hint = "the stimulus takes its place; leave it out"
        yield Violation(source.layer, "bias of the input population", "set", "none", hint)


def _population(network: Network, population: Population) -> Iterator[Violation]:
    layer, neuron, bias = population.layer, population.neuron, population.bias
    yield from _shape(layer, "shape", population.shape)
    for name, value in (("current decay", neuron.i_decay), ("voltage decay", neuron.v_decay)):
        hint = "decays are shares of 4096"
        yield from out_of_range(layer, name, value, (0, DECAY_MAX), hint)
    hint = f"scale weights and threshold down ({NEVER_FIRES} stands for a neuron that never fires)"
    yield from out_of_range(layer, "threshold", neuron.v_threshold, (0, NEVER_FIRES), hint)
    hint = "message bits count the magnitude's bits"
    bits = (0, MESSAGE_BITS_MAX)
    yield from out_of_range(layer, "message bits", population.message_bits, bits, hint)
    if type(neuron) not in BINARY_NEURONS and population.message_bits < 1:
        hint = (
            "with 0 bits spikes of -1 count as +1 and sums as 1; give the population message bits"
        )
        yield Violation(layer, "message bits of graded or signed spikes", "0", "at least 1", hint)
    if bias is None:
        return
    yield from _not_integers(layer, "bias", bias)
    if bias.shape != population.shape:
        hint = "one mantissa for each neuron"
        yield Violation(layer, "bias shape", str(bias.shape), str(population.shape), hint)
    hint = "the mantissa has 13 bits; scale weights, bias and threshold down"
    yield from out_of_range(layer, "bias", bias, (BIAS_MIN, BIAS_MAX), hint)


def _projection(network: Network, projection: Projection) -> Iterator[Violation]:
    layer, synapses = projection.target, projection.synapses
    yield from _not_integers(layer, "weight", synapses.weight)
    hint = "quantise to 8 bits in steps of 2"
    yield from out_of_range(layer, "weight", synapses.weight, (WEIGHT_MIN, WEIGHT_MAX), hint)
    yield from _delays(projection)
    shapes = network.shape_of(projection.source), network.shape_of(projection.target)
    yield from _SHAPES[type(synapses)](layer, synapses, *shapes)


def _delays(projection: Projection) -> Iterator[Violation]:
    layer, synapses = projection.target, projection.synapses
    hint = f"projection and synapse together delay 0 to {DELAY_MAX} steps"
    yield from out_of_range(layer, "projection delay", projection.delay, (0, DELAY_MAX), hint)
    delay = None if isinstance(synapses, Conv) else synapses.delay
    if delay is None:
        return
    yield from _not_integers(layer, "delay", delay)
    if delay.shape != synapses.weight.shape:
        found, limit = str(delay.shape), str(synapses.weight.shape)
        yield Violation(layer, "delay shape", found, limit, "one delay for each synapse")
    left = DELAY_MAX - max(projection.delay, 0)
    yield from out_of_range(layer, "delay", delay, (0, left), hint)


def _dense(layer: int, dense: Dense, source: Shape, target: Shape) -> Iterator[Violation]:
    expected = (prod(target), prod(source))
    if dense.weight.shape != expected:
        hint = f"rows are the {expected[0]} targets, columns the {expected[1]} sources"
        yield Violation(layer, "weight shape", str(dense.weight.shape), str(expected), hint)


def _sparse(layer: int, sparse: Sparse, source: Shape, target: Shape) -> Iterator[Violation]:
    expected = (prod(target), prod(source))
    if sparse.shape != expected:
        hint = "the shape is (targets, sources)"
        yield Violation(layer, "synapse shape", str(sparse.shape), str(expected), hint)
    lengths = {len(sparse.targets), len(sparse.sources), len(sparse.weight)}
    if len(lengths) > 1:
        hint = "targets, sources and weights list the same synapses"
        yield Violation(layer, "numbers of listed synapses", str(sorted(lengths)), "equal", hint)
    for name, index, size in (
        ("target", sparse.targets, sparse.shape[0]),
        ("source", sparse.sources, sparse.shape[1]),
    ):
        hint = "indices are flat, in the population's own order"
        yield from out_of_range(layer, f"synapse {name}", index, (0, size - 1), hint)
    if zeros := int(np.count_nonzero(sparse.weight == 0)):
        hint = "leave synapses of weight 0 out of the list"
        yield Violation(layer, "synapses of weight 0", str(zeros), "0", hint)


def _conv(layer: int, conv: Conv, source: Shape, target: Shape) -> Iterator[Violation]:
    for name, pair, low in (
        ("stride", conv.stride, 1),
        ("padding", conv.padding, 0),
        ("dilation", conv.dilation, 1),
    ):
        if len(pair) != 2 or min(pair) < low:
            yield Violation(layer, name, str(pair), f"two of at least {low}", "give (x, y)")
            return
    if not len(source) == len(target) == 3 or conv.weight.ndim != 4 or 0 in conv.weight.shape:
        found = f"{source} -> {target}, weight {conv.weight.shape}"
        hint = "shapes are (x, y, channel), weights (channels out, kernel x, kernel y, channels in)"
        yield Violation(layer, "convolution's shapes", found, "3 axes, weight 4", hint)
        return
    yield from _groups(layer, conv, source[2])
    out = tuple(
        (source[i] + 2 * conv.padding[i] - conv.dilation[i] * (conv.weight.shape[1 + i] - 1) - 1)
        // conv.stride[i]
        + 1
        for i in (0, 1)
    )
    expected = (*out, conv.weight.shape[0])
    if target != expected or min(out) < 1:
        hint = "kernel, stride, padding and dilation give the output's size"
        yield Violation(layer, "shape", str(target), f"{expected}, at least 1", hint)


def _groups(layer: int, conv: Conv, channels_in: int) -> Iterator[Violation]:
    channels_out, per_group = conv.weight.shape[0], conv.weight.shape[3]
    if conv.groups < 1 or channels_out % conv.groups or channels_in % conv.groups:
        limit = f"a divisor of {channels_in} and {channels_out}"
        yield Violation(layer, "groups", str(conv.groups), limit, "groups split the channels")
    elif per_group * conv.groups != channels_in:
        hint = "the weight's last axis is the input's channels in one group"
        limit = str(channels_in // conv.groups)
        yield Violation(layer, "channels in of the weight", str(per_group), limit, hint)


_SHAPES: dict[type, Callable[[int, Any, Shape, Shape], Iterator[Violation]]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
}


def _graph(network: Network) -> Iterator[Violation]:
    """Populations that exist once, projections between them, everything reachable."""
    layers = [p.layer for p in network.populations]
    source = network.input
    if not layers:
        yield Violation(None, "number of populations", "0", "at least 1", "add a layer of neurons")
    for layer in sorted({n for n in layers if layers.count(n) > 1}):
        yield Violation(
            layer, "populations of this number", str(layers.count(layer)), "1", "renumber"
        )
    if source.layer in layers and not source.drives_bias:
        hint = "number the input apart, or let the stimulus drive the population's bias"
        yield Violation(source.layer, "number", "that of the input too", "one use", hint)
    if source.layer not in layers and source.drives_bias:
        hint = "add the population, or let the stimulus enter as spikes"
        yield Violation(source.layer, "population that the stimulus drives", "missing", "1", hint)
    order = {source.layer: -1} | {n: i for i, n in enumerate(layers)}
    for p in network.projections:
        yield from _ends(p, order, source.layer)
    yield from _unreachable(network)


def _ends(p: Projection, order: dict[int, int], entry: int) -> Iterator[Violation]:
    known = ", ".join(map(str, sorted(order)))
    for end, layer in (("source", p.source), ("target", p.target)):
        if layer not in order:
            hint = "projections join populations of the network"
            yield Violation(p.target, f"{end} of a projection", f"layer {layer}", known, hint)
    if p.target == entry and order[entry] == -1:
        hint = "only populations receive spikes"
        yield Violation(p.target, "target of a projection", "the input", "a population", hint)
    elif p.source in order and p.target in order and order[p.source] >= order[p.target]:
        hint = "recurrence is not executed yet; list sources before their targets"
        found = f"layer {p.source}, itself or later"
        yield Violation(p.target, "source of a projection", found, "earlier layers", hint)


def _unreachable(network: Network) -> Iterator[Violation]:
    reached, size = {network.input.layer}, 0
    while len(reached) > size:
        size = len(reached)
        reached |= {p.target for p in network.projections if p.source in reached}
    for population in network.populations:
        if population.layer not in reached:
            hint = "project to it from the input or a population behind it, or leave it out"
            yield Violation(population.layer, "paths from the input", "0", "at least 1", hint)


def _start(network: Network) -> Iterator[Violation]:
    """Samples that start by depth need branches of equal length."""
    if network.start is StartRule.TOGETHER:
        return
    depths = network.depths
    for p in network.projections:
        early = depths[p.target] - depths[p.source] - 1 - p.delay
        if early > 0:
            found = f"{early} steps before the layer starts, from layer {p.source}"
            hint = f"set this projection's delay to {p.delay + early}, or the start rule `together`"
            yield Violation(p.target, "first arrival", found, "none before", hint)


def _readout(network: Network, readout: Readout | None) -> Iterator[Violation]:
    if readout is None:
        return
    layer, size = network.output.layer, network.output.size
    if readout.kind not in READOUTS:
        yield Violation(layer, "read-out", readout.kind, " or ".join(READOUTS), "name one of these")
    if readout.groups < 1 or size % readout.groups:
        hint = "neurons are summed in equal groups"
        yield Violation(layer, "read-out groups", str(readout.groups), f"a divisor of {size}", hint)
    if readout.divisor < 1:
        hint = "sums are divided by it"
        yield Violation(layer, "read-out divisor", str(readout.divisor), "at least 1", hint)
    if network.classes and len(network.classes) != readout.groups:
        hint = "one class name for each group of the read-out"
        yield Violation(layer, "class names", str(len(network.classes)), str(readout.groups), hint)
