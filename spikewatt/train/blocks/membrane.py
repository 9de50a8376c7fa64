"""The neuron of the papers that repeat a clip over a few steps, and when a current of 1 fires."""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.errors import SpikewattError
from spikewatt.train.neuron import CubaNeuron, Rectangular

FINEST = 1 / 64  # slayer's thresholds are multiples of it


def reached_at(threshold: float) -> float:
    """The threshold of a neuron that shall fire at exactly `threshold`, too.

    Papers fire at v >= V_th, Lava at v > threshold. It matters where the current is a sum of
    spikes, which often is V_th exactly; behind a batch normalisation it does not.
    """
    return threshold - FINEST


@dataclass(frozen=True)
class Membrane:
    """H = keep V + X (STBP, MK-SGN), or keep V + (1 - keep) X: a LIF with tau = 1 / (1 - keep).

    averaging: the second equation. width: of the rectangular surrogate, in thresholds. Raises
    SpikewattError unless 0 <= keep <= 1.
    """

    keep: float = 0.25
    averaging: bool = False
    width: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.keep <= 1:
            raise SpikewattError(f"keep is {self.keep}; a share of the voltage is 0 to 1.")

    def build(self, threshold: float = 1.0) -> CubaNeuron:
        """A population that fires above `threshold` and resets to 0."""
        return CubaNeuron(
            threshold=threshold,
            current_decay=1.0,
            voltage_decay=1 - self.keep,
            surrogate=Rectangular(self.width),
            detach_reset=True,
            input_gain="decay" if self.averaging else 1.0,
        )
