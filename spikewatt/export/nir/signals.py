"""Nodes without state: how each changes a signal's shape, and the matrix it stands for.

Signals are flat in NIR's own order, (channel, y, x).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import nir
import numpy as np
import numpy.typing as npt
from scipy import sparse

from spikewatt.errors import SpikewattError
from spikewatt.export.nir.graph import Passing
from spikewatt.network import Shape

FloatArray = npt.NDArray[np.float64]
Pair = tuple[int, int]


def _fail(name: str, why: str) -> SpikewattError:
    return SpikewattError(f"NIR node {name!r} cannot be used: {why}.")


def pair(value: Any) -> Pair:
    """(y, x) of one number or two."""
    y, x = np.broadcast_to(np.asarray(value), (2,))
    return int(y), int(x)


def padding(name: str, node: Any) -> Pair:
    """(y, x) padding, also where the node says it in words."""
    value = node.padding
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str):
        return pair(value)
    if value == "valid":
        return 0, 0
    kernel, dilation = node.weight.shape[2:], pair(node.dilation)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if pair(node.stride) != (1, 1) or any(r % 2 for r in reach):
        raise _fail(name, "padding 'same' needs stride 1 and odd kernels; give numbers")
    return reach[0] // 2, reach[1] // 2


def kernel_of(name: str, node: Any, shape: Shape) -> tuple[FloatArray, Pair, Pair, Pair, int]:
    """Kernel (out, in / groups, y, x), stride, padding, dilation (y, x), groups; pools too."""
    if isinstance(node, nir.Conv2d):
        weight = np.asarray(node.weight, dtype=np.float64)
        geometry = pair(node.stride), padding(name, node), pair(node.dilation)
        return weight, *geometry, int(node.groups)
    size, channels = pair(node.kernel_size), shape[0]
    value = 1.0 if isinstance(node, nir.SumPool2d) else 1.0 / prod(size)
    weight = np.full((channels, 1, *size), value)
    return weight, pair(node.stride), pair(node.padding), (1, 1), channels


def _out_linear(name: str, node: Any, shape: Shape) -> Shape:
    if node.weight.ndim != 2 or prod(shape) != node.weight.shape[1] or max(shape) != prod(shape):
        raise _fail(name, f"its weight {node.weight.shape} does not take a signal of shape {shape}")
    return (int(node.weight.shape[0]),)


def _out_kernel(name: str, node: Any, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise _fail(name, f"it takes (channel, y, x), and its signal has the shape {shape}")
    weight, stride, pad, dilation, groups = kernel_of(name, node, shape)
    if weight.shape[1] * groups != shape[0]:
        raise _fail(name, f"its {weight.shape[1] * groups} input channels meet {shape[0]}")
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(shape[1:], weight.shape[2:], stride, pad, dilation, strict=True)
    ]
    if min(out) < 1:
        raise _fail(name, f"nothing is left of a signal of shape {shape}")
    return (int(weight.shape[0]), *out)


def _out_flatten(name: str, node: Any, shape: Shape) -> Shape:
    last = len(shape)
    start, end = int(node.start_dim) % last, int(node.end_dim) % last
    return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])


def _out_same(name: str, node: Any, shape: Shape) -> Shape:
    return shape


_OUT: dict[type, Callable[[str, Any, Shape], Shape]] = {
    nir.Affine: _out_linear,
    nir.Linear: _out_linear,
    nir.Conv2d: _out_kernel,
    nir.SumPool2d: _out_kernel,
    nir.AvgPool2d: _out_kernel,
    nir.Flatten: _out_flatten,
    nir.Scale: _out_same,
    nir.Delay: _out_same,
    Passing: _out_same,
}


def out_shape(name: str, node: Any, shape: Shape) -> Shape:
    """Shape of a node's output for a signal of this shape."""
    return _OUT[type(node)](name, node, shape)


def bias_of(node: Any, shape: Shape) -> FloatArray:
    """What a node adds to its output of this shape, flat."""
    bias = getattr(node, "bias", None)
    if bias is None:
        return np.zeros(prod(shape))
    values = np.asarray(bias, dtype=np.float64).reshape(-1, *(1,) * (len(shape) - 1))
    return np.array(np.broadcast_to(values, shape)).reshape(-1)


def spread(name: str, value: Any, shape: Shape) -> FloatArray:
    """A parameter of every element of a signal, flat."""
    values = np.asarray(value, dtype=np.float64)
    try:
        return np.array(np.broadcast_to(values, shape)).reshape(-1)
    except ValueError as error:
        raise _fail(
            name, f"its parameter of shape {values.shape} does not fit a signal of shape {shape}"
        ) from error


def matrix(name: str, node: Any, shape: Shape) -> sparse.csr_matrix:
    """What a node does to a signal, (outputs, inputs)."""
    if isinstance(node, nir.Affine | nir.Linear):
        return sparse.csr_matrix(np.asarray(node.weight, dtype=np.float64))
    if isinstance(node, nir.Scale):
        return sparse.diags(spread(name, node.scale, shape)).tocsr()
    return _kernel_matrix(name, node, shape)


def _kernel_matrix(name: str, node: Any, shape: Shape) -> sparse.csr_matrix:
    weight, stride, pad, dilation, groups = kernel_of(name, node, shape)
    out = _out_kernel(name, node, shape)
    places_in, places_out = np.arange(prod(shape)), np.arange(prod(out))
    sources, targets = places_in.reshape(shape), places_out.reshape(out)
    ys, xs = np.arange(out[1]), np.arange(out[2])
    rows, columns, values = [], [], []
    for (o, c, i, j), w in np.ndenumerate(weight):
        y, x = ys * stride[0] - pad[0] + i * dilation[0], xs * stride[1] - pad[1] + j * dilation[1]
        here_y, here_x = (y >= 0) & (y < shape[1]), (x >= 0) & (x < shape[2])
        channel = o // (weight.shape[0] // groups) * weight.shape[1] + c
        columns.append(sources[channel][np.ix_(y[here_y], x[here_x])].reshape(-1))
        rows.append(targets[o][np.ix_(ys[here_y], xs[here_x])].reshape(-1))
        values.append(np.full(len(rows[-1]), w))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(entries, shape=(prod(out), prod(shape)))
