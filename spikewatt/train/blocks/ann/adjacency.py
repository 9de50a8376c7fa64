"""Adjacency matrices [subset, target, source] of the skeleton networks, as numpy arrays.

y[target] = sum over sources of A[target, source] x[source], so a row says where a joint listens.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import Skeleton
from spikewatt.errors import unknown_name

Array = npt.NDArray[np.float32]


def neighbours(skeleton: Skeleton) -> Array:
    """Symmetric adjacency of the bones without the joints themselves, (V, V) of 0 and 1."""
    _, inward, outward = skeleton.partitions()
    return inward + outward


def average_sources(subsets: Array) -> Array:
    """Each subset's rows divided by their sums: a joint hears the mean of its sources."""
    return subsets / np.maximum(subsets.sum(axis=-1, keepdims=True), 1)


def divide_senders(subsets: Array) -> Array:
    """Each subset's columns divided by their sums: a joint shares itself among its targets."""
    return subsets / np.maximum(subsets.sum(axis=-2, keepdims=True), 1)


def _uniform(skeleton: Skeleton) -> Array:
    return skeleton.partitions().sum(axis=0, keepdims=True)


def _distance(skeleton: Skeleton) -> Array:
    itself, inward, outward = skeleton.partitions()
    return np.stack([itself, inward + outward])


# ST-GCN's ways to label the neighbours; the root is the joint that distances are measured from
STRATEGIES: dict[str, Callable[[Skeleton], Array]] = {
    "uniform": _uniform,
    "distance": _distance,
    "spatial": Skeleton.partitions,
}


def labelled_neighbours(skeleton: Skeleton, strategy: str) -> Array:
    """ST-GCN's partitions, (K, V, V): D^-1 (A + I), each neighbour in the subset of its label.

    The subsets together have rows that sum to one. Raises SpikewattError for another strategy.
    """
    if strategy not in STRATEGIES:
        raise unknown_name("partition strategy", strategy, list(STRATEGIES))
    subsets = STRATEGIES[strategy](skeleton)
    return subsets / subsets.sum(axis=(0, 2))[None, :, None]


def exactly_hops(adjacency: Array, hops: int) -> Array:
    """1 between joints whose shortest path has `hops` bones, and on the diagonal; else 0.

    MS-G3D's disentangled neighbourhood, eq. 4 of arXiv 2003.14111, for 0/1 adjacency (V, V).
    """
    itself = np.eye(len(adjacency), dtype=bool)
    step = itself | (adjacency > 0)
    within = nearer = itself
    for _ in range(hops):
        nearer, within = within, (within.astype(np.int64) @ step) > 0
    ring = within & ~nearer
    return (ring | itself).astype(np.float32)


def walks(adjacency: Array, hops: int) -> Array:
    """The `hops`-th power of D^-1/2 (A + I) D^-1/2: weighs joints by the walks that reach them.

    Nearer joints weigh more at every scale; what MS-G3D compares its rings with.
    """
    looped = symmetric(np.maximum(adjacency, np.eye(len(adjacency), dtype=np.float32)))
    return np.linalg.matrix_power(looped, hops)


def symmetric(adjacency: Array) -> Array:
    """D^-1/2 A D^-1/2 of an adjacency whose every row has an entry."""
    scale = adjacency.sum(axis=-1) ** -0.5
    return (scale[:, None] * adjacency * scale[None, :]).astype(np.float32)


def window_graph(adjacency: Array, window: int) -> Array:
    """Bones within a window of frames, (window V, window V), frame by frame.

    A joint is tied to itself and its neighbours in every frame of the window (MS-G3D, eq. 5).
    """
    looped = np.maximum(adjacency, np.eye(len(adjacency), dtype=np.float32))
    return np.tile(looped, (window, window))


def scales(adjacency: Array, count: int, disentangled: bool = True) -> Array:
    """Neighbourhoods 0, 1, ... count - 1 of MS-G3D, normalised, (count, V, V)."""
    if disentangled:
        return np.stack([symmetric(exactly_hops(adjacency, k)) for k in range(count)])
    return np.stack([walks(adjacency, k) for k in range(count)])
