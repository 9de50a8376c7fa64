"""Rules for values: whole, in range, of a sound shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import Shape, Violation


def out_of_range(
    layer: int | None, what: str, values: Any, limits: tuple[int, int], hint: str
) -> Iterator[Violation]:
    """One violation for all values outside the limits, naming the worst and how many there are."""
    array = np.asarray(values)
    bad = array[(array < limits[0]) | (array > limits[1])]
    if bad.size:
        worst = bad.reshape(-1)[np.argmax(np.abs(bad.astype(np.int64)))]
        count = f" ({bad.size} of {array.size} values)" if array.size > 1 else ""
        yield Violation(layer, what, f"{worst}{count}", f"{limits[0]}..{limits[1]}", hint)


def not_integers(layer: int, what: str, array: npt.NDArray[Any]) -> Iterator[Violation]:
    """One violation for an array that can hold fractions."""
    if not np.issubdtype(array.dtype, np.integer):
        yield Violation(layer, f"{what} type", str(array.dtype), "whole numbers", "quantise it")


def unsound_shape(layer: int, what: str, shape: Shape) -> Iterator[Violation]:
    """One violation for a shape that no population has."""
    if not 1 <= len(shape) <= 3 or min(shape) < 1:
        hint = "give (n,) or (x, y, channel)"
        yield Violation(layer, what, str(shape), "1 to 3 axes of at least 1", hint)


def other_shape(layer: int, what: str, found: Shape, want: Shape, hint: str) -> Iterator[Violation]:
    """One violation for an array of another shape than it must have."""
    if found != want:
        yield Violation(layer, what, str(found), str(want), hint)
