"""A kinematic body of 20 joints: bone lengths and joint angles over time give positions.

Axes of the body: y up, facing -z, its left side at -x; metres and radians. Positive angles about
x swing a hanging limb forwards, positive angles about z swing it to the body's right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.prepare import rotate

Doubles: TypeAlias = npt.NDArray[np.float64]
Angles: TypeAlias = Mapping[tuple[int, int], Doubles]  # (joint, axis x or z) -> (T,)

PELVIS, SPINE, NECK, HEAD = range(4)
SHOULDERS, ELBOWS, HIPS, KNEES, ANKLES = (4, 8), (5, 9), (12, 16), (13, 17), (14, 18)
# Movement starts at the pelvis, so this tree has another root than the skeleton's graph.
PARENTS = (0, 0, 1, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18)
_ARM = ((0.16, -0.05, 0), (0, -0.27, 0), (0, -0.25, 0), (0, -0.08, 0))
_LEG = ((0.09, -0.06, 0), (0, -0.46, 0), (0, -0.40, 0), (0, -0.05, -0.10))
_MIRROR = np.array([-1.0, 1.0, 1.0])


def _rest_offsets() -> Doubles:
    trunk = np.array([(0, 0, 0), (0, 0.12, 0), (0, 0.36, 0), (0, 0.20, 0)])
    arm, leg = np.array(_ARM), np.array(_LEG)
    return np.concatenate([trunk, arm * _MIRROR, arm, leg * _MIRROR, leg])


REST = _rest_offsets()  # (20, 3): from each joint's parent to the joint, standing


def positions(offsets: Doubles, angles: Angles, frames: int) -> Doubles:
    """Forward kinematics: joints (T, 20, 3) of a body with feet on the floor y = 0.

    `offsets` (20, 3) are the bones at rest. A joint's angles turn all that hangs on it, first
    about z, then about x; angles that are not given are 0.
    """
    frame = np.zeros((20, frames, 3, 3))  # rows: the axes of what hangs on the joint
    out = np.zeros((frames, 20, 3))
    for j, parent in enumerate(PARENTS):
        axes = frame[parent] if j else np.broadcast_to(np.eye(3), (frames, 3, 3))
        out[:, j] = out[:, parent] + np.einsum("c,tcd->td", offsets[j], axes)
        frame[j] = axes
        if (j, 0) in angles or (j, 2) in angles:
            frame[j] = np.einsum("tic,tcd->tid", _turned(j, angles, frames), axes)
    return _stand(out)


def _turned(joint: int, angles: Angles, frames: int) -> Doubles:
    axes = np.broadcast_to(np.eye(3), (frames, 3, 3)).copy()
    for axis in (2, 0):
        if (joint, axis) in angles:
            axes = rotate(axes, angles[joint, axis][:, None], axis)
    return axes


def _stand(x: Doubles) -> Doubles:
    """Put the lower foot on the floor and the middle of the ankles over the origin."""
    out = x - x[:, ANKLES].mean(axis=1, keepdims=True) * np.array([1.0, 0.0, 1.0])
    out[..., 1] -= out[..., 1].min(axis=1, keepdims=True)
    return np.asarray(out)
