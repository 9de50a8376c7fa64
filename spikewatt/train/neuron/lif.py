"""The LIF and PLIF neurons of the skeleton and vision papers, in the CUBA neuron's integers."""

from __future__ import annotations

import math

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.neuron.cuba import CubaNeuron
from spikewatt.train.neuron.rounding import quantize
from spikewatt.train.neuron.surrogates import ATan, Surrogate


class ParametricLif(CubaNeuron):
    """A LIF neuron whose time constant is learned: tau = 1 / sigmoid(a), one parameter a layer.

    H[t] = V[t-1] + k (X[t] - V[t-1]), k = round(4096 sigmoid(a)) / 4096; gradients pass the
    rounding (Fang et al., arXiv 2007.05785).
    """

    exact_decay = True

    def _register_decays(self, current_decay, voltage_decay) -> None:
        self.register_buffer("current_decay", torch.tensor([self.p_scale * float(current_decay)]))
        self.a = nn.Parameter(torch.tensor([math.log(voltage_decay / (1 - voltage_decay))]))

    @property
    def voltage_decay(self) -> torch.Tensor:
        """4096 sigmoid(a), (1,)."""
        return self.p_scale * torch.sigmoid(self.a)

    def clamp(self) -> None:
        """A sigmoid needs none."""

    def decays(self) -> tuple[torch.Tensor, torch.Tensor]:
        """4096, and the rounded voltage decay with its gradient to a."""
        return self.current_decay, quantize(self.voltage_decay)


def lif(
    tau: float = 2.0,
    threshold: float = 1.0,
    surrogate: Surrogate | None = None,
    detach_reset: bool = True,
) -> CubaNeuron:
    """H[t] = V[t-1] + (X[t] - V[t-1]) / tau, fires above threshold, V = 0 then; ATan by default.

    tau: steps, 1 or more. 1 / tau is rounded to whole 4096ths.
    """
    if tau < 1:
        raise SpikewattError(f"tau is {tau}; a LIF neuron's time constant is 1 step or more.")
    return CubaNeuron(
        threshold=threshold,
        current_decay=1.0,
        voltage_decay=1 / tau,
        surrogate=surrogate or ATan(),
        detach_reset=detach_reset,
        input_gain="decay",
    )


def plif(
    tau: float = 2.0,
    threshold: float = 1.0,
    surrogate: Surrogate | None = None,
    detach_reset: bool = True,
) -> ParametricLif:
    """`lif` with a learnable tau, which starts at the one given (more than 1 step)."""
    if tau <= 1:
        raise SpikewattError(f"tau is {tau}; a learnable time constant starts above 1 step.")
    return ParametricLif(
        threshold=threshold,
        current_decay=1.0,
        voltage_decay=1 / tau,
        surrogate=surrogate or ATan(),
        detach_reset=detach_reset,
        input_gain="decay",
    )
