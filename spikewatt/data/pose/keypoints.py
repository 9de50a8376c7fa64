"""`keypoints`: clips from the output of a pose network that runs before the spiking one.

This is the place for networks such as OGN (Offset-Guided pose Network, 2019), whose skeletons
are key points of video frames.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.folders import Split, check_folder, gather
from spikewatt.data.graph import Skeleton
from spikewatt.data.pose.formats import Frames, Points, parse
from spikewatt.data.prepare import body_size, choose_person
from spikewatt.errors import SpikewattError

NEEDS = (
    "a folder with train/CLASS/ and test/CLASS/, in which a clip is one JSON file, or a folder "
    "with one JSON file a frame; COCO (17 key points) or OpenPose (25 or 18)"
)
SPLITS: tuple[Split, ...] = ("train", "test")
Persons: TypeAlias = npt.NDArray[np.float64]  # (M, T, V, 3): x, y, score


def _content(file: Path) -> Any:
    return json.loads(file.read_bytes())


def read_frames(path: Path) -> tuple[Skeleton, Frames]:
    """Skeleton and frames of a clip's file or folder; SpikewattError for another content."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    frames: Frames = []
    kinds: dict[str, Skeleton] = {}
    for file in files:
        try:
            skeleton, found = _frame(_content(file), one=path.is_dir())
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise SpikewattError(f"keypoints: {file} cannot be read: {error!r}.") from error
        if skeleton is not None:
            kinds[skeleton.name] = skeleton
        frames += found
    if len(kinds) != 1 or not any(frames):
        raise SpikewattError(
            f"keypoints: {path} has {len(kinds)} kinds of key points in {len(frames)} frames; "
            "expected one kind, and somebody in it."
        )
    return next(iter(kinds.values())), frames


def _frame(content: Any, one: bool) -> tuple[Skeleton | None, Frames]:
    """A file's frames; a frame's file that lists nobody is an empty frame of either kind."""
    if one and content == []:
        return None, [[]]
    skeleton, frames = parse(content)
    if one and len(frames) != 1:
        raise ValueError(f"{len(frames)} frames in the file of one")
    return skeleton, frames


def tracked(frames: Frames, skeleton: Skeleton) -> Persons:
    """Persons (M, T, V, 3) of frames whose order of persons may change, M the most in a frame.

    Each is put to the place whose last person was nearest, greedily, nearest first.
    """
    persons = np.zeros((max(map(len, frames)), len(frames), skeleton.size, 3))
    last = np.full((len(persons), 2), np.inf)
    for t, found in enumerate(frames):
        for place, points in _assigned(found, last):
            persons[place, t] = points
            last[place] = _middle(points)
    return persons


def _assigned(found: list[Points], last: npt.NDArray[np.float64]) -> Iterator[tuple[int, Points]]:
    free, left = list(range(len(last))), list(range(len(found)))
    middles = [_middle(points) for points in found]
    while left:
        apart = {(m, p): _apart(middles[m], last[p]) for m in left for p in free}
        m, p = min(apart, key=lambda pair: (apart[pair], pair))
        left.remove(m)
        free.remove(p)
        yield p, found[m]


def _apart(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Squared distance; places that nobody had yet come last."""
    return float(((a - b) ** 2).sum()) if np.isfinite(b).all() else np.inf


def _middle(points: Points) -> npt.NDArray[np.float64]:
    seen = points[:, 2] > 0
    return np.asarray(points[seen, :2].mean(axis=0) if seen.any() else np.zeros(2))


def joints_of(persons: Persons, skeleton: Skeleton, score: bool = False) -> Persons:
    """Joints (M, T, V, 3) of tracked persons: x, y upwards, and 0 or the score; NaN if not seen.

    Lengths are in mean bones of the person that moves most, so that scores, which stay from
    0 to 1, weigh the same in every clip.
    """
    seen = persons[..., 2:] > 0
    flat = np.where(seen, persons * (1, -1, 0), np.nan)
    size = body_size(choose_person(flat.astype(np.float32), skeleton), skeleton)
    out = flat / size
    if score:
        out[..., 2:] = np.where(seen, persons[..., 2:], np.nan)
    return out


def read_clip(labels: dict[str, int], score: bool, path: Path) -> tuple[Skeleton, Clip]:
    """Skeleton and clip of a file or folder below its class; SpikewattError for a damaged one."""
    skeleton, frames = read_frames(path)
    joints = joints_of(tracked(frames, skeleton), skeleton, score).astype(np.float32)
    return skeleton, Clip(joints, labels[path.parent.name], path.stem)


def _clips(folder: Path) -> Iterator[tuple[Split, Path]]:
    for split in SPLITS:
        for group in sorted(p for p in (folder / split).glob("*") if p.is_dir()):
            for path in sorted(group.iterdir()):
                if path.is_dir() or path.suffix == ".json":
                    yield split, path


def load_keypoints(path: Path, score: bool = False) -> Dataset[Clip]:
    """The clips of a folder; the classes are the names of its folders.

    `score` makes the score the third coordinate. Raises SpikewattError if nothing can be used.
    """
    folder = check_folder("keypoints", path, NEEDS)
    items = [*_clips(folder)]
    classes = sorted({clip.parent.name for _, clip in items})
    read = partial(read_clip, {name: k for k, name in enumerate(classes)}, score)
    kinds: list[Skeleton] = []
    found = gather("keypoints", items, _of_one_kind(read, kinds), NEEDS)
    train, test, report = found.train, found.test, found.report
    return Dataset("keypoints", kinds[0], tuple(classes), train, test, report)


def _of_one_kind(
    read: Callable[[Path], tuple[Skeleton, Clip]], kinds: list[Skeleton]
) -> Callable[[Path], Clip]:
    """`read` without the skeleton; refuses clips of another skeleton than the first one's."""

    def read_same(path: Path) -> Clip:
        skeleton, clip = read(path)
        kinds.append(skeleton)
        if skeleton is not kinds[0]:
            raise SpikewattError(
                f"keypoints: {path} has {skeleton.name}, the clips before it {kinds[0].name}."
            )
        return clip

    return read_same
