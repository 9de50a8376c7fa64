"""Rules for attention: three sources and a target of one shape and step, binary spikes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from spikewatt.network import (
    Attention,
    Input,
    Network,
    Population,
    Projection,
    Shape,
    Violation,
)
from spikewatt.validation.ranges import other_shape

ROLES = ("queries", "keys", "values")


def attention(network: Network, projection: Projection, s: Attention) -> Iterator[Violation]:
    """Rules for one attention projection whose ends exist."""
    layer, shape = projection.target, network.shape_of(projection.target)
    yield from other_shape(layer, "weight shape", np.shape(s.weight), (1,), "it is one number")
    if np.shape(s.weight) == (1,) and not np.any(s.weight):
        hint = "leave the projection out, or scale the weight up"
        yield Violation(layer, "weight of attention", "0", "not 0", hint)
    for role, source in zip(ROLES, projection.sources, strict=True):
        yield from _source(network, layer, role, source)
    if projection.axon_delay is not None:
        hint = "delay the projection as a whole"
        yield Violation(layer, "axonal delay of attention", "set", "none", hint)
    yield from _split(layer, s, shape)


def _source(network: Network, layer: int, role: str, source: int) -> Iterator[Violation]:
    shape, target = network.shape_of(source), network.shape_of(layer)
    hint = "queries, keys, values and the layer itself are of one shape"
    yield from other_shape(layer, f"shape of the {role}", shape, target, hint)
    if source == layer:
        hint = "project from earlier layers"
        yield Violation(layer, role, "the layer itself", "an earlier layer", hint)
    sends: Input | Population = network.by_layer.get(source) or network.input
    if sends.message_bits:
        hint = "attention multiplies binary spikes"
        found = str(sends.message_bits)
        yield Violation(layer, f"message bits of the {role}", found, "0", hint)


def _split(layer: int, s: Attention, shape: Shape) -> Iterator[Violation]:
    if len(shape) != 3:
        hint = "tokens are places along x and y"
        yield Violation(layer, "shape of attention", str(shape), "(x, y, channel)", hint)
        return
    for what, found, size in (
        ("heads of attention", s.heads, shape[2]),
        ("blocks of attention", s.blocks, prod(shape[:2])),
    ):
        if found < 1 or size % found:
            hint = "heads split the channels, blocks the places"
            yield Violation(layer, what, str(found), f"a divisor of {size}", hint)


def attention_depths(network: Network) -> Iterator[Violation]:
    """Spikes of one step meet: the three sources have to be as deep as one another."""
    depths = network.depths
    for p in network.projections:
        for role, source in zip(ROLES[1:], p.sources[1:], strict=False):
            if depths[source] != depths[p.source]:
                limit = f"{depths[p.source]}, as the queries"
                hint = "let queries, keys and values come from layers of one depth"
                yield Violation(p.target, f"depth of the {role}", str(depths[source]), limit, hint)
