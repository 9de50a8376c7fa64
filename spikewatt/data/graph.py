"""Skeleton graphs: which joint hangs on which, and the adjacency that graph convolutions use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spikewatt.errors import unknown_name


@dataclass(frozen=True)
class Skeleton:
    """A tree of joints; joints are numbered from 0.

    `parents[j]` is the joint that j hangs on, one bone nearer to the root; the root's parent is
    itself. `center` is the joint that clips are centred on. `pairs` are (left, right) joints.
    """

    name: str
    joints: tuple[str, ...]  # names, in the order of the data
    parents: tuple[int, ...]
    center: int
    pairs: tuple[tuple[int, int], ...] = ()
    flat: bool = False  # x and y only: the third coordinate is no place, and nothing turns it

    @property
    def size(self) -> int:
        """Number of joints V."""
        return len(self.parents)

    @cached_property
    def root(self) -> int:
        """The joint whose parent is itself."""
        return next(j for j, parent in enumerate(self.parents) if j == parent)

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Bones as (joint, parent), in the order of the joints; V - 1 of them."""
        return tuple((j, parent) for j, parent in enumerate(self.parents) if j != parent)

    @cached_property
    def lateral(self) -> tuple[tuple[int, int], ...]:
        """(left, right) joints that hang on the same joint: the shoulder and the hip line."""
        return tuple((a, b) for a, b in self.pairs if self.parents[a] == self.parents[b])

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """For every joint the one on the other side of the body."""
        swap = {a: b for a, b in self.pairs} | {b: a for a, b in self.pairs}
        return tuple(swap.get(j, j) for j in range(self.size))

    def partitions(self) -> npt.NDArray[np.float32]:
        """Adjacency A[k, target, source] of 0 and 1, (3, V, V): self, inward, outward.

        Inward messages go from a joint to its parent, outward ones from a parent to its joints.
        """
        a = np.zeros((3, self.size, self.size), dtype=np.float32)
        a[0] = np.eye(self.size)
        for joint, parent in self.edges:
            a[1, parent, joint] = 1
            a[2, joint, parent] = 1
        return a


def _sides(*names: str) -> tuple[str, ...]:
    return tuple(f"{side} {name}" for side in ("left", "right") for name in names)


_ARM = ("shoulder", "elbow", "wrist", "hand")
_LEG = ("hip", "knee", "ankle", "foot")
_LIMB_PAIRS = tuple((j, j + 4) for first in (4, 12) for j in range(first, first + 4))
_LIMB_PARENTS_UCLA = (2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18)
_LIMB_PARENTS_NTU = (20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18)

NW_UCLA20 = Skeleton(
    name="nw-ucla-20",
    joints=("hip centre", "spine", "shoulder centre", "head", *_sides(*_ARM), *_sides(*_LEG)),
    parents=(1, 2, 2, 2, *_LIMB_PARENTS_UCLA),
    center=2,
    pairs=_LIMB_PAIRS,
)

NTU25 = Skeleton(
    name="ntu-25",
    joints=(
        *("spine base", "spine middle", "neck", "head", *_sides(*_ARM), *_sides(*_LEG)),
        *("spine shoulder", *_sides("hand tip", "thumb")),
    ),
    parents=(1, 20, 20, 2, *_LIMB_PARENTS_NTU, 20, 22, 7, 24, 11),
    center=1,  # where preprocessed NTU files are centred; the root is joint 20
    pairs=(*_LIMB_PAIRS, (21, 23), (22, 24)),
)

UTD20 = Skeleton(
    name="utd-20",
    joints=("head", "shoulder centre", "spine", "hip centre", *_sides(*_ARM), *_sides(*_LEG)),
    parents=(1, 1, 1, 2, 1, 4, 5, 6, 1, 8, 9, 10, 3, 12, 13, 14, 3, 16, 17, 18),
    center=1,
    pairs=_LIMB_PAIRS,
)

# Key points of pose networks: COCO's 17, and OpenPose's 25 (of which its older 18 are a part).
COCO17 = Skeleton(
    name="coco-17",
    joints=(
        *("nose", "left eye", "right eye", "left ear", "right ear"),
        *("left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist"),
        *("right wrist", "left hip", "right hip", "left knee", "right knee"),
        *("left ankle", "right ankle"),
    ),
    parents=(0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    center=0,
    pairs=tuple((j, j + 1) for j in range(1, 17, 2)),
    flat=True,
)

OPENPOSE25 = Skeleton(
    name="openpose-25",
    joints=(
        *("nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder"),
        *("left elbow", "left wrist", "hip centre", "right hip", "right knee", "right ankle"),
        *("left hip", "left knee", "left ankle", "right eye", "left eye", "right ear", "left ear"),
        *("left big toe", "left small toe", "left heel"),
        *("right big toe", "right small toe", "right heel"),
    ),
    parents=(
        *(1, 1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 10, 8, 12, 13),
        *(0, 0, 15, 16, 14, 19, 14, 11, 22, 11),
    ),
    center=1,
    pairs=(
        *((5, 2), (6, 3), (7, 4), (12, 9), (13, 10), (14, 11)),
        *((16, 15), (18, 17), (19, 22), (20, 23), (21, 24)),
    ),
    flat=True,
)

SKELETONS = {s.name: s for s in (NW_UCLA20, NTU25, UTD20, COCO17, OPENPOSE25)}


def skeleton(name: str) -> Skeleton:
    """The skeleton of this name; raises SpikewattError with the known names."""
    if name not in SKELETONS:
        raise unknown_name("skeleton", name, list(SKELETONS))
    return SKELETONS[name]
