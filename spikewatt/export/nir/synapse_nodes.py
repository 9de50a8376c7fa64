"""Synapses as NIR nodes, their integers as floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.expansion import expand
from spikewatt.export.builder import channels_first
from spikewatt.network import Conv, Dense, IntArray, Network, Pool, Projection, Shape, Sparse

MATRIX_MAX = 2**26  # entries of a listed projection, which NIR has as a full matrix


@dataclass
class Nodes:
    """What stands for one projection, in the order of the signal.

    source, target: shapes (x, y, channel). flat: whether the source is written flat.
    """

    name: str
    projection: Projection
    source: Shape
    target: Shape
    flat: bool
    found: list[tuple[str, Any]] = field(default_factory=list)

    def add(self, suffix: str, node: Any) -> None:
        """One more node behind the others."""
        self.found.append((self.name + suffix, node))

    def refuse(self, why: str) -> SpikewattError:
        """The error for what NIR has no node for."""
        p = self.projection
        return SpikewattError(
            f"The projection from layer {p.source} to layer {p.target} cannot be written as NIR: "
            f"{why}."
        )


def nir_order(values: Any, shape: Shape) -> Any:
    """One value a neuron, (x, y, channel), as (channel, y, x)."""
    return np.ascontiguousarray(np.asarray(values, dtype=np.float64).reshape(shape).transpose())


def separated(nodes: Nodes, bias: IntArray | None, dt_s: float) -> str | None:
    """Adds all nodes of a projection; which neuron its synapses' delays belong to."""
    p = nodes.projection
    if p.part != "real":
        raise nodes.refuse("NIR has no neuron with an imaginary part")
    of, by = _delays(nodes)
    early = by if of == "source" else p.axon_delay
    if of == "source" and p.axon_delay is not None:
        raise nodes.refuse("it has delays of its axons and of its synapses; keep one of them")
    if early is not None:
        shape = (-1,) if nodes.flat else nodes.source[::-1]
        ordered = nir_order(early, nodes.source).reshape(shape)
        nodes.add("_delay", nir.Delay(delay=ordered * dt_s))
    _SYNAPSES[type(p.synapses)](nodes, bias)
    late = p.delay + (by if of == "target" else np.zeros(1, dtype=np.int32))
    if late.any():
        shape = (-1,) if isinstance(p.synapses, Dense | Sparse) else nodes.target[::-1]
        full = np.broadcast_to(late, int(np.prod(nodes.target)))
        nodes.add("_late", nir.Delay(delay=nir_order(full, nodes.target).reshape(shape) * dt_s))
    return of


def _delays(nodes: Nodes) -> tuple[str | None, Any]:
    """Delays of the synapses as those of their sources or of their targets, by neuron."""
    s = nodes.projection.synapses
    delay = s.delay if isinstance(s, Dense | Sparse) else None
    if delay is None:
        return None, None
    matrix = delay
    if isinstance(s, Sparse):
        s = expand(s, nodes.source, nodes.target)
        assert isinstance(s, Sparse)
        assert s.delay is not None
        delay = s.delay
        matrix = _of_neurons(s, delay, s.sources, s.shape[1])
        if (matrix[s.sources] == delay).all():
            return "source", matrix
        matrix = _of_neurons(s, delay, s.targets, s.shape[0])
        if (matrix[s.targets] == delay).all():
            return "target", matrix
    elif (matrix == matrix[:1]).all():
        return "source", matrix[0]
    elif (matrix == matrix[:, :1]).all():
        return "target", matrix[:, 0]
    raise nodes.refuse(
        "its synapses have delays of their own, and NIR delays whole signals; use delays of the "
        "source or of the target neurons"
    )


def _of_neurons(s: Sparse, delay: IntArray, index: IntArray, size: int) -> IntArray:
    found = np.zeros(size, dtype=np.int32)
    found[index] = delay
    return found


