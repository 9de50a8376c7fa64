"""Modalities against loops over joints and frames."""

from __future__ import annotations

import numpy as np
import pytest

from spikewatt.data.graph import NTU25, NW_UCLA20, Skeleton
from spikewatt.data.modalities import MODALITIES, check_modalities
from spikewatt.errors import SpikewattError


def looped(name: str, x: np.ndarray, graph: Skeleton) -> np.ndarray:
    def value(t: int, j: int) -> np.ndarray:
        return x[t, j] - x[t, graph.parents[j]] if "bone" in name else x[t, j]

    out = np.zeros_like(x)
    for t in range(len(x)):
        for j in range(graph.size):
            if "motion" not in name:
                out[t, j] = value(t, j)
            elif t > 0:
                out[t, j] = value(t, j) - value(t - 1, j)
    return out


@pytest.mark.parametrize("name", MODALITIES)
@pytest.mark.parametrize("graph", [NW_UCLA20, NTU25], ids=lambda g: g.name)
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_against_loops(name: str, graph: Skeleton, frames: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, frames, graph.size, 3)).astype(np.float32)
    got = MODALITIES[name](x, graph)
    assert got.dtype == np.float32
    for clip, result in zip(x, got, strict=True):
        assert np.array_equal(result, looped(name, clip, graph))


def test_the_root_has_no_bone() -> None:
    x = np.random.default_rng(0).normal(size=(3, 20, 3))
    assert not MODALITIES["bone"](x, NW_UCLA20)[:, NW_UCLA20.root].any()


def test_unknown_modality_lists_the_known() -> None:
    with pytest.raises(SpikewattError, match=r"'speed'.*bone, bone_motion, joint, joint_motion"):
        check_modalities(["joint", "speed"])
