"""Rules for gains and biases of steps: shares and mantissas, with an entry for every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import (
    GAIN_UNITY,
    IntArray,
    Network,
    Population,
    Projection,
    Shape,
    StartRule,
    Violation,
)
from spikewatt.validation.ranges import not_integers, out_of_range

Table = npt.NDArray[Any]


def step_gain(network: Network, projection: Projection) -> Iterator[Violation]:
    """Rules for a projection's gains; its ends exist."""
    layer, table = projection.target, projection.step_gain
    if table is None:
        return
    yield from not_integers(layer, "gain of a step", table)
    yield from _shape(layer, "gains of steps", table, network.shape_of(layer))
    hint = f"gains are shares of {GAIN_UNITY}; put what is larger into the weights"
    yield from out_of_range(layer, "gain of a step", table, (-GAIN_UNITY, GAIN_UNITY), hint)


def step_bias(
    network: Network, population: Population, limits: tuple[int, int], hint: str
) -> Iterator[Violation]:
    """Rules for a population's biases of steps, which may have a bias; limits: of both together."""
    layer, table = population.layer, population.step_bias
    if table is None:
        return
    yield from not_integers(layer, "bias of a step", table)
    if network.input.drives_bias and layer == network.input.layer:
        hint = "the stimulus takes their place; leave them out"
        yield Violation(layer, "biases of steps of the input population", "set", "none", hint)
    found = list(_shape(layer, "biases of steps", table, population.shape))
    yield from found
    if not found:
        yield from out_of_range(layer, "bias of a step", biases(population), limits, hint)


def biases(population: Population) -> IntArray | None:
    """Biases of a population; with a table the extremes of each step and channel."""
    table, bias = population.step_bias, population.bias
    if table is None or bias is None or bias.shape != population.shape:
        return bias if table is None else table
    by_channel = bias.reshape(-1, bias.shape[-1])
    extremes = by_channel.min(axis=0), by_channel.max(axis=0)
    return np.asarray([table + bias for bias in extremes], np.int32)


def _shape(layer: int, what: str, table: Table, shape: Shape) -> Iterator[Violation]:
    if table.ndim != 2 or len(table) < 1 or table.shape[-1] != shape[-1]:
        hint = "give a row for each step of a sample, with a value for each of the layer's channels"
        limit = f"(steps, {shape[-1]}), at least 1 step"
        yield Violation(layer, f"shape of {what}", str(table.shape), limit, hint)


def step_tables(network: Network) -> Iterator[Violation]:
    """All tables have as many entries, and every population begins its sample with a reset."""
    found = [(p.layer, p.step_bias) for p in network.populations]
    found += [(q.target, q.step_gain) for q in network.projections]
    lengths = [(layer, len(table)) for layer, table in found if table is not None]
    for layer, length in dict.fromkeys(lengths):
        if length != lengths[0][1]:
            hint = "samples have one length; give every table an entry for each of its steps"
            limit = f"{lengths[0][1]}, as in layer {lengths[0][0]}"
            yield Violation(layer, "steps in a table of gains or biases", str(length), limit, hint)
    if lengths and network.start is StartRule.TOGETHER:
        hint = "entries are read from a layer's own reset on; let samples start by depth"
        what = "start rule of a network with gains or biases of steps"
        yield Violation(None, what, network.start.value, StartRule.BY_DEPTH.value, hint)
