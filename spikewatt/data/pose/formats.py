"""The JSON of pose networks: COCO's 17 key points, OpenPose's 25 and 18, a frame or a clip a file.

COCO: Lin et al. (ECCV 2014), a list of results with `image_id` and `keypoints`, or an object with
such a list as `annotations`. OpenPose: Cao et al. (TPAMI 2019), an object with `people`, each with
`pose_keypoints_2d`; of a whole clip a list of these, or one as `frames`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import COCO17, OPENPOSE25, Skeleton

Points: TypeAlias = npt.NDArray[np.float64]  # (V, 3): x, y, score; score 0 where not seen
Frames: TypeAlias = list[list[Points]]  # of each frame the points of each person

# OpenPose's 18 as joints of its 25; the hips' centre is made of the hips, the feet are not there
_OF_18 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
_HIP_CENTRE, _HIPS = 8, [9, 12]


def parse(content: Any) -> tuple[Skeleton, Frames]:
    """Skeleton and frames of a JSON file's content, of a frame or of a clip.

    Raises KeyError, TypeError or ValueError for content of another form.
    """
    for holds, read in _FORMATS:
        if holds(content):
            return read(content)
    raise ValueError("neither COCO results nor OpenPose people")


def _is_coco(content: Any) -> bool:
    entries = content.get("annotations") if isinstance(content, Mapping) else content
    return isinstance(entries, list) and bool(entries) and "keypoints" in entries[0]


def _coco(content: Any) -> tuple[Skeleton, Frames]:
    entries = content["annotations"] if isinstance(content, Mapping) else content
    frames: dict[Any, list[Points]] = {}
    if isinstance(content, Mapping):  # images without anybody are frames too
        frames = {image["id"]: [] for image in content.get("images", ())}
    for entry in entries:
        points = _triples(entry["keypoints"], (COCO17.size,))
        frames.setdefault(entry["image_id"], []).append(points)
    return COCO17, [frames[image] for image in sorted(frames)]


def _is_openpose(content: Any) -> bool:
    return isinstance(content, Mapping) and ("people" in content or "frames" in content)


def _openpose(content: Any) -> tuple[Skeleton, Frames]:
    return _openpose_list(content.get("frames", [content]))


def _is_openpose_list(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(map(_is_openpose, content))


def _openpose_list(frames: Iterable[Any]) -> tuple[Skeleton, Frames]:
    people = ([person["pose_keypoints_2d"] for person in frame["people"]] for frame in frames)
    return OPENPOSE25, [[_of_openpose(numbers) for numbers in frame] for frame in people]


def _of_openpose(numbers: Any) -> Points:
    points = _triples(numbers, (OPENPOSE25.size, len(_OF_18)))
    if len(points) == OPENPOSE25.size:
        return points
    out = np.zeros((OPENPOSE25.size, 3))
    out[list(_OF_18)] = points
    if (out[_HIPS, 2] > 0).all():
        out[_HIP_CENTRE] = out[_HIPS].mean(axis=0)
    return out


def _triples(numbers: Any, sizes: tuple[int, ...]) -> Points:
    points = np.asarray(numbers, dtype=np.float64).reshape(-1, 3)
    if len(points) not in sizes:
        raise ValueError(f"a person has {len(points)} key points, not {sizes}")
    points[~np.isfinite(points).all(axis=1) | (points[:, 2] <= 0)] = 0
    return points


_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[Any], tuple[Skeleton, Frames]]], ...] = (
    (_is_coco, _coco),
    (_is_openpose, _openpose),
    (_is_openpose_list, _openpose_list),
)
