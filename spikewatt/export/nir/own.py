"""Networks of ours as NIR reads them back: what the nodes cannot say travels as metadata.

The graph's metadata `spikewatt` is JSON: what is no number of a node. Weights, biases,
thresholds, decays and delays are those of the nodes. Names: `input`, `layer_<n>` for a
population, `projection_<k>` for its synapses (with `_delay`, `_flatten`, `_scale`, `_late` for
the nodes around them), `output`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.builder import channels_first
from spikewatt.export.nir.graph import Graph
from spikewatt.export.nir.signals import pair
from spikewatt.export.nir.steps import decay, steps
from spikewatt.network import (
    DECAY_MAX,
    Conv,
    CubaLif,
    Dense,
    Input,
    IntArray,
    Network,
    Pool,
    Population,
    Projection,
    Readout,
    Shape,
    Sparse,
    StartRule,
    Synapses,
)
from spikewatt.validation import NEVER_FIRES

KEY, VERSION = "spikewatt", 1


def is_own(graph: Graph) -> bool:
    """Whether spikewatt wrote the file."""
    return KEY in graph.metadata


def read_own(graph: Graph) -> Network:
    """The network that a file was written from."""
    try:
        facts = json.loads(str(graph.metadata[KEY]))
        version = facts["version"]
        network = _Own(graph, facts).network() if version == VERSION else None
    except (KeyError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise graph.error(
            f"its nodes no longer fit the metadata `{KEY}` ({type(error).__name__}: {error}); "
            "write it again from the .net file, or remove the metadata to read it as any NIR file"
        ) from error
    if network is None:
        raise graph.error(
            f"its metadata `{KEY}` has version {version}, and known is {VERSION}; update spikewatt"
        )
    return network


def whole(name: str, values: Any) -> IntArray:
    """Floats that carry integers."""
    found = np.asarray(values, dtype=np.float64)
    rounded = np.rint(found)
    if found.size and not np.abs(found - rounded).max() <= 1e-3:
        raise SpikewattError(
            f"NIR node {name!r} holds {found.flat[np.abs(found - rounded).argmax()]:g}, where "
            "spikewatt wrote whole numbers. Write the file again from the .net file."
        )
    return np.ascontiguousarray(rounded, dtype=np.int32)


class _Own:
    def __init__(self, graph: Graph, facts: dict[str, Any]) -> None:
        self.graph, self.facts, self.dt_s = graph, facts, facts["dt_s"]
        entry = facts["input"]
        self.shapes: dict[int, Shape] = {entry["layer"]: tuple(entry["shape"])}
        self.shapes |= {p["layer"]: tuple(p["shape"]) for p in facts["populations"]}

    def network(self) -> Network:
        f = self.facts
        return Network(
            Input(**f["input"] | {"shape": self.shapes[f["input"]["layer"]]}),
            tuple(self._population(p) for p in f["populations"]),
            tuple(self._projection(k, p) for k, p in enumerate(f["projections"])),
            start=None if f["start"] is None else StartRule(f["start"]),
            readout=None if f["readout"] is None else Readout(**f["readout"]),
            classes=tuple(f["classes"]),
            encoder=f["encoder"],
            training=f["training"],
            layer_types={int(k): v for k, v in f["layer_types"].items()},
            names={int(k): v for k, v in f.get("names", {}).items()},
        )

    def _population(self, p: dict[str, Any]) -> Population:
        name, shape = f"layer_{p['layer']}", self.shapes[p["layer"]]
        node = self.graph.nodes[name]
        neuron = self._neuron(name, node)
        bias = None
        if p["bias"] == "leak":
            bias = whole(name, node.v_leak * neuron.v_decay / DECAY_MAX)
        elif p["bias"] is not None:
            bias = whole(p["bias"], self.graph.nodes[p["bias"]].bias)
        if bias is not None:
            bias = self._in_order(bias, shape)
        return Population(p["layer"], shape, neuron, bias, p["message_bits"])

    def _neuron(self, name: str, node: Any) -> CubaLif:
        tau_mem = getattr(node, "tau_mem", getattr(node, "tau", None))
        v_decay = 0 if tau_mem is None else decay(name, tau_mem, self.dt_s)
        kept = hasattr(node, "tau_syn")
        i_decay = decay(name, node.tau_syn, self.dt_s) if kept else DECAY_MAX
        if not hasattr(node, "v_threshold"):
            return CubaLif(i_decay, v_decay, NEVER_FIRES)
        (threshold,) = np.unique(whole(name, node.v_threshold))
        return CubaLif(i_decay, v_decay, int(threshold))

    def _in_order(self, values: IntArray, shape: Shape) -> IntArray:
        """One a neuron, or one a channel, in NIR's order to (x, y, channel)."""
        if values.size == np.prod(shape):
            values = values.reshape(shape[::-1]).transpose()
        return np.ascontiguousarray(np.broadcast_to(values, shape))

    def _projection(self, k: int, p: dict[str, Any]) -> Projection:
        name = f"projection_{k}"
        ends = self.shapes[p["source"]], self.shapes[p["target"]]
        early = self._steps(f"{name}_delay", ends[0])
        late = self._steps(f"{name}_late", ends[1])
        delays = {
            "source": early if p["synapse_delay"] == "source" else None,
            "target": late - p["delay"] if p["synapse_delay"] == "target" else None,
        }
        synapses = _READ[p["type"]](self.graph, name, ends, delays)
        axon = early if p["axon"] else None
        return Projection(p["source"], p["target"], synapses, p["delay"], axon, p["part"])

    def _steps(self, name: str, shape: Shape) -> Any:
        if name not in self.graph.nodes:
            return np.zeros(int(np.prod(shape)), dtype=np.int32)
        found = steps(name, self.graph.nodes[name].delay, self.dt_s)
        return self._in_order(found, shape).reshape(-1)


