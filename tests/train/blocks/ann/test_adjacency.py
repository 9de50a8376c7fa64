"""Adjacency matrices against breadth-first search and hand-made rows."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from spikewatt.data.graph import NTU25, SKELETONS, Skeleton
from spikewatt.train.blocks.ann.adjacency import (
    average_sources,
    divide_senders,
    exactly_hops,
    labelled_neighbours,
    neighbours,
    scales,
    symmetric,
    walks,
    window_graph,
)

both = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)


def distances(adjacency: np.ndarray) -> np.ndarray:
    """Bones on the shortest path, by breadth-first search; -1 where there is none."""
    found = np.full(adjacency.shape, -1)
    for start in range(len(adjacency)):
        found[start, start], queue = 0, deque([start])
        while queue:
            joint = queue.popleft()
            for other in adjacency[joint].nonzero()[0]:
                if found[start, other] < 0:
                    found[start, other] = found[start, joint] + 1
                    queue.append(other)
    return found


@both
def test_rings_are_breadth_first_distances(skeleton: Skeleton) -> None:
    bones = neighbours(skeleton)
    apart = distances(bones)
    for hops in range(13):
        expected = (apart == hops) | np.eye(skeleton.size, dtype=bool)
        assert np.array_equal(exactly_hops(bones, hops), expected)


@both
def test_rings_of_a_window(skeleton: Skeleton) -> None:
    graph = window_graph(neighbours(skeleton), 3)
    v = skeleton.size
    bones = neighbours(skeleton) + np.eye(v)
    for a in range(3):
        for b in range(3):
            assert np.array_equal(graph[a * v : (a + 1) * v, b * v : (b + 1) * v], bones)
    apart = distances(graph * (1 - np.eye(3 * v)))
    for hops in range(6):
        expected = (apart == hops) | np.eye(3 * v, dtype=bool)
        assert np.array_equal(exactly_hops(graph, hops), expected)


@both
def test_labels_share_the_mean_of_the_neighbours(skeleton: Skeleton) -> None:
    subsets = labelled_neighbours(skeleton, "spatial")
    np.testing.assert_allclose(subsets.sum(axis=(0, 2)), 1, rtol=1e-6)
    assert np.array_equal(subsets > 0, skeleton.partitions() > 0)
    whole = labelled_neighbours(skeleton, "uniform")
    rings = labelled_neighbours(skeleton, "distance")
    np.testing.assert_allclose(subsets.sum(axis=0), whole[0])
    np.testing.assert_allclose(subsets[1:].sum(axis=0), rings[1])
    for joint in range(skeleton.size):
        degree = 1 + neighbours(skeleton)[joint].sum()
        assert set(np.unique(whole[0, joint])) == {0, np.float32(1) / np.float32(degree)}


def test_the_spatial_labels_are_distances_from_the_root() -> None:
    apart = distances(neighbours(NTU25))[NTU25.root]
    _, inward, outward = NTU25.partitions()
    for target, source in zip(*inward.nonzero(), strict=True):
        assert apart[source] == apart[target] + 1
    for target, source in zip(*outward.nonzero(), strict=True):
        assert apart[source] == apart[target] - 1


@both
def test_rows_or_columns_sum_to_one(skeleton: Skeleton) -> None:
    subsets = skeleton.partitions()
    rows, columns = average_sources(subsets).sum(axis=2), divide_senders(subsets).sum(axis=1)
    np.testing.assert_allclose(rows, subsets.any(axis=2), rtol=1e-6)
    np.testing.assert_allclose(columns, subsets.any(axis=1), rtol=1e-6)


def test_symmetric_normalisation() -> None:
    path = np.float32([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    degrees = [2, 3, 2]
    expected = [[path[i, j] / np.sqrt(degrees[i] * degrees[j]) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(symmetric(path), expected, rtol=1e-6)
    bones = path - np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(walks(bones, 2), np.array(expected) @ expected, rtol=1e-6)
    assert scales(bones, 3).shape == (3, 3, 3)
    np.testing.assert_allclose(scales(bones, 3)[0], np.eye(3))
    np.testing.assert_allclose(scales(bones, 3, disentangled=False)[0], np.eye(3))
