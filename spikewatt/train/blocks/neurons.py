"""Settings of the neurons that spikewatt's own networks train with."""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.train.neuron import CubaNeuron


@dataclass(frozen=True)
class NeuronSettings:
    """A LIF population without current memory.

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
