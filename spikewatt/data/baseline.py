"""Two small classifiers that say what a data set asks for: poses, or their order in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip, Dataset
from spikewatt.data.encode import SkeletonEncoder

Doubles: TypeAlias = npt.NDArray[np.float64]

RIDGE = 1e-2  # per clip and standardised feature


def _labels(clips: Sequence[Clip]) -> npt.NDArray[np.int64]:
    return np.array([c.label for c in clips], dtype=np.int64)


def _accuracy(dataset: Dataset[Clip], scores: Doubles) -> float:
    return float((scores.argmax(axis=1) == _labels(dataset.test)).mean())


def _mean_poses(encoder: SkeletonEncoder, clips: Sequence[Clip]) -> Doubles:
    means = [encoder.prepare(c).mean(axis=0, dtype=np.float64) for c in clips]
    return np.asarray(np.stack(means).reshape(len(clips), -1))


def mean_pose_baseline(dataset: Dataset[Clip]) -> float:
    """Test accuracy of a linear classifier that sees only each clip's mean pose.

    Ridge regression of the classes on the mean over time of the prepared joints,
    W = (X'X + r I)^-1 X'Y, features standardised on the training clips.
    """
    encoder = SkeletonEncoder(dataset.graph)
    train, test = (_mean_poses(encoder, c) for c in (dataset.train, dataset.test))
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-9
    x, z = (np.insert((a - mean) / spread, 0, 1.0, axis=1) for a in (train, test))
    y = np.eye(len(dataset.classes))[_labels(dataset.train)]
    w = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ y)
    return _accuracy(dataset, np.asarray(z @ w, dtype=np.float64))


def trajectory_baseline(dataset: Dataset[Clip]) -> float:
    """Test accuracy of a kernel classifier on the encoded clips, in which time is seen.

    Kernel ridge regression, k(a, b) = exp(-|a - b|^2 / s), s half the median squared distance.
    """
    encoder = SkeletonEncoder(dataset.graph)
    train, test = (
        encoder.encode_all(c).reshape(len(c), -1).astype(np.float64)
        for c in (dataset.train, dataset.test)
    )
    apart = _squared_distances(train, train)
    width = float(np.median(apart)) / 2
    y = np.eye(len(dataset.classes))[_labels(dataset.train)]
    alpha = np.linalg.solve(np.exp(-apart / width) + RIDGE * np.eye(len(train)), y)
    return _accuracy(dataset, np.exp(-_squared_distances(test, train) / width) @ alpha)


def _squared_distances(a: Doubles, b: Doubles) -> Doubles:
    return np.asarray((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T)