Ends = tuple[Shape, Shape]
Delays = dict[str, Any]


def _matrix(graph: Graph, name: str, ends: Ends) -> IntArray:
    rows, columns = channels_first(ends[1]), channels_first(ends[0])
    return whole(name, np.asarray(graph.nodes[name].weight)[rows][:, columns])


def _read_dense(graph: Graph, name: str, ends: Ends, delays: Delays) -> Synapses:
    weight, delay = _matrix(graph, name, ends), None
    if delays["source"] is not None:
        delay = np.repeat(delays["source"][None], len(weight), axis=0)
    elif delays["target"] is not None:
        delay = np.repeat(delays["target"][:, None], weight.shape[1], axis=1)
    macs = graph.nodes[name].metadata.get("macs")
    return Dense(weight, delay, macs=None if macs is None else int(macs))


def _read_sparse(graph: Graph, name: str, ends: Ends, delays: Delays) -> Synapses:
    weight, kept = _matrix(graph, name, ends), graph.nodes[name].metadata
    targets, sources = (np.asarray(kept[k], dtype=np.int32) for k in ("targets", "sources"))
    delay = None
    if delays["source"] is not None:
        delay = delays["source"][sources]
    elif delays["target"] is not None:
        delay = delays["target"][targets]
    shape = (int(weight.shape[0]), int(weight.shape[1]))
    macs, repeats = int(kept["macs"]), int(kept.get("repeats", 1))
    listed = targets, sources, weight[targets, sources]
    return Sparse(*listed, shape, macs, delay, repeats=repeats)


def _read_conv(graph: Graph, name: str, ends: Ends, delays: Delays) -> Synapses:
    node = graph.nodes[name]
    kernel = whole(name, np.asarray(node.weight).transpose(0, 3, 2, 1))
    stride, padding, dilation = (pair(v)[::-1] for v in (node.stride, node.padding, node.dilation))
    return Conv(kernel, stride, padding, dilation, int(node.groups))


def _read_pool(graph: Graph, name: str, ends: Ends, delays: Delays) -> Synapses:
    node, scale = graph.nodes[name], graph.nodes[f"{name}_scale"].scale
    (weight,) = np.unique(whole(f"{name}_scale", scale))
    kernel = np.full(pair(node.kernel_size)[::-1], weight, dtype=np.int32)
    return Pool(kernel, pair(node.stride)[::-1], pair(node.padding)[::-1])


_READ: dict[str, Callable[[Graph, str, Ends, Delays], Synapses]] = {
    "dense": _read_dense,
    "sparse": _read_sparse,
    "conv": _read_conv,
    "pool": _read_pool,
}
