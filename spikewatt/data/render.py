"""Bodies drawn into small images: limbs as anti-aliased capsules, the nearest in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data import body

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]

_JOINTS = [j for j, parent in enumerate(body.PARENTS) if j != parent]
_ABOVE = [body.PARENTS[j] for j in _JOINTS]
_TRUNK = {body.SPINE: 0.14, body.NECK: 0.15, body.HEAD: 0.09}  # half widths in metres, by joint
_HIPS_AND_SHOULDERS = {j: 0.10 for j in (*body.SHOULDERS, *body.HIPS)}
_LIMB_M = 0.055
_RADIUS_M = np.array([(_TRUNK | _HIPS_AND_SHOULDERS).get(j, _LIMB_M) for j in _JOINTS])
VIEWS_DEGREES = (-30.0, 30.0)  # images cannot be turned as skeletons can: the same in both splits
_FOCAL = 1.0  # in image widths
_HEIGHT_M = -0.05  # of what is in the middle of the image, at the camera's height


@dataclass(frozen=True, eq=False)
class Look:
    """Colours from 0 to 1: of each bone (19, 3), and the background (size, size, 3)."""

    bones: Floats
    background: Floats


def look(
    size: int,
    rng: np.random.Generator,
    clothes: tuple[float, float] = (0.05, 0.95),
    wall: tuple[float, float] = (0.25, 0.75),
) -> Look:
    """A random subject and a room: shirt, trousers and skin within a range, a shaded wall."""
    shirt, trousers, skin = rng.uniform(*clothes, (3, 3))
    colours = {body.HEAD: skin, **{j: shirt for j in (body.SPINE, body.NECK)}}
    for left in (*body.SHOULDERS, *body.ELBOWS):
        colours[left] = shirt
    for hip in body.HIPS:
        for joint in range(hip, hip + 3):
            colours[joint] = trousers
    bones = np.array([colours.get(j, skin) for j in _JOINTS], dtype=np.float32)
    corners = rng.uniform(*wall, (2, 2, 3))
    share = np.linspace(0, 1, size)
    across = corners[:, None, 0] + share[:, None] * (corners[:, None, 1] - corners[:, None, 0])
    shaded = across[0] + share[:, None, None] * (across[1] - across[0])
    return Look(bones, (shaded + rng.normal(0, 0.02, shaded.shape)).astype(np.float32))


def draw(joints: Doubles, seen: Look) -> Floats:
    """Images (T, size, size, 3) from 0 to 1 of a body (T, 20, 3) in the camera's axes, z away.

    A pixel's share of a limb is 1/2 minus its distance from the limb's edge in pixels.
    """
    images = np.repeat(seen.background[None], len(joints), axis=0)
    limbs = _limbs(joints, len(seen.background))
    depth = joints[:, _JOINTS, 2] + joints[:, _ABOVE, 2]
    for t, order in enumerate(np.argsort(-depth, axis=1).tolist()):
        for b in order:
            _capsule(images[t], limbs[t][b], seen.bones[b])
    return images


_Limb: TypeAlias = tuple[tuple[float, ...], tuple[int, ...]]


def _limbs(joints: Doubles, size: int) -> list[list[_Limb]]:
    """For each frame and bone: x, y, dx, dy and radius, and the box it touches, in pixels."""
    place, scale = _project(joints, size)
    first, last = place[:, _ABOVE], place[:, _JOINTS]
    radius = (_RADIUS_M * scale[:, _JOINTS])[..., None]
    low = np.floor(np.minimum(first, last) - radius - 1).clip(0, size).astype(int)
    high = np.ceil(np.maximum(first, last) + radius + 1).clip(0, size).astype(int)
    shape = np.concatenate([first, last - first, radius], axis=-1).tolist()
    box = np.concatenate([low, high], axis=-1).tolist()
    return [list(zip(*frame, strict=True)) for frame in zip(shape, box, strict=True)]


def _project(joints: Doubles, size: int) -> tuple[Doubles, Doubles]:
    """Columns and rows (T, 20, 2) in pixels, and pixels a metre (T, 20)."""
    scale = _FOCAL * size / np.maximum(joints[..., 2], 0.5)
    column = size / 2 + joints[..., 0] * scale
    row = size / 2 - (joints[..., 1] - _HEIGHT_M) * scale
    return np.stack([column, row], axis=-1), scale


def _capsule(image: Floats, limb: _Limb, colour: Floats) -> None:
    """Draw one limb into an image (size, size, 3), only where it can be seen."""
    (x0, y0, dx, dy, radius), (left, top, right, bottom) = limb
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right) + (0.5 - x0)
    y = (np.arange(top, bottom) + (0.5 - y0))[:, None]
    along = (x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9)
    along = np.minimum(np.maximum(along, 0), 1)
    x, y = x - along * dx, y - along * dy
    share = np.minimum(np.maximum(0.5 + radius - np.sqrt(x * x + y * y), 0), 1)
    part = image[top:bottom, left:right]
    part += share.astype(np.float32)[..., None] * (colour - part)
