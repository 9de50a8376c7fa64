"""Gains and biases of steps, in the extension's graph: lava-dl has no place for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import h5py

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.marks import is_number
from spikewatt.export.netx.storage import put, put_optional
from spikewatt.network import Network, Population, Projection

GAIN, GAINED, BIAS = "step_gain", "gained_bias", "step_bias"


def why_tables(population: Population, incoming: Iterable[Projection]) -> Iterator[str]:
    """What of a layer a chain cannot say."""
    if population.step_bias is not None:
        yield "biases of single steps, which the protocol does not have"
    if any(p.step_gain is not None or p.gained_bias is not None for p in incoming):
        yield "gains of single steps, which the protocol does not have"


def write_step_gain(group: h5py.Group, projection: Projection) -> None:
    """A projection's gains and the bias that they multiply, where it has them."""
    put_optional(group, GAIN, projection.step_gain)
    put_optional(group, GAINED, projection.gained_bias)


def write_step_biases(graph: h5py.Group, network: Network) -> None:
    """`step_bias/<layer>` of every population that has them."""
    for p in network.populations:
        if p.step_bias is not None:
            put(graph.require_group(BIAS), str(p.layer), p.step_bias)


def with_step_gain(fields: Fields, projection: Projection) -> Projection:
    """The projection with its gains and the bias that they multiply, where the file has them."""
    gain, bias = (fields.integers(key) if fields.has(key) else None for key in (GAIN, GAINED))
    return replace(projection, step_gain=gain, gained_bias=bias)


def with_step_biases(graph: Fields, populations: list[Population], cut: bool) -> list[Population]:
    """The populations with their biases of steps; cut: tables of other layers may be left over."""
    listing = graph.inside(BIAS)
    if listing is None:
        return populations
    known = {str(p.layer) for p in populations}
    for name in set(listing.names()) - known:
        if not cut or not is_number(name):
            listing.reject(name, "of no population", "numbers of layers with neurons", AGAIN)
    return [_with_bias(listing, p) for p in populations]


def _with_bias(listing: Fields, population: Population) -> Population:
    key = str(population.layer)
    if not listing.has(key):
        return population
    return replace(population, step_bias=listing.of_layer(population.layer).integers(key))
