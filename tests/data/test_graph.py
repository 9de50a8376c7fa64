"""Skeleton graphs: trees, their counts, and adjacency by target and source."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.data.graph import (
    COCO17,
    NTU25,
    NW_UCLA20,
    OPENPOSE25,
    SKELETONS,
    UTD20,
    Skeleton,
    skeleton,
)
from spikewatt.errors import SpikewattError

# bones as the data set's papers list them, from 1
NW_UCLA_BONES = """1 2, 2 3, 4 3, 5 3, 6 5, 7 6, 8 7, 9 3, 10 9, 11 10, 12 11, 13 1, 14 13, 15 14,
    16 15, 17 1, 18 17, 19 18, 20 19"""
NTU_BONES = """1 2, 2 21, 3 21, 4 3, 5 21, 6 5, 7 6, 8 7, 9 21, 10 9, 11 10, 12 11, 13 1, 14 13,
    15 14, 16 15, 17 1, 18 17, 19 18, 20 19, 22 23, 23 8, 24 25, 25 12"""
UTD_BONES = """1 2, 3 2, 4 3, 5 2, 6 5, 7 6, 8 7, 9 2, 10 9, 11 10, 12 11, 13 4, 14 13, 15 14,
    16 15, 17 4, 18 17, 19 18, 20 19"""
# OpenPose's own list of pairs for BODY_25, from 0 in the paper's code, here from 1
OPENPOSE_BONES = """9 2, 3 2, 6 2, 4 3, 5 4, 7 6, 8 7, 10 9, 11 10, 12 11, 13 9, 14 13, 15 14,
    1 2, 16 1, 18 16, 17 1, 19 17, 20 15, 21 20, 22 15, 23 12, 24 23, 25 12"""


def from_one(text: str) -> set[tuple[int, int]]:
    return {(int(a) - 1, int(b) - 1) for a, b in (pair.split() for pair in text.split(","))}


@pytest.mark.parametrize(
    ("graph", "bones", "nonzero"),
    [
        (NW_UCLA20, NW_UCLA_BONES, 58),
        (NTU25, NTU_BONES, 73),
        (UTD20, UTD_BONES, 58),
        (OPENPOSE25, OPENPOSE_BONES, 73),
    ],
)
def test_bones_and_counts(graph: Skeleton, bones: str, nonzero: int) -> None:
    assert set(graph.edges) == from_one(bones)
    a = graph.partitions()
    assert a.shape == (3, graph.size, graph.size)
    assert a.dtype == np.float32
    assert np.count_nonzero(a) == a.sum() == nonzero


@pytest.mark.parametrize("graph", SKELETONS.values(), ids=str)
def test_every_joint_reaches_the_root(graph: Skeleton) -> None:
    assert len(graph.joints) == graph.size
    for joint in range(graph.size):
        for _ in range(graph.size):
            joint = graph.parents[joint]
        assert joint == graph.root


@pytest.mark.parametrize("graph", SKELETONS.values(), ids=str)
def test_partitions_are_target_by_source(graph: Skeleton) -> None:
    own, inward, outward = graph.partitions()
    assert np.array_equal(own, np.eye(graph.size))
    assert np.array_equal(inward, outward.T)
    for joint, parent in graph.edges:
        assert inward[parent, joint] == 1
    assert inward[:, graph.root].sum() == 0  # the root sends nothing inwards


@pytest.mark.parametrize("graph", SKELETONS.values(), ids=str)
def test_mirroring_swaps_sides_and_keeps_the_tree(graph: Skeleton) -> None:
    mirror = graph.mirrored
    assert [mirror[mirror[j]] for j in range(graph.size)] == list(range(graph.size))
    assert {(mirror[a], mirror[b]) for a, b in graph.edges} == set(graph.edges)
    for left, right in graph.pairs:
        assert graph.joints[left].replace("left", "right") == graph.joints[right]
    lines = {graph.joints[left].removeprefix("left ") for left, _ in graph.lateral}
    assert lines >= ({"shoulder"} if graph is COCO17 else {"shoulder", "hip"})


@pytest.mark.parametrize("graph", [NW_UCLA20, NTU25, UTD20], ids=lambda g: g.name)
def test_shoulder_and_hip_lines(graph: Skeleton) -> None:
    assert graph.lateral == ((4, 8), (12, 16))
    assert not graph.flat


def test_unknown_skeleton_lists_the_known() -> None:
    with pytest.raises(SpikewattError, match=r"'coco'.*coco-17, ntu-25, nw-ucla-20"):
        skeleton("coco")
