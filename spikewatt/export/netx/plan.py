"""Whether a network is a chain that the protocol can say, and under which numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikewatt.export.netx.effective import effective
from spikewatt.export.netx.order import matrix, spread
from spikewatt.network import Conv, IntArray, Network, Population, Sparse, Synapses, Violation


def why_no_chain(network: Network) -> list[str]:
    """Why the projections need the extension's named sources; empty for a chain."""
    reasons, before = [], network.input.layer
    layers = [p.layer for p in network.populations]
    if layers != sorted(layers) or before > layers[0]:
        reasons.append("layers are not numbered in the order of execution")
    for population in network.populations:
        reasons += _joins(network, population.layer, before)
        before = population.layer
    return reasons


def _joins(network: Network, layer: int, before: int) -> Iterator[str]:
    incoming = network.incoming(layer)
    if network.input.drives_bias and layer == network.input.layer:
        if incoming:
            yield f"layer {layer}: projections to the layer whose bias the stimulus drives"
        return
    if len(incoming) > 1:
        yield f"layer {layer}: {len(incoming)} projections, where a file's layer has one"
    for p in incoming:
        if len(incoming) == 1 and p.source != before:
            yield f"layer {layer}: its source is layer {p.source}, not the layer before it"
        if p.delay:
            yield f"layer {layer}: its projection from layer {p.source} delays by {p.delay}"
        if isinstance(p.synapses, Sparse) and _doubled(p.synapses):
            yield f"layer {layer}: several synapses join the same two neurons"


def _doubled(sparse: Sparse) -> bool:
    pairs = sparse.targets.astype(np.int64) * sparse.shape[1] + sparse.sources
    return bool(np.unique(pairs).size < pairs.size)


def stored_matrix(synapses: Synapses) -> IntArray:
    """The matrix (targets, sources) of a dense or sparse projection."""
    if isinstance(synapses, Sparse):
        return matrix(synapses, synapses.weight)
    assert not isinstance(synapses, Conv)
    return synapses.weight


def is_tensor(network: Network, layer: int) -> bool:
    """Whether the file holds this layer's neurons as (x, y, channel), not flat."""
    if layer == network.input.layer:
        return True
    return any(isinstance(p.synapses, Conv) for p in network.incoming(layer))


def chain_violations(network: Network) -> list[Violation]:
    """What a chain says that a file cannot."""
    found = list(_numbers(network))
    for projection in network.projections:
        if not isinstance(projection.synapses, Conv):
            found += _corrupted(projection.target, projection.synapses)
    return found


def _numbers(network: Network) -> Iterator[Violation]:
    """The file's layers count from 0; a number left out is a flatten layer."""
    before, first = network.input.layer, network.populations[0].layer
    if before != 0 and (before, first) != (-1, 0):
        hint = "number the input 0 and the populations behind it"
        yield Violation(before, "number of the input", str(before), "0", hint)
    for population in network.populations:
        if population.layer != before:
            yield from _gap(network, before, population)
        before = population.layer
    readout = network.readout
    if readout and readout.layer is not None and readout.layer <= before:
        hint = "number it behind the last population"
        limit = f"at least {before + 1}"
        yield Violation(readout.layer, "number of the average layer", "taken", limit, hint)


def _gap(network: Network, before: int, population: Population) -> Iterator[Violation]:
    layer, shape = population.layer, network.shape_of(before)
    if is_tensor(network, layer):
        if layer != before + 1:
            hint = f"number this layer {before + 1}; only flatten layers leave numbers out"
            yield Violation(layer, "number of a conv layer", str(layer), str(before + 1), hint)
    elif layer == before + 1 and is_tensor(network, before) and spread(shape):
        hint = f"number this layer {layer + 1}, and those behind it one higher"
        found = f"{layer}, which leaves no number for flattening {shape}"
        yield Violation(layer, "number of a dense layer", found, f"at least {layer + 1}", hint)


def _corrupted(layer: int, synapses: Synapses) -> Iterator[Violation]:
    stored = stored_matrix(synapses)
    result = effective(stored)
    if result.weight is not None and np.array_equal(result.weight, stored):
        return
    found = f"a matrix from {stored.min()} to {stored.max()} that lava-dl and Lava change"
    if result.weight is not None:
        where = result.weight != stored
        found += f" ({stored[where][0]} to {result.weight[where][0]})"
    hint = "use even weights and let none of a matrix without positive weights be -2^k"
    yield Violation(layer, "weight", found, "weights that lava-dl keeps", hint)
