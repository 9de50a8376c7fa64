"""The energy that a sensor reads while a backend works, or why none does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from spikewatt.energy.measured import Measurement, Unavailable

Work: TypeAlias = Callable[[], int]  # runs once; returns the number of samples it ran


def measured(work: Work) -> Measurement:
    """Energy of a sample of this work; the one place where sensors of the host belong."""
    return Unavailable("this version reads no power sensor of the machine it runs on")
