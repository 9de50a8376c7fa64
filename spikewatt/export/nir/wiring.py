"""Chains of nodes as synapses with float weights, in Lava's order (x, y, channel)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
from scipy import sparse

from spikewatt.errors import SpikewattError
from spikewatt.export.builder import channels_first, lava_shape
from spikewatt.export.nir.signals import FloatArray, kernel_of, matrix, spread
from spikewatt.export.nir.tracing import Path
from spikewatt.network import Conv, Dense, IntArray, Pool, Sparse, Synapses

Build = Callable[[IntArray], Synapses]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Wiring:
    """Synapses in the making: float weights, and what makes synapses of their integers.

    targets: how the weights see a factor of each target (x, y, channel); None where all
    targets share them.
    """

    weight: FloatArray
    build: Build
    targets: Callable[[FloatArray], FloatArray] | None

    def times(self, name: str, factor: FloatArray) -> Wiring:
        """Weights multiplied by a factor of each target neuron, of the population's shape."""
        if (factor == factor.flat[0]).all():
            return replace(self, weight=self.weight * factor.flat[0])
        if self.targets is None:
            raise SpikewattError(
                f"The neurons of NIR node {name!r} differ in threshold or gain, which a pool's one "
                "weight cannot take over. Use equal neurons."
            )
        return replace(self, weight=self.weight * self.targets(factor))


def wired(path: Path) -> Wiring:
    """The synapses of a chain; several nodes that change values become listed synapses."""
    scale, ops = _without_scales(path)
    wiring = _one_op(path, ops) if len(ops) == 1 else _listed(path, scale, ops)
    if len(ops) == 1:
        wiring = replace(wiring, weight=wiring.weight * scale)
    return wiring


def _without_scales(path: Path) -> tuple[float, list[tuple[str, Any, Any]]]:
    """Equal scales as one factor, and the other nodes."""
    factor, rest = 1.0, []
    for name, node, shape in path.ops:
        values = spread(name, node.scale, shape) if isinstance(node, nir.Scale) else None
        if values is not None and (values == values[0]).all():
            factor *= float(values[0])
        else:
            rest.append((name, node, shape))
    return factor, rest


def _one_op(path: Path, ops: list[tuple[str, Any, Any]]) -> Wiring:
    ((name, node, shape),) = ops
    if isinstance(node, nir.Affine | nir.Linear):
        return _dense(path, np.asarray(node.weight, dtype=np.float64))
    if isinstance(node, nir.Conv2d):
        return _conv(name, node, shape)
    if isinstance(node, nir.SumPool2d | nir.AvgPool2d):
        return _pool(name, node, shape)
    return _listed(path, 1.0, ops)


def _dense(path: Path, weight: FloatArray) -> Wiring:
    columns = channels_first(lava_shape(path.source_shape))
    rows = channels_first(lava_shape(path.shape))
    return Wiring(
        weight[rows][:, columns],
        lambda w: Dense(w),
        lambda factor: factor.reshape(-1, 1),
    )


def _conv(name: str, node: Any, shape: Any) -> Wiring:
    weight, stride, padding, dilation, groups = kernel_of(name, node, shape)

    def by_channel(factor: FloatArray) -> FloatArray:
        if (factor != factor[:1, :1]).any():
            raise SpikewattError(
                f"The neurons behind NIR node {name!r} differ in threshold or gain within a "
                "channel, which shared kernels cannot take over. Use equal neurons."
            )
        return np.asarray(factor[0, 0])[:, None, None, None]

    return Wiring(
        np.ascontiguousarray(weight.transpose(0, 3, 2, 1)),
        lambda w: Conv(w, stride[::-1], padding[::-1], dilation[::-1], groups),
        by_channel,
    )


def _pool(name: str, node: Any, shape: Any) -> Wiring:
    weight, stride, padding, _, _ = kernel_of(name, node, shape)
    kernel = np.ascontiguousarray(weight[0, 0].T)
    return Wiring(kernel, lambda w: Pool(w, stride[::-1], padding[::-1]), None)


def _listed(path: Path, scale: float, ops: list[tuple[str, Any, Any]]) -> Wiring:
    """The product of all nodes, its non-zero entries listed by target, then by source."""
    whole = sparse.identity(prod(path.source_shape), format="csr") * scale
    for name, node, shape in ops:
        whole = matrix(name, node, shape) @ whole
    found = whole[_order(path.shape)][:, _order(path.source_shape)].tocoo()
    place = np.lexsort((found.col, found.row))
    targets, sources = found.row[place].astype(np.int32), found.col[place].astype(np.int32)
    size = (prod(path.shape), prod(path.source_shape))
    macs = sum(_macs(name, node, shape) for name, node, shape in ops)
    return Wiring(
        found.data[place],
        lambda w: Sparse(targets, sources, w, size, macs or size[0]),
        lambda factor: factor.reshape(-1)[targets],
    )


def _order(shape: Any) -> Index:
    return channels_first(lava_shape(shape))


def _macs(name: str, node: Any, shape: Any) -> int:
    return int(matrix(name, node, shape).nnz)
