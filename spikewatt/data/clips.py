"""Clips and data sets as every loader returns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import Skeleton


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording: joints (persons M, frames T, joints V, 3) float32 in metres, and its class.

    A joint that was not seen is NaN, or 0 in all three coordinates.
    """

    joints: npt.NDArray[np.float32]
    label: int  # 0-based
    name: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its split; `report` says what was skipped and why, a line each."""

    name: str
    skeleton: Skeleton
    classes: tuple[str, ...]
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    report: tuple[str, ...] = ()
