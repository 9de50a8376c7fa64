"""What reaches each population: chains of nodes without state, and the constants they add."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import nir
import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.nir.graph import STATEFUL, Graph, Passing, shape_of
from spikewatt.export.nir.signals import FloatArray, bias_of, matrix, out_shape, spread
from spikewatt.export.nir.steps import steps
from spikewatt.network import IntArray, Shape


@dataclass(frozen=True, eq=False)
class Path:
    """A chain of nodes from a population (or the input); shapes are (channel, y, x).

    ops: nodes that change values, each with its name and the shape it takes. axon: steps by
    source neuron. late: steps by target neuron, of delays behind an op. Both flat.
    """

    source: str
    source_shape: Shape
    shape: Shape
    ops: tuple[tuple[str, Any, Shape], ...] = ()
    axon: IntArray | None = None
    late: IntArray | None = None

    def through(self, name: str, node: Any, dt_s: float) -> Path:
        """The chain with one more node."""
        shape = out_shape(name, node, self.shape)
        if isinstance(node, nir.Flatten | Passing):
            return replace(self, shape=shape)
        if isinstance(node, nir.Delay):
            by = steps(name, spread(name, node.delay, self.shape), dt_s)
            kind = "late" if self.ops else "axon"
            before = getattr(self, kind)
            delays = {kind: by if before is None else before + by}
            return replace(self, **delays)  # type: ignore[arg-type]
        late = self.late
        if late is not None:  # equal delays may as well stand behind the node
            if (late != late[0]).any():
                raise SpikewattError(
                    f"NIR node {name!r} mixes signals that are delayed by different steps in the "
                    "middle of a chain. Put the Delay next to a neuron."
                )
            late = np.full(prod(shape), late[0], dtype=np.int32)
        return replace(self, shape=shape, ops=(*self.ops, (name, node, self.shape)), late=late)


@dataclass(frozen=True, eq=False)
class Arrival:
    """What arrives at a node, or leaves it: chains, and a constant, flat (channel, y, x)."""

    paths: tuple[Path, ...]
    bias: FloatArray
    shape: Shape


@dataclass
class Tracer:
    """Follows signals back to the populations they come from."""

    graph: Graph
    dt_s: float
    shapes: dict[str, Shape] = field(default_factory=dict)  # of populations and the input
    _open: list[str] = field(default_factory=list)

    def arriving(self, name: str) -> Arrival:
        """The sum of everything that a node receives."""
        parts = [self._leaving(source) for source in self.graph.sources[name]]
        if not parts:
            raise self.graph.error(f"node {name!r} receives nothing; connect it or leave it out")
        shapes = {p.shape for p in parts}
        if len(shapes) > 1:
            raise self.graph.error(
                f"node {name!r} receives signals of the shapes {sorted(shapes)}; flatten them alike"
            )
        bias = np.sum([p.bias for p in parts], axis=0)
        return Arrival(tuple(path for p in parts for path in p.paths), bias, parts[0].shape)

    def _leaving(self, name: str) -> Arrival:
        node = self.graph.nodes[name]
        if isinstance(node, (*STATEFUL, nir.Input)):
            shape = self.shape(name)
            return Arrival((Path(name, shape, shape),), np.zeros(prod(shape)), shape)
        if name in self._open:
            raise self.graph.error(f"node {name!r} is in a loop without neurons")
        self._open.append(name)
        arriving = self.arriving(name)
        self._open.pop()
        return self._through(name, node, arriving)

    def _through(self, name: str, node: Any, arriving: Arrival) -> Arrival:
        if isinstance(node, nir.Delay) and arriving.bias.any():
            raise self.graph.error(
                f"node {name!r} delays a constant; put the bias behind the Delay"
            )
        paths = tuple(p.through(name, node, self.dt_s) for p in arriving.paths)
        shape, bias = out_shape(name, node, arriving.shape), arriving.bias
        if bias.any() and not isinstance(node, nir.Flatten | nir.Delay | Passing):
            bias = matrix(name, node, arriving.shape) @ bias
        if bias.size != prod(shape):
            bias = np.zeros(prod(shape))
        return Arrival(paths, bias + bias_of(node, shape), shape)

    def shape(self, name: str) -> Shape:
        """Shape of the input or of a population: its parameters', or else its signal's."""
        if name not in self.shapes:
            self.shapes[name] = self._find_shape(name)
        return self.shapes[name]

    def _find_shape(self, name: str) -> Shape:
        node = self.graph.nodes[name]
        if isinstance(node, nir.Input):
            return shape_of(node.input_type["input"])
        own = np.broadcast_shapes(*(np.shape(v) for v in parameters(node).values()))
        if prod(own) > 1:
            return own
        self.shapes[name] = own  # stands in where a loop asks for it
        for source in self.graph.sources[name]:
            arriving = self._leaving(source)
            if all(p.source != name for p in arriving.paths):
                return arriving.shape
        return own or (1,)


def parameters(node: Any) -> dict[str, Any]:
    """The arrays of a neuron node, by name."""
    apart = ("input_type", "output_type", "metadata")
    return {k: v for k, v in vars(node).items() if k not in apart and v is not None}
