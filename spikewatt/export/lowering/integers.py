"""The integer network of a traced one, with branches of different depth brought into step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from spikewatt.export.lowering.graph import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.maps import AttentionMap
from spikewatt.export.lowering.partial_sums import bias_in_parts, in_parts, parts_of
from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    THRESHOLD_MAX,
    Attention,
    CubaLif,
    Dense,
    HostStage,
    Input,
    IntArray,
    Network,
    NetworkError,
    Population,
    Projection,
    Readout,
    Sparse,
    StartRule,
    Synapses,
    Violation,
)
from spikewatt.validation.tables import extremes


def depths(graph: FloatGraph, readout: FloatPopulation) -> list[int]:
    """Steps from the input to each population, the input's 0 first, the read-out's last."""
    found = [0]
    for p in (*graph.populations, readout):
        found.append(1 + max(found[s] for e in p.edges for s in e.sources))
    return found


@dataclass(frozen=True, eq=False)
class Integers:
    """What quantising decided for a population: weights of each edge, bias (x, y, channel).

    weights: taken once, so that large ones need not be there all at a time. threshold: None for
    the read-out, which never fires. gains: of each edge, (steps, channels) and the bias that they
    multiply, (x, y, channel), None where there is none. step_bias: (steps, channels), or None.
    """

    weights: Iterable[IntArray]
    bias: IntArray
    threshold: int | None
    gains: Sequence[tuple[IntArray | None, IntArray | None]]
    step_bias: IntArray | None = None


def lowered(
    graph: FloatGraph,
    integers: Sequence[Integers],
    facts: Mapping[str, Any],
    host: HostStage | None = None,
) -> Network:
    """Populations and projections with these integers, in the order of the graph's populations.

    A projection that skips layers is delayed, so that its spikes meet those of the longer way.
    facts: `message_bits`, what `Network` knows of its training, and `readout_sources`: a read-out
    neuron with more sources becomes several, whose sums the read-out's groups add. host: reads
    populations by their numbers in the graph.
    """
    assert graph.readout is not None
    everyone = [*graph.populations, graph.readout]
    depth = depths(graph, graph.readout)
    synapses = [
        [_synapses(graph, p, e, w) for e, w in zip(p.edges, i.weights, strict=True)]
        for p, i in zip(everyone, integers, strict=True)
    ]
    if (at_most := facts.get("readout_sources")) is not None:
        parts = parts_of(synapses[-1], at_most)
        bias = bias_in_parts(integers[-1].bias, parts)
        integers = [*integers[:-1], replace(integers[-1], bias=bias)]
        everyone[-1] = replace(graph.readout, channels=graph.readout.channels * parts)
        synapses[-1] = in_parts(synapses[-1], parts) if parts > 1 else synapses[-1]
    flat = _flat(everyone, synapses)
    layers, layer_types = _numbered(everyone, synapses, flat)
    populations, projections = [], []
    for p, own, kinds in zip(everyone, integers, synapses, strict=True):
        populations.append(_population(p, own, layers[p.number], p.number in flat))
        for edge, kind, tables in zip(p.edges, kinds, own.gains, strict=True):
            source = edge.sources[0]
            delay = depth[p.number] - depth[source] - 1 + edge.delay
            ends = layers[source], layers[p.number]
            made = Projection(*ends, _named(kind, layers), delay)
            projections.append(replace(made, step_gain=tables[0], gained_bias=tables[1]))
    network = Network(
        input=Input(0, graph.input_shape, message_bits=facts["message_bits"]),
        populations=tuple(populations),
        projections=tuple(projections),
        start=StartRule.BY_DEPTH,
        readout=Readout("membrane", graph.readout.channels, persons=graph.persons),
        classes=tuple(facts.get("classes", ())),
        encoder=facts.get("encoder"),
        training=facts.get("training", {}),
        layer_types=layer_types,
        names={layers[p.number]: p.name for p in everyone if p.name},
        host=host and replace(host, inputs=tuple(layers[n] for n in host.inputs)),
    )
    _check_biases(network)
    return network


def _synapses(graph: FloatGraph, p: FloatPopulation, edge: Edge, weight: IntArray) -> Synapses:
    if isinstance(edge.map, AttentionMap):
        return edge.map.lower(weight, edge.sources, p.shape)
    return edge.map.lower(weight, graph.shape_of(edge.sources[0]), p.shape)


def _named(synapses: Synapses, layers: Mapping[int, int]) -> Synapses:
    """Attention names its keys and values by their layers in the file."""
    if not isinstance(synapses, Attention):
        return synapses
    return replace(synapses, keys=layers[synapses.keys], values=layers[synapses.values])


def _is_flat(synapses: Synapses) -> bool:
    return isinstance(synapses, Dense | Sparse)


def _flat(everyone: Sequence[FloatPopulation], synapses: Sequence[list[Synapses]]) -> set[int]:
    """Populations that no kernel reads or writes: their neurons are a plain list, as in a file's
    dense layers. Tables of gains and biases need the channels."""
    shaped = set()
    for p, kinds in zip(everyone, synapses, strict=True):
        for edge, kind in zip(p.edges, kinds, strict=True):
            if not _is_flat(kind):
                shaped |= {p.number, *edge.sources}
            if edge.gain is not None or p.step_bias is not None:
                shaped.add(p.number)
    return {p.number for p in everyone} - shaped


def _numbered(
    everyone: Sequence[FloatPopulation], synapses: Sequence[list[Synapses]], flat: set[int]
) -> tuple[dict[int, int], dict[int, str]]:
    """The file's layer of each population, and the layers' types: flatten layers take numbers."""
    layers, types = {0: 0}, {0: "input"}
    for p, kinds in zip(everyone, synapses, strict=True):
        source = p.edges[0].sources[0]
        if p.number in flat and source not in flat:
            types[len(types)] = "flatten"
        layers[p.number] = len(types)
        types[len(types)] = "dense" if _is_flat(kinds[0]) else "conv"
    return layers, types


def _population(p: FloatPopulation, own: Integers, layer: int, flat: bool) -> Population:
    never = THRESHOLD_MAX  # v cannot pass it
    neuron = CubaLif(p.i_decay, p.v_decay, never if own.threshold is None else own.threshold)
    shape = (prod(p.shape),) if flat else p.shape
    bias = own.bias.reshape(shape) if own.bias.any() else None
    return Population(layer, shape, neuron, bias, step_bias=own.step_bias)


def _check_biases(network: Network) -> None:
    broken = [
        Violation(
            p.layer,
            "bias",
            str(int(abs(found).max())),
            f"{BIAS_MIN} to {BIAS_MAX}",
            "fine-tune with a smaller learning rate",
        )
        for p in network.populations
        if (found := extremes(p, network.incoming(p.layer))) is not None
        and not BIAS_MIN <= found.min() <= found.max() <= BIAS_MAX
    ]
    if broken:
        raise NetworkError("The quantised network", broken)
