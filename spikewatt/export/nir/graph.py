"""A NIR file as flat nodes and edges: subgraphs are opened, their inputs and outputs pass on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nir

from spikewatt.errors import SpikewattError
from spikewatt.network import Shape

STATEFUL = (nir.LIF, nir.CubaLIF, nir.IF, nir.LI, nir.CubaLI, nir.I, nir.Threshold)
SIGNALS = (
    nir.Affine,
    nir.Linear,
    nir.Conv2d,
    nir.SumPool2d,
    nir.AvgPool2d,
    nir.Flatten,
    nir.Scale,
    nir.Delay,
)


@dataclass(frozen=True)
class Passing:
    """A subgraph's Input or Output: what comes in goes out."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes by name (a subgraph's as `graph.node`), edges, and the whole graph's metadata."""

    path: Path
    nodes: dict[str, Any]
    edges: tuple[tuple[str, str], ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[str, list[str]]:
        """Nodes whose output each node receives."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            found[target].append(source)
        return found

    def only(self, kind: type) -> str:
        """The name of the single Input or Output."""
        names = [n for n, node in self.nodes.items() if type(node) is kind]
        if len(names) != 1:
            found = ", ".join(names) or "none"
            raise self.error(f"it has {len(names)} {kind.__name__} nodes ({found}), limit 1")
        return names[0]

    def error(self, why: str) -> SpikewattError:
        """The error for what a network of ours cannot say."""
        return SpikewattError(f"{self.path} cannot be read as a network: {why}.")


def load(path: Path) -> Graph:
    """A file's graph; SpikewattError where nir cannot read it, or it has an unknown node."""
    if not path.is_file():
        raise SpikewattError(f"{path} does not exist. Give a NIR file.")
    try:
        found = nir.read(path, type_check=False)  # its own inference errs on non-square kernels
    except Exception as error:
        raise SpikewattError(
            f"{path} cannot be read as NIR: {type(error).__name__}: {error}. Write it again with "
            "`nir.write`."
        ) from error
    if not isinstance(found, nir.NIRGraph):
        found = nir.NIRGraph.from_list(found)
    nodes, edges = _opened(found, "")
    graph = Graph(path, nodes, tuple(dict.fromkeys(edges)), found.metadata)
    _check(graph)
    return graph


def _opened(graph: nir.NIRGraph, prefix: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    ends: dict[str, tuple[str, str]] = {}  # of subgraphs: where to enter, where to leave
    for name, node in graph.nodes.items():
        full = prefix + name
        if isinstance(node, nir.NIRGraph):
            inner, inner_edges = _opened(node, f"{full}.")
            nodes |= inner
            edges += inner_edges
            ends[name] = _ends(node, full)
        else:
            inside = prefix and isinstance(node, nir.Input | nir.Output)
            nodes[full] = Passing() if inside else node
    for source, target in graph.edges:
        leave = ends[source][1] if source in ends else prefix + source
        enter = ends[target][0] if target in ends else prefix + target
        edges.append((leave, enter))
    return nodes, edges


def _ends(graph: nir.NIRGraph, name: str) -> tuple[str, str]:
    inputs = [n for n, node in graph.nodes.items() if isinstance(node, nir.Input)]
    outputs = [n for n, node in graph.nodes.items() if isinstance(node, nir.Output)]
    if len(inputs) != 1 or len(outputs) != 1:
        raise SpikewattError(
            f"NIR subgraph {name!r} has {len(inputs)} inputs and {len(outputs)} outputs, limit 1 "
            "each. Write the graph without subgraphs."
        )
    return f"{name}.{inputs[0]}", f"{name}.{outputs[0]}"


def _check(graph: Graph) -> None:
    known = (*STATEFUL, *SIGNALS, nir.Input, nir.Output, Passing)
    for name, node in graph.nodes.items():
        if type(node) not in known:
            names = ", ".join(sorted(t.__name__ for t in (*STATEFUL, *SIGNALS)))
            raise graph.error(
                f"node {name!r} is a {type(node).__name__}, and known are {names}; replace it"
            )
    for edge in graph.edges:
        for end in edge:
            if end not in graph.nodes:
                raise graph.error(f"the edge {edge[0]} -> {edge[1]} joins no node {end!r}")


def shape_of(value: Any) -> Shape:
    """A NIR shape, (channels, y, x) or (n,), as a tuple."""
    return tuple(int(n) for n in value)
