"""Whether a network is a chain that the protocol can say, and how its layers are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikewatt.export.netx.effective import effective
from spikewatt.export.netx.order import matrix, spread
from spikewatt.export.netx.tables import why_tables
from spikewatt.network import (
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    IntArray,
    Network,
    Pool,
    Population,
    Projection,
    Shape,
    Sparse,
    Synapses,
    Unpool,
    Violation,
)

KINDS: dict[type, str] = {
    Dense: "dense",
    Sparse: "dense",
    Conv: "conv",
    ConvTranspose: "convT",
    Pool: "pool",
    Unpool: "unpool",
}
_GEOMETRY = ("stride", "padding", "dilation", "groups")


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer with synapses, as it is written.

    inputs: its projections, several for a complex layer or behind a concat. loop: to itself.
    fill: the layers before it that have no neurons, by number.
    """

    population: Population
    kind: str
    inputs: tuple[Projection, ...]
    loop: Projection | None
    fill: dict[int, str]

    @property
    def concat(self) -> int | None:
        """The number of its concat layer, if it has one."""
        return next((i for i, kind in self.fill.items() if kind == "concat"), None)


class NoChain(Exception):
    """Why a layer needs the extension's named sources."""


def is_driven(network: Network) -> bool:
    """Whether the stimulus enters a population."""
    return network.input.drives_bias or network.input.drives_dendrite


def chain(network: Network) -> tuple[list[Layer], list[str]]:
    """The layers of a chain, and why the network is none: one of the two is empty."""
    before, layers, reasons = network.input.layer, [], []
    numbers = [p.layer for p in network.populations]
    if numbers != sorted(numbers) or before > numbers[0]:
        return [], ["layers are not numbered in the order of execution"]
    for population in network.populations:
        try:
            _no_tables(network, population)
            if population.layer == network.input.layer:
                _entry(network, population.layer)
            else:
                layers.append(_layer(network, population, before))
        except NoChain as reason:
            reasons.append(f"layer {population.layer}: {reason}")
        before = population.layer
    if reasons:
        return [], reasons
    planned = [p for one in layers for p in (*one.inputs, *([one.loop] if one.loop else []))]
    if [id(p) for p in planned] != [id(p) for p in network.projections]:
        return [], ["projections are not listed in the order of a file"]
    return layers, []


def why_no_chain(network: Network) -> list[str]:
    """Why the projections need the extension's named sources; empty for a chain."""
    return chain(network)[1]


def _no_tables(network: Network, population: Population) -> None:
    for reason in why_tables(population, network.incoming(population.layer)):
        raise NoChain(reason)


def _entry(network: Network, layer: int) -> None:
    if network.incoming(layer):
        raise NoChain("projections to the layer that the stimulus drives")


def _layer(network: Network, population: Population, before: int) -> Layer:
    layer, types = population.layer, network.layer_types
    fill = {
        i: "concat" if types.get(i) == "concat" else "flatten" for i in range(before + 1, layer)
    }
    incoming = network.incoming(layer)
    if any(isinstance(p.synapses, Attention) for p in incoming):
        raise NoChain("attention, which the protocol does not have")
    if "concat" in fill.values():
        return _joined(network, population, incoming, fill)
    loops = [p for p in incoming if p.source == layer]
    inputs = [p for p in incoming if p.source != layer]
    _one_source(inputs, before)
    if len(inputs) == 2:
        _complex(inputs)
    elif inputs[0].part != "real":
        raise NoChain("a projection to the imaginary part alone")
    for p in inputs:
        _sayable(p)
    loop = _loop(inputs, loops) if loops else None
    kind = KINDS[type(inputs[0].synapses)]
    return Layer(population, "dense_rec" if loop else kind, tuple(inputs), loop, fill)


def _one_source(inputs: list[Projection], before: int) -> None:
    if len(inputs) != 1 and [p.part for p in inputs] != ["real", "imag"]:
        raise NoChain(f"{len(inputs)} projections, where a file's layer has one")
    for p in inputs:
        if p.source != before:
            raise NoChain(f"its source is layer {p.source}, not the layer before it")


