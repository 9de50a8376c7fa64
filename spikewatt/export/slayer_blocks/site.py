"""One block of a chain: its place, its refusals, and its numbers as integers."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError
from spikewatt.export.slayer import slayer
from spikewatt.network import IntArray

FloatArray = npt.NDArray[np.float64]
TOLERANCE = 1e-3  # SLAYER's integers are float32 divided by a power of two


@dataclass(frozen=True)
class Site:
    """A block and its index in the chain."""

    index: int
    block: Any

    @property
    def name(self) -> str:
        """The block's type as lava-dl's users write it, `cuba.Dense`."""
        kind = type(self.block)
        return f"{kind.__module__.split('.')[-1]}.{kind.__name__}"

    def refuse(self, why: str) -> SpikewattError:
        """The error for what cannot be said exactly; why ends in what to do."""
        return SpikewattError(f"Block {self.index} ({self.name}) cannot be exported: {why}")

    def whole(self, values: Any, what: str) -> IntArray:
        """Values that have to be whole numbers, as integers."""
        found = floats(values)
        rounded = np.rint(found)
        if found.size and not np.abs(found - rounded).max() <= TOLERANCE:
            worst = float(found.flat[np.abs(found - rounded).argmax()])
            raise self.refuse(f"its {what} {worst:g} is not a whole number. Quantise it.")
        return np.asarray(rounded, dtype=np.int32)

    def within(self, values: IntArray, limits: tuple[int, int], what: str) -> IntArray:
        """Values that have to lie between two limits, both included."""
        if values.size and (values.min() < limits[0] or values.max() > limits[1]):
            worst = int(values.flat[np.abs(values).argmax()])
            raise self.refuse(
                f"its {what} is {worst}, outside {limits[0]}..{limits[1]}. Scale weights, bias "
                "and threshold down together."
            )
        return values

    def one(self, values: Any, what: str) -> float:
        """The single value that all neurons share."""
        found = np.unique(floats(values))
        if found.size != 1:
            raise self.refuse(f"its {what} differs by channel. Train with shared_param=True.")
        return float(found[0])


def lava_dl_type(module: Any) -> type:
    """lava-dl's class that a module says it equals (`lava_dl_type`), or its own class.

    Only what the very class says counts: a subclass may compute anything.
    """
    path = vars(type(module)).get("lava_dl_type")
    if path is None:
        return type(module)
    found: type = attrgetter(path)(slayer)
    return found


def floats(values: Any) -> FloatArray:
    """A tensor, an array or a number as float64."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)
