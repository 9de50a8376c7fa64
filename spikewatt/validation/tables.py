"""Rules for gains and biases of steps: shares and mantissas, with an entry for every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    GAIN_UNITY,
    IntArray,
    Network,
    Population,
    Projection,
    Shape,
    StartRule,
    Violation,
)
from spikewatt.tables import bias_at, changes_bias
from spikewatt.validation.populations import bias_limits, unbiased
from spikewatt.validation.ranges import not_integers, other_shape, out_of_range

Table = npt.NDArray[Any]


def step_gain(network: Network, projection: Projection) -> Iterator[Violation]:
    """Rules for a projection's gains and the bias that they multiply; its ends exist."""
    layer, table, bias = projection.target, projection.step_gain, projection.gained_bias
    shape = network.shape_of(layer)
    if table is not None:
        yield from not_integers(layer, "gain of a step", table)
        yield from _shape(layer, "gains of steps", table, shape)
        hint = f"gains are shares of {GAIN_UNITY}; put what is larger into the weights"
        yield from out_of_range(layer, "gain of a step", table, (-GAIN_UNITY, GAIN_UNITY), hint)
    if bias is None:
        return
    yield from not_integers(layer, "bias behind gains", bias)
    hint = "one mantissa for each of the layer's neurons"
    yield from other_shape(layer, "shape of the bias behind gains", bias.shape, shape, hint)
    hint = "the mantissa has 13 bits; scale weights, bias and threshold down"
    yield from out_of_range(layer, "bias behind gains", bias, (BIAS_MIN, BIAS_MAX), hint)
    if table is None:
        hint = "make it a bias of the layer, or give the projection gains"
        yield Violation(layer, "bias behind gains", "set", "none without gains", hint)


def step_bias(population: Population) -> Iterator[Violation]:
    """Rules for a population's table of biases."""
    if population.step_bias is not None:
        yield from not_integers(population.layer, "bias of a step", population.step_bias)
        yield from _shape(
            population.layer, "biases of steps", population.step_bias, population.shape
        )


def biases_of_steps(network: Network) -> Iterator[Violation]:
    """What all biases of a step are together, in a network whose parts and tables are sound."""
    for p in network.populations:
        incoming = network.incoming(p.layer)
        if not changes_bias(p, incoming):
            continue
        yield from unbiased(p)
        if network.input.drives_bias and p.layer == network.input.layer:
            hint = "the stimulus takes their place; leave them out"
            yield Violation(p.layer, "biases of steps of the input population", "set", "none", hint)
        yield from out_of_range(
            p.layer, "bias of a step", extremes(p, incoming), *bias_limits(p.neuron)
        )


def extremes(population: Population, incoming: Sequence[Projection]) -> IntArray | None:
    """Smallest and largest bias, (2,), over all neurons and steps; None without biases."""
    tables = [population.step_bias, *(p.step_gain for p in incoming if p.gained_bias is not None)]
    entries = min((len(t) for t in tables if t is not None), default=None)
    if entries is None and population.bias is None:
        return None
    found = [bias_at(population, incoming, t) for t in range(entries or 0)]
    if entries is None and population.bias is not None:
        found = [population.bias]
    return np.array([min(b.min() for b in found), max(b.max() for b in found)], np.int32)


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
