"""Orders of neurons: (x, y, channel) here and in Lava, (channel, y, x) behind a flatten layer."""

from __future__ import annotations

import numpy as np

from spikewatt.network import Dense, IntArray, Shape, Sparse


def spread(shape: Shape) -> bool:
    """Whether the two orders differ: more than one axis is longer than 1."""
    return sum(n > 1 for n in shape) > 1


def _flattened(shape: Shape) -> IntArray:
    """Our flat index of each neuron, in the order of a flattened file."""
    places = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    return np.asarray(places.transpose().reshape(-1))


def from_flattened(columns: IntArray, shape: Shape) -> IntArray:
    """Columns of a matrix behind a flatten layer, put into our order of the source's neurons."""
    ours = np.empty_like(columns)
    ours[:, _flattened(shape)] = columns
    return ours


def to_flattened(columns: IntArray, shape: Shape) -> IntArray:
    """Columns in our order, put into the order behind a flatten layer."""
    return np.ascontiguousarray(columns[:, _flattened(shape)])


def matrix(sparse: Sparse, values: IntArray) -> IntArray:
    """Listed values as a matrix (targets, sources), 0 where no synapse is listed."""
    full = np.zeros(sparse.shape, dtype=np.int32)
    full[sparse.targets, sparse.sources] = values
    return full


def listed(dense: Dense, dense_macs: int, zeros: IntArray | None = None) -> Sparse:
    """The non-zero synapses of a matrix, by target, then by source; then the stored zeros.

    zeros: rows of (target, source).
    """
    targets, sources = np.nonzero(dense.weight)
    if zeros is not None:
        targets = np.concatenate((targets, zeros[:, 0]))
        sources = np.concatenate((sources, zeros[:, 1]))
    delay = None if dense.delay is None else dense.delay[targets, sources]
    index = targets.astype(np.int32), sources.astype(np.int32)
    shape = (dense.weight.shape[0], dense.weight.shape[1])
    return Sparse(*index, dense.weight[targets, sources], shape, dense_macs, delay)
