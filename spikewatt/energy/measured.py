"""Energy that a sensor read, or the reason why none did."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from spikewatt.errors import SpikewattError


@dataclass(frozen=True)
class Measured:
    """Energy of one sample as a sensor read it: joules, on which device, by which method.

    joules: dynamic energy, what the work added to the device at rest. error_j: standard error of
    their mean over repetitions. total_j: with what the device draws at rest in the same time. None
    is not known.
    """

    joules: float
    device: str
    method: str
    error_j: float | None = None
    total_j: float | None = None

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


@dataclass(frozen=True)
class Published:
    """What others measured on a network that is known by its file, and how far it compares.

    steps: of the sample that the joules are for.
    """

    network_sha256: str
    steps: int
    measured: Measured
    source: str
    caveat: str


PUBLISHED = (
    Published(
        network_sha256="4a47723327c0c9e18d8ac3dcbfa2f2e011e6f2c03ebe80cb3b9360ae56124fd3",
        steps=16,
        measured=Measured(
            1.0935e-3, "Loihi 2", "Intel's power probe over 10 000 steps, dynamic energy"
        ),
        source="lava-dl 0.6.0, tutorials/netx/pilotnet_snn/benchmark.ipynb: 0.447156 W dynamic "
        "at 408.91 inferences a second; 1.661 mJ with static power",
        caveat="another, unpublished frame",
    ),
)


def published(network_sha256: str | None, steps: int) -> list[Published]:
    """Published measurements of this network file for samples of this many steps."""
    return [p for p in PUBLISHED if p.network_sha256 == network_sha256 and p.steps == steps]
