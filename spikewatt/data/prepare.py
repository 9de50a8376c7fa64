"""From a recorded clip to a body in a standard place, size and direction; floats throughout.

The vertical axis is y, upwards, in Kinect recordings (NW-UCLA: the median unit vector from hip
to shoulder centre is (0.00, 0.98, -0.15), nearly the same in all three views).
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import Skeleton

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
AnyFloats = TypeVar("AnyFloats", npt.NDArray[np.float32], npt.NDArray[np.float64])

VIEW_FRAMES = 8  # the direction of the body is taken from the first frames
_TINY = 1e-6


def missing(x: Floats) -> npt.NDArray[np.bool_]:
    """Which joints were not seen: (..., 3) -> (...), not finite or 0 in all coordinates."""
    return np.asarray(~np.isfinite(x).all(axis=-1) | (x == 0).all(axis=-1))


def repair(x: Floats, skeleton: Skeleton) -> Doubles:
    """Fill missing joints of one person (T, V, 3), linearly in time, held at the ends.

    A joint that is never seen takes its parent's place, the root the mean of what was seen.
    """
    gone = missing(x)
    out = np.where(gone[..., None], 0.0, x).astype(np.float64)
    if not gone.any() or gone.all():
        return out
    frames = np.arange(len(x))
    for j in np.flatnonzero(gone.any(axis=0) & ~gone.all(axis=0)):
        seen = ~gone[:, j]
        for c in range(3):
            out[:, j, c] = np.interp(frames, frames[seen], out[seen, j, c])
    never = gone.all(axis=0)
    for j in np.flatnonzero(never):
        out[:, j] = _stand_in(out, int(j), never, skeleton)
    return out


def _stand_in(x: Doubles, joint: int, never: npt.NDArray[np.bool_], skeleton: Skeleton) -> Doubles:
    """Where a joint that is never seen is put: at its next ancestor that is seen, (T, 3)."""
    while never[joint] and joint != skeleton.root:
        joint = skeleton.parents[joint]
    return np.asarray(x[:, ~never].mean(axis=1) if never[joint] else x[:, joint])


def choose_person(persons: Floats, skeleton: Skeleton) -> Doubles:
    """The person (M, T, V, 3) -> (T, V, 3) who moves most, repaired; the first one in a tie."""
    return np.asarray(choose_persons(persons, skeleton, 1)[0])


def choose_persons(persons: Floats, skeleton: Skeleton, count: int) -> Doubles:
    """The `count` persons of (M, T, V, 3) who move most, repaired, (count, T, V, 3).

    Whoever moves most comes first, of equals the first one; a place that nobody is left for is
    NaN throughout, as is a second person who is never seen.
    """
    repaired = [repair(p, skeleton) for p in persons]
    seen = [not missing(p).all() for p in persons]
    moved = [
        float(np.abs(np.diff(p, axis=0)).sum()) if s else -1.0
        for p, s in zip(repaired, seen, strict=True)
    ]
    order = sorted(range(len(moved)), key=lambda m: -moved[m])
    out = np.full((count, *persons.shape[1:]), np.nan)
    for place, m in enumerate(order[:count]):
        if seen[m] or place == 0:
            out[place] = repaired[m]
    return out


def body_size(x: Doubles, skeleton: Skeleton) -> float:
    """Mean over the bones of their median length in the clip (T, V, 3); 1 for a body of size 0."""
    joints, parents = np.array(skeleton.edges).T
    lengths = np.linalg.norm(x[:, joints] - x[:, parents], axis=-1)
    size = float(np.median(lengths, axis=0).mean())
    return size if size > _TINY else 1.0


def view_angle(x: Doubles, skeleton: Skeleton) -> float:
    """Angle about the vertical axis that brings the body's left side to -x, radians.

    Taken from the median direction of the shoulder and hip lines, right to left, in the first
    frames of the clip (T, V, 3); 0 where the lines have no horizontal part.
    """
    head = x[:VIEW_FRAMES]
    line = sum((head[:, a] - head[:, b] for a, b in skeleton.lateral), np.zeros((len(head), 3)))
    flat = line[:, (0, 2)]
    norm = np.linalg.norm(flat, axis=-1, keepdims=True)
    if not (norm > _TINY).any():
        return 0.0
    right_to_left = np.median(flat[norm[:, 0] > _TINY] / norm[norm > _TINY][:, None], axis=0)
    if np.abs(right_to_left).max() < _TINY:
        return 0.0
    return float(np.pi - np.arctan2(-right_to_left[1], right_to_left[0]))


def rotate(x: AnyFloats, angle: npt.ArrayLike, axis: int) -> AnyFloats:
    """Turn points (..., 3) about axis 0, 1 or 2 (x, y, z), right-handed, in radians.

    `angle` is a number or broadcasts with the points' leading shape. Element by element, not as
    a matrix product, so that every machine and batch gives the same bits.
    """
    a, b = (axis + 1) % 3, (axis + 2) % 3
    c, s = (f(np.asarray(angle, dtype=x.dtype)) for f in (np.cos, np.sin))
    out = x.copy()
    out[..., a] = c * x[..., a] - s * x[..., b]
    out[..., b] = s * x[..., a] + c * x[..., b]
    return out


def resample(
    x: npt.NDArray[np.float32],
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    frames: int,
) -> npt.NDArray[np.float32]:
    """Frames [start, stop) of (..., T, V, C), resized linearly in time: (..., frames, V, C).

    `start` and `stop` are in frames, whole or not: numbers, or arrays of the leading shape for a
    crop of its own per clip. The first and last frame of the crop are kept.
    """
    low, high, share = frames_between(start, stop, frames, x.shape[-3])
    a, b = (_frames_at(x, index) for index in (low, high))
    return np.asarray(a + share[..., None, None] * (b - a), dtype=np.float32)


def frames_between(
    start: npt.ArrayLike, stop: npt.ArrayLike, frames: int, length: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Where `resample` reads: frame before, frame after, the latter's share, (..., frames) each.

    length: frames there are.
    """
    first = np.asarray(start, dtype=np.float64)[..., None]
    last = np.maximum(np.asarray(stop, dtype=np.float64)[..., None] - 1, first)
    at = np.clip(first + (last - first) * np.linspace(0, 1, frames), 0, length - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, length - 1), (at - low).astype(np.float32)


def _frames_at(x: npt.NDArray[np.float32], index: npt.NDArray[np.intp]) -> Floats:
    if index.ndim == 1:
        return x[..., index, :, :]
    return np.asarray(np.take_along_axis(x, index[..., None, None], axis=-3))
