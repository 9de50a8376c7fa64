"""Rules for the graph: numbers, ends, paths, first arrivals, read-out."""

from __future__ import annotations

from collections.abc import Iterator

from spikewatt.network import Network, Projection, Readout, StartRule, Violation
from spikewatt.validation.projections import shortest_delay

READOUTS = ("membrane", "rate")
PERSONS_MAX = 2**16  # samples of a clip


def graph(network: Network) -> Iterator[Violation]:
    """Populations that exist once, projections between them, everything reachable."""
    layers = [p.layer for p in network.populations]
    source = network.input
    if not layers:
        yield Violation(None, "number of populations", "0", "at least 1", "add a layer of neurons")
    for layer in sorted({n for n in layers if layers.count(n) > 1}):
        yield Violation(
            layer, "populations of this number", str(layers.count(layer)), "1", "renumber"
        )
    is_driven = source.drives_bias or source.drives_dendrite
    if source.layer in layers and not is_driven:
        hint = "number the input apart, or let the stimulus drive the population"
        yield Violation(source.layer, "number", "that of the input too", "one use", hint)
    if source.layer not in layers and is_driven:
        hint = "add the population, or let the stimulus enter as spikes"
        yield Violation(source.layer, "population that the stimulus drives", "missing", "1", hint)
    order = {source.layer: -1} | {n: i for i, n in enumerate(layers)}
    for p in network.projections:
        yield from _ends(p, order, source.layer)
    yield from _unreachable(network)


def _ends(p: Projection, order: dict[int, int], entry: int) -> Iterator[Violation]:
    known = ", ".join(map(str, sorted(order)))
    named = zip(("source", "keys", "values"), p.sources, strict=False)
    for end, layer in (*named, ("target", p.target)):
        if layer not in order:
            hint = "projections join populations of the network"
            yield Violation(p.target, f"{end} of a projection", f"layer {layer}", known, hint)
    if p.target == entry and order[entry] == -1:
        hint = "only populations receive spikes"
        yield Violation(p.target, "target of a projection", "the input", "a population", hint)
        return
    for source in dict.fromkeys(p.sources):
        if source in order and p.target in order and order[source] > order[p.target]:
            hint = (
                "list sources before their targets; loops through several populations are not "
                "executed yet"
            )
            found, limit = f"layer {source}, which comes later", "earlier layers or itself"
            yield Violation(p.target, "source of a projection", found, limit, hint)


def _unreachable(network: Network) -> Iterator[Violation]:
    reached, size = {network.input.layer}, 0
    while len(reached) > size:
        size = len(reached)
        reached |= {p.target for p in network.projections if reached.issuperset(p.sources)}
    for population in network.populations:
        if population.layer not in reached:
            hint = "project to it from the input or a population behind it, or leave it out"
            yield Violation(population.layer, "paths from the input", "0", "at least 1", hint)


def start(network: Network) -> Iterator[Violation]:
    """Samples that start by depth need branches of equal length."""
    if network.start is StartRule.TOGETHER:
        return
    depths = network.depths
    for p in network.projections:
        early = depths[p.target] - depths[p.source] - 1 - shortest_delay(p)
        if early > 0:
            found = f"{early} steps before the layer starts, from layer {p.source}"
            hint = f"set this projection's delay to {p.delay + early}, or the start rule `together`"
            yield Violation(p.target, "first arrival", found, "none before", hint)


def readout(network: Network, found: Readout | None) -> Iterator[Violation]:
    """A read-out that is known, and that fits the last population."""
    if found is None:
        return
    layer, size = network.output.layer, network.output.size
    if found.kind not in READOUTS:
        yield Violation(layer, "read-out", found.kind, " or ".join(READOUTS), "name one of these")
    if found.groups < 1 or size % found.groups:
        hint = "neurons are summed in equal groups"
        yield Violation(layer, "read-out groups", str(found.groups), f"a divisor of {size}", hint)
    if found.divisor < 1:
        hint = "sums are divided by it"
        yield Violation(layer, "read-out divisor", str(found.divisor), "at least 1", hint)
    if not 1 <= found.persons <= PERSONS_MAX:
        hint, limit = "so many samples are one clip", f"1..{PERSONS_MAX}"
        yield Violation(layer, "read-out persons", str(found.persons), limit, hint)
    if network.classes and len(network.classes) != found.groups:
        hint = "one class name for each group of the read-out"
        yield Violation(layer, "class names", str(len(network.classes)), str(found.groups), hint)
