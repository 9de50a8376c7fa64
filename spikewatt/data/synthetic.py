"""`synthetic`: skeleton clips of a seeded kinematic body."""

from __future__ import annotations

from spikewatt.data.clips import Dataset
from spikewatt.errors import SpikewattError

CLASSES: tuple[str, ...] = ()


def generate(seed: int) -> Dataset:
    """The data set of this seed."""
    raise SpikewattError("The synthetic data set is not there yet; use nw-ucla:DIR.")
