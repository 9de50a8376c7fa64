"""Energy that a sensor read, or the reason why none did."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from spikewatt.errors import SpikewattError


@dataclass(frozen=True)
class Measured:
    """Energy of one sample as a sensor read it: joules, on which device, by which method."""

    joules: float
    device: str
    method: str

    def __post_init__(self) -> None:
        if not (isfinite(self.joules) and self.joules > 0):
            raise SpikewattError(
                f"The measured energy on {self.device} is {self.joules} J, expected a positive "
                f"number. A run bound by its input and output can measure less power busy than "
                f"idle; measure longer, or a larger network."
            )


@dataclass(frozen=True)
class Unavailable:
    """No measurement, and why."""

    reason: str


Measurement: TypeAlias = Measured | Unavailable