def _flatten(nodes: Nodes) -> None:
    if not nodes.flat and len(nodes.source) > 1:
        shape = np.array(nodes.source[::-1])
        nodes.add("_flatten", nir.Flatten(input_type={"input": shape}, start_dim=0, end_dim=-1))


def _linear(nodes: Nodes, weight: IntArray, bias: IntArray | None, metadata: Any) -> None:
    _flatten(nodes)
    rows, columns = channels_first(nodes.target), channels_first(nodes.source)
    ordered = np.zeros(weight.shape)
    ordered[np.ix_(rows, columns)] = weight
    if bias is None:
        nodes.add("", nir.Linear(weight=ordered, metadata=metadata))
    else:
        constant = nir_order(bias, nodes.target).reshape(-1)
        nodes.add("", nir.Affine(weight=ordered, bias=constant, metadata=metadata))


def _dense(nodes: Nodes, bias: IntArray | None) -> None:
    s = nodes.projection.synapses
    assert isinstance(s, Dense)
    _linear(nodes, s.weight, bias, {} if s.macs is None else {"macs": s.macs})


def _sparse(nodes: Nodes, bias: IntArray | None) -> None:
    s = nodes.projection.synapses
    assert isinstance(s, Sparse)
    if s.shape[0] * s.shape[1] > MATRIX_MAX:
        raise nodes.refuse(
            f"NIR has no listed synapses, and its matrix would have {s.shape[0]} x {s.shape[1]} "
            f"entries, limit {MATRIX_MAX}"
        )
    every = expand(s, nodes.source, nodes.target)
    assert isinstance(every, Sparse)
    weight = np.zeros(s.shape, dtype=np.int32)
    np.add.at(weight, (every.targets, every.sources), every.weight)
    if (weight[s.targets, s.sources] != s.weight).any():
        raise nodes.refuse("it lists several synapses between the same two neurons; add them up")
    kept = {"targets": s.targets, "sources": s.sources, "macs": s.dense_macs, "repeats": s.repeats}
    _linear(nodes, weight, bias, kept)


def _conv(nodes: Nodes, bias: IntArray | None) -> None:
    s = nodes.projection.synapses
    assert isinstance(s, Conv)
    channels = np.zeros(nodes.target[2]) if bias is None else bias[0, 0].astype(np.float64)
    node = nir.Conv2d(
        input_shape=(nodes.source[1], nodes.source[0]),
        weight=np.ascontiguousarray(s.weight.transpose(0, 3, 2, 1), dtype=np.float64),
        stride=s.stride[::-1],
        padding=s.padding[::-1],
        dilation=s.dilation[::-1],
        groups=s.groups,
        bias=channels,
    )
    nodes.add("", node)


def _pool(nodes: Nodes, bias: IntArray | None) -> None:
    s = nodes.projection.synapses
    assert isinstance(s, Pool)
    weight = float(s.weight.flat[0])
    if (s.weight != weight).any() or s.dilation != (1, 1) or s.after != (0, 0):
        raise nodes.refuse(
            "its pool has unequal weights, a dilation, or rows that the kernel does not divide"
        )
    kernel = np.array(s.weight.shape[::-1])
    stride, padding = np.array(s.stride[::-1]), np.array(s.padding[::-1])
    nodes.add("", nir.SumPool2d(kernel_size=kernel, stride=stride, padding=padding))
    nodes.add("_scale", nir.Scale(scale=np.full(nodes.target[::-1], weight)))


_SYNAPSES: dict[type, Callable[[Nodes, IntArray | None], None]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
    Pool: _pool,
}


def check_kinds(network: Network) -> None:
    """Refuse synapses that NIR has no node for."""
    for p in network.projections:
        if type(p.synapses) not in _SYNAPSES:
            known = ", ".join(sorted(t.__name__ for t in _SYNAPSES))
            raise SpikewattError(
                f"The projection from layer {p.source} to layer {p.target} is of type "
                f"{type(p.synapses).__name__}, which NIR cannot say. Known: {known}."
            )
