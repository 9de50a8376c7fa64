"""Who acts: tracked bodies denoised, and the two that move most in one array.

The steps and constants are those that NTU RGB+D papers share since Zhang et al., View adaptive
neural networks (TPAMI 2019), and Chen et al., CTR-GCN (ICCV 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import NTU25
from spikewatt.data.ntu.skeleton_file import Body
from spikewatt.errors import SpikewattError

Floats: TypeAlias = npt.NDArray[np.float32]

NOISE_FRAMES = 11  # a body of as few frames is noise
SPREAD = 0.8  # a frame is noise where the body is wider than this share of its height
NOISY_SHARE = 0.69754  # of its frames: such a body is noise
SEEN_AT_ORIGIN_M = 1e-9  # 0, 0, 0 says "not seen"; the joint at the origin was seen


def actors(bodies: list[Body], frames: int) -> Floats:
    """The actors' joints (M, T, 25, 3), M 1 or 2, absent frames 0; frames without both are cut.

    A single body is taken as it is. Raises SpikewattError if all bodies are noise.
    """
    if len(bodies) == 1:
        return _placed(bodies[0], frames)[None]
    ranked = denoised(bodies)
    if not ranked:
        raise SpikewattError(f"no body has more than {NOISE_FRAMES} frames. It is left out.")
    if len(ranked) == 1:
        return _cut(_placed(ranked[0], frames)[None])
    return _cut(_two_actors(ranked, frames))


def denoised(bodies: list[Body]) -> list[Body]:
    """Bodies that are long enough and upright enough, those that move most first.

    Motion is the variance of all joints over the body's frames, summed over x, y, z.
    """
    left = [b for b in bodies if len(b.joints) > NOISE_FRAMES]
    motion = {id(b): _motion(b.joints) for b in left}
    for body in tuple(left):
        upright = _upright(body.joints)
        if len(left) == 1 or upright.all():
            continue
        if 1 - upright.mean() >= NOISY_SHARE:
            left.remove(body)
        else:
            motion[id(body)] = min(motion[id(body)], _motion(body.joints[upright]))
    return sorted(left, key=lambda b: -motion[id(b)])


def _upright(joints: Floats) -> npt.NDArray[np.bool_]:
    width, height = (np.ptp(joints[..., c], axis=1) for c in (0, 1))
    return np.asarray(width <= SPREAD * height)


def _motion(joints: Floats) -> float:
    points = joints.reshape(-1, 3).astype(np.float64)
    return float(points.var(axis=0).sum())


def _placed(body: Body, frames: int) -> Floats:
    out = np.zeros((frames, NTU25.size, 3), dtype=np.float32)
    out[body.start : body.stop] = body.joints
    return out


@dataclass
class _Actor:
    """The frames that an actor has so far."""

    joints: Floats
    first: int = 0
    last: int = 0

    def takes(self, body: Body) -> bool:
        """Whether the body's frames do not overlap with the actor's; if so they are its."""
        first, last = body.start, body.stop - 1
        if min(self.last, last) - max(self.first, first) > 0:
            return False
        self.joints[first : last + 1] = body.joints
        self.first, self.last = min(self.first, first), max(self.last, last)
        return True


def _two_actors(ranked: list[Body], frames: int) -> Floats:
    """The body that moves most is actor 1; each further one joins the first actor it fits."""
    joints = np.zeros((2, frames, NTU25.size, 3), dtype=np.float32)
    main = ranked[0]
    joints[0, main.start : main.stop] = main.joints
    both = (_Actor(joints[0], main.start, main.stop - 1), _Actor(joints[1]))
    for body in ranked[1:]:
        next((actor for actor in both if actor.takes(body)), None)
    return joints


def _cut(joints: Floats) -> Floats:
    return joints[:, joints.any(axis=(0, 2, 3))]


def centred(joints: Floats) -> Floats:
    """Joints (M, T, 25, 3) about joint 2 of actor 1's first frame; absent frames stay 0.

    This is the last stage of the field's preprocessing, which pads with zeros after it: an array
    that has been through it does not change.
    """
    there = joints.any(axis=(2, 3))
    if not there[0].any():
        return joints
    origin = joints[0, there[0].argmax(), NTU25.center]
    return np.where(there[..., None, None], joints - origin, np.float32(0))


def padded(joints: Floats, frames: int) -> Floats:
    """Joints (M, T, 25, 3) as the published arrays hold them: (frames, 150), zeros at the end."""
    out = np.zeros((frames, 2, NTU25.size, 3), dtype=np.float32)
    out[: joints.shape[1], : len(joints)] = joints.swapaxes(0, 1)
    return out.reshape(frames, -1)


def unpadded(row: Floats) -> Floats:
    """The actors (M, T, 25, 3) of a published array's row (frames, 150), without the padding."""
    joints = row.reshape(len(row), 2, NTU25.size, 3).swapaxes(0, 1)
    there = joints.any(axis=(2, 3))
    frames = np.flatnonzero(there.any(axis=0))
    persons = 2 if there[1].any() else 1
    return joints[:persons, : frames[-1] + 1 if len(frames) else 0].copy()


def origin_seen(joints: Floats) -> Floats:
    """Centred joints whose joint at the origin does not read as one that was not seen."""
    there = joints.any(axis=(2, 3))[..., None]
    lost = there & ~joints.any(axis=3)
    out = joints.copy()
    out[lost, 1] = SEEN_AT_ORIGIN_M
    return out
