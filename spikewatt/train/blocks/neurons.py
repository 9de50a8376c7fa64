"""Neurons of the blocks: settings, and the integers a population of them has."""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.network import DECAY_MAX, THRESHOLD_MAX, CubaLif
from spikewatt.train.neuron import CubaNeuron

# all of the current every step, no leak, and a threshold that v never passes
INTEGRATOR = CubaLif(i_decay=DECAY_MAX, v_decay=0, v_threshold=THRESHOLD_MAX)


@dataclass(frozen=True)
class NeuronSettings:
    """A LIF population without current memory, threshold 1 before scaling.

    voltage_decay: share of the voltage lost a step. tau_grad, scale_grad: slayer's surrogate,
    height scale_grad / 20 / tau_grad at the threshold, width 100 tau_grad thresholds.
    """

    voltage_decay: float = 0.5
    tau_grad: float = 0.003
    scale_grad: float = 6.0

    def build(self, threshold: float = 1.0) -> CubaNeuron:
        """A neuron of these settings; the surrogate keeps its shape when the threshold scales."""
        return CubaNeuron(
            threshold=threshold,
            current_decay=1.0,
            voltage_decay=self.voltage_decay,
            tau_grad=self.tau_grad,
            scale_grad=self.scale_grad,
        )


def cuba_integers(neuron: CubaNeuron) -> dict[str, int]:
    """The integers of a slayer neuron under the names of `CubaLif`."""
    params = neuron.device_params
    names = {"i_decay": "iDecay", "v_decay": "vDecay", "v_threshold": "vThMant"}
    return {ours: int(params[theirs]) for ours, theirs in names.items()}
