"""NIR files to integer networks."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path as FilePath
from typing import Any

import nir
import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.builder import channels_first, lava_shape
from spikewatt.export.nir.graph import STATEFUL, Graph, load
from spikewatt.export.nir.neurons import float_neuron
from spikewatt.export.nir.own import is_own, read_own
from spikewatt.export.nir.quantise import quantised
from spikewatt.export.nir.steps import DT
from spikewatt.export.nir.tracing import Path, Tracer
from spikewatt.export.nir.wiring import wired
from spikewatt.network import (
    Conv,
    Dense,
    Input,
    IntArray,
    Network,
    Pool,
    Population,
    Projection,
    Readout,
    StartRule,
    Synapses,
)
from spikewatt.validation import validate

_KINDS: dict[type, str] = {Conv: "conv", Pool: "pool"}


def read(path: str | FilePath, dt_s: float = DT) -> Network:
    """The network of a NIR file.

    A file that spikewatt wrote gives back the network it was written from. Any other is
    discretised with Euler steps of dt_s seconds and quantised (see `quantise`); layers that the
    framework computes within one step follow one another by a step, and samples start by depth.
    Raises SpikewattError where a node cannot be said.
    """
    graph = load(FilePath(path))
    network = read_own(graph) if is_own(graph) else _Reader(graph, dt_s).network()
    validate(network, f"{path}")
    return network


class _Reader:
    """Populations in the order of their depth, numbered as a NetX file does."""

    def __init__(self, graph: Graph, dt_s: float) -> None:
        if not dt_s > 0:
            raise SpikewattError(f"The time step is {dt_s:g} s, limit above 0. Give seconds.")
        self.graph, self.dt_s = graph, dt_s
        self.tracer = Tracer(graph, dt_s)
        self.entry = graph.only(nir.Input)
        names = [n for n, node in graph.nodes.items() if isinstance(node, STATEFUL)]
        self.arrivals = {n: self.tracer.arriving(n) for n in names}
        self.depths = {self.entry: 0}
        self.layers = {self.entry: 0}
        self.layer_types = {0: "input"}

    def network(self) -> Network:
        """The whole network."""
        last = self._last()
        order = sorted(self.arrivals, key=lambda n: (n == last, self._depth(n, ())))
        populations, projections = [], []
        for name in order:
            population, incoming = self._population(name)
            populations.append(population)
            projections += incoming
        source = Input(0, lava_shape(self.tracer.shape(self.entry)))
        return Network(
            source,
            tuple(populations),
            tuple(projections),
            start=StartRule.BY_DEPTH,
            readout=self._readout(last),
            training={"nir": self.graph.path.name, "dt_s": self.dt_s},
            layer_types=self.layer_types,
        )

    def _last(self) -> str:
        output = self.graph.only(nir.Output)
        arrival = self.tracer.arriving(output)
        path = arrival.paths[0]
        plain = len(arrival.paths) == 1 and not path.ops and not arrival.bias.any()
        if not plain or path.axon is not None or path.source == self.entry:
            raise self.graph.error(
                "its output is no population of neurons as it is; end the network in a neuron "
                "(LI for a read-out)"
            )
        return path.source

    def _readout(self, last: str) -> Readout | None:
        if isinstance(self.graph.nodes[last], nir.LI | nir.CubaLI | nir.I):
            return Readout("membrane", prod(self.tracer.shape(last)))
        return None

    def _depth(self, name: str, behind: tuple[str, ...]) -> int:
        """Projections from the input; loops of a population with itself do not count."""
        if name in behind:
            raise self.graph.error(
                f"node {name!r} feeds back through other neurons ({' -> '.join(behind)}); only "
                "loops of a population with itself can be said"
            )
        if name not in self.depths:
            sources = {p.source for p in self.arrivals[name].paths} - {name}
            if not sources:
                raise self.graph.error(f"node {name!r} has no path from the input")
            before = [self._depth(s, (*behind, name)) for s in sorted(sources)]
            self.depths[name] = 1 + max(before)
        return self.depths[name]

    def _population(self, name: str) -> tuple[Population, list[Projection]]:
        arrival, shape = self.arrivals[name], self.tracer.shape(name)
        if prod(arrival.shape) != prod(shape):
            raise self.graph.error(
                f"node {name!r} has the shape {shape} and receives {arrival.shape}"
            )
        paths = [replace(p, shape=shape) for p in arrival.paths]
        neuron = float_neuron(name, self.graph.nodes[name], shape, self.dt_s)
        constant = np.ascontiguousarray(arrival.bias.reshape(shape).transpose())
        found = quantised(name, neuron, [wired(p) for p in paths], constant)
        layer = self._number(name, paths, found.synapses)
        population = Population(layer, lava_shape(shape), found.neuron, found.bias)
        pairs = zip(paths, found.synapses, strict=True)
        return population, [self._projection(name, p, s) for p, s in pairs]

    def _number(self, name: str, paths: list[Path], synapses: tuple[Synapses, ...]) -> int:
        """The next layer's number; a flatten layer's stands in between where the file needs it."""
        number = max(self.layer_types) + 1
        kinds = [_KINDS.get(type(s), "dense") for s in synapses]
        flattens = any(
            k == "dense" and len(p.source_shape) > 1 for k, p in zip(kinds, paths, strict=True)
        )
        if flattens:
            self.layer_types[number] = "flatten"
            number += 1
        looped = any(p.source == name for p in paths) and kinds[0] == "dense"
        self.layers[name], self.layer_types[number] = number, "dense_rec" if looped else kinds[0]
        return number

    def _projection(self, name: str, path: Path, synapses: Synapses) -> Projection:
        """With delays, and as much more as keeps branches of different depth in step."""
        late = 0 if path.source == name else self.depths[name] - 1 - self.depths[path.source]
        axon = None if path.axon is None else path.axon[_order(path.source_shape)]
        if axon is not None and (axon == axon[0]).all():
            late, axon = late + int(axon[0]), None
        if path.late is not None:
            by_target = path.late[_order(path.shape)]
            equal = bool((by_target == by_target[0]).all())
            late += int(by_target[0]) if equal else 0
            synapses = synapses if equal else self._delayed(name, synapses, by_target)
        ends = self.layers[path.source], self.layers[name]
        return Projection(*ends, synapses, delay=late, axon_delay=axon)

    def _delayed(self, name: str, synapses: Synapses, by_target: IntArray) -> Synapses:
        if not isinstance(synapses, Dense):
            raise self.graph.error(
                f"the Delay before node {name!r} differs by neuron behind shared kernels; put it "
                "in front of them"
            )
        delay = np.repeat(by_target[:, None], synapses.weight.shape[1], axis=1)
        return Dense(synapses.weight, np.ascontiguousarray(delay, dtype=np.int32))


def _order(shape: Any) -> Any:
    return channels_first(lava_shape(shape))
