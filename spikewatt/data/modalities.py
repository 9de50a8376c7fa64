"""The four modalities of skeleton recognition: joints, bones, and the motion of each.

All work on arrays (..., T, V, 3), or on tensors on any device, and return the same shape and dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import Skeleton
from spikewatt.errors import unknown_name

Floats: TypeAlias = npt.NDArray[np.floating[Any]]


def joint(x: Floats, skeleton: Skeleton) -> Floats:
    """The joints as they are."""
    return x


def bone(x: Floats, skeleton: Skeleton) -> Floats:
    """Each joint minus its parent; 0 at the root."""
    return x - x[..., skeleton.parents, :]


def motion(x: Floats) -> Floats:
    """m[t] = x[t] - x[t - 1], m[0] = 0: a frame needs the past only, so it can be streamed."""
    before = [0, *range(x.shape[-3] - 1)]
    return x - x[..., before, :, :]


def joint_motion(x: Floats, skeleton: Skeleton) -> Floats:
    """Motion of the joints, per frame."""
    return motion(x)


def bone_motion(x: Floats, skeleton: Skeleton) -> Floats:
    """Motion of the bones, per frame."""
    return motion(bone(x, skeleton))


MODALITIES: dict[str, Callable[[Floats, Skeleton], Floats]] = {
    "joint": joint,
    "bone": bone,
    "joint_motion": joint_motion,
    "bone_motion": bone_motion,
}


def check_modalities(names: Sequence[str]) -> None:
    """Raise SpikewattError for the first name that is no modality, with the known ones."""
    for name in names:
        if name not in MODALITIES:
            raise unknown_name("modality", name, list(MODALITIES))