def _complex(inputs: list[Projection]) -> None:
    real, imag = (p.synapses for p in inputs)
    if isinstance(real, Sparse) or not _alike(real, imag):
        raise NoChain("its real and imaginary synapses are of different kinds")
    if any(map(_delays, inputs)):
        raise NoChain("delays of complex synapses")


def _alike(a: Synapses, b: Synapses) -> bool:
    """Whether two synapses differ in their weights alone, so that one layer holds both."""
    same_axes = a.weight.ndim == b.weight.ndim
    same = all(getattr(a, k, None) == getattr(b, k, None) for k in (*_GEOMETRY, "after"))
    return type(a) is type(b) and same_axes and same


def _delays(p: Projection) -> bool:
    """Whether a spike waits beyond the step that every projection takes."""
    own = p.synapses.delay if isinstance(p.synapses, Dense | Sparse) else None
    return bool(p.delay or any(d is not None and d.any() for d in (own, p.axon_delay)))


def _sayable(p: Projection) -> None:
    if isinstance(p.synapses, Dense) and p.synapses.macs is not None:
        raise NoChain("a matrix whose multiply-accumulates are counted otherwise")
    if isinstance(p.synapses, Sparse) and p.synapses.repeats > 1:
        raise NoChain("blocks of listed synapses that share their weights")
    if isinstance(p.synapses, Sparse) and _doubled(p.synapses):
        raise NoChain("several synapses join the same two neurons")
    if not isinstance(p.synapses, Dense | Sparse) and _delays(p):
        raise NoChain(f"delays, which lava-dl ignores in a {KINDS[type(p.synapses)]} layer")


def _doubled(sparse: Sparse) -> bool:
    pairs = sparse.targets.astype(np.int64) * sparse.shape[1] + sparse.sources
    return bool(np.unique(pairs).size < pairs.size)


def _loop(inputs: list[Projection], loops: list[Projection]) -> Projection:
    if len(loops) > 1 or len(inputs) > 1 or loops[0].part != "real":
        raise NoChain("several projections beside one to itself")
    ends = inputs[0].synapses, loops[0].synapses
    if not all(isinstance(s, Dense) for s in ends):
        raise NoChain("a projection to itself where synapses are not all dense")
    if _delays(inputs[0]) or _delays(loops[0]):
        raise NoChain("delays beside a projection to itself, where lava-dl loses the exponent")
    return loops[0]


def _joined(
    network: Network, population: Population, incoming: tuple[Projection, ...], fill: dict[int, str]
) -> Layer:
    """A layer behind a concat, which stands first, with flatten layers behind it if need be."""
    if not incoming or any(_delays(replace(p, delay=0)) or p.part != "real" for p in incoming):
        raise NoChain("delays or parts behind a concat")
    if any(p.delay != wait for p, wait in zip(incoming, _waits(network, incoming), strict=True)):
        raise NoChain("branches that a concat does not delay to equal lengths")
    first = incoming[0].synapses
    if not isinstance(first, Dense | Conv | ConvTranspose) or getattr(first, "groups", 1) != 1:
        raise NoChain("synapses that cannot be cut along a concat")
    if any(not _alike(first, p.synapses) for p in incoming):
        raise NoChain("synapses of different kinds behind a concat")
    dense = isinstance(first, Dense)
    if not dense and len({p.synapses.weight.shape[:3] for p in incoming}) > 1:
        raise NoChain("kernels of different sizes behind a concat")
    if list(fill.values()) != _filling(network, incoming, dense, len(fill)):
        raise NoChain("a concat whose order a file cannot say")
    return Layer(population, KINDS[type(first)], incoming, None, fill)


def _waits(network: Network, incoming: tuple[Projection, ...]) -> list[int]:
    """Steps by which the reader delays the branches of a concat, so that all come together."""
    depths, target = network.depths, incoming[0].target
    last = max((depths[p.source] for p in incoming if p.source < target), default=0)
    return [last - depths[p.source] if p.source < target else 0 for p in incoming]


def _filling(
    network: Network, incoming: tuple[Projection, ...], dense: bool, count: int
) -> list[str]:
    """What stands before the layer: all images are flattened together, or nothing is."""
    shapes = [network.shape_of(p.source) for p in incoming]
    tensors = [is_tensor(network, p.source) for p in incoming]
    images = all(tensors) and len({s[:2] for s in shapes}) == 1 and len(shapes[0]) == 3
    alone = ["concat"] + ["flatten"] * (count - 1)
    if not dense:
        return ["concat"] if images else []
    if images:
        together = (*shapes[0][:2], sum(s[2] for s in shapes))
        return alone if count > 1 or not spread(together) else []
    flat = not any(t and spread(s) for t, s in zip(tensors, shapes, strict=True))
    return ["concat"] if flat else []


def stored_matrix(synapses: Synapses) -> IntArray:
    """The matrix (targets, sources) of a dense or sparse projection."""
    if isinstance(synapses, Sparse):
        return matrix(synapses, synapses.weight)
    assert isinstance(synapses, Dense)
    return synapses.weight


def is_tensor(network: Network, layer: int) -> bool:
    """Whether the file holds this layer's neurons as (x, y, channel), not flat."""
    if layer == network.input.layer:
        return True
    kinds = [p.synapses for p in network.incoming(layer) if p.source != layer]
    return any(not isinstance(s, Dense | Sparse) for s in kinds)


def chain_violations(network: Network, layers: list[Layer]) -> list[Violation]:
    """What a chain says that a file cannot."""
    found = list(_numbers(network, layers))
    for one in layers:
        if one.kind not in ("dense", "dense_rec") or len({p.source for p in one.inputs}) > 1:
            continue
        matrices = [stored_matrix(p.synapses) for p in one.inputs]
        together = None
        if one.loop is not None:
            matrices.append(stored_matrix(one.loop.synapses))
            together = np.hstack(matrices)
        for stored in matrices:
            found += _corrupted(one.population.layer, stored, together)
    return found


def _numbers(network: Network, layers: list[Layer]) -> Iterator[Violation]:
    """The file's layers count from 0; a number left out is a flatten layer."""
    before, first = network.input.layer, network.populations[0].layer
    if before != 0 and (before, first) != (-1, 0):
        hint = "number the input 0 and the populations behind it"
        yield Violation(before, "number of the input", str(before), "0", hint)
    for one in layers:
        if one.concat is None:
            yield from _gap(network, one)
    before = network.output.layer
    readout = network.readout
    if readout and readout.layer is not None and readout.layer <= before:
        hint = "number it behind the last population"
        limit = f"at least {before + 1}"
        yield Violation(readout.layer, "number of the average layer", "taken", limit, hint)


def _gap(network: Network, one: Layer) -> Iterator[Violation]:
    layer, before = one.population.layer, one.inputs[0].source
    shape: Shape = network.shape_of(before)
    if one.kind not in ("dense", "dense_rec"):
        if one.fill:
            hint = f"number this layer {before + 1}; only flatten layers leave numbers out"
            what = f"number of a {one.kind} layer"
            yield Violation(layer, what, str(layer), str(before + 1), hint)
    elif not one.fill and is_tensor(network, before) and spread(shape):
        hint = f"number this layer {layer + 1}, and those behind it one higher"
        found = f"{layer}, which leaves no number for flattening {shape}"
        yield Violation(layer, "number of a dense layer", found, f"at least {layer + 1}", hint)


def _corrupted(layer: int, stored: IntArray, together: IntArray | None) -> Iterator[Violation]:
    result = effective(stored, together)
    if result.weight is not None and np.array_equal(result.weight, stored):
        return
    found = f"a matrix from {stored.min()} to {stored.max()} that lava-dl and Lava change"
    if result.weight is not None:
        where = result.weight != stored
        found += f" ({stored[where][0]} to {result.weight[where][0]})"
    hint = "use even weights and let none of a matrix without positive weights be -2^k"
    yield Violation(layer, "weight", found, "weights that lava-dl keeps", hint)
