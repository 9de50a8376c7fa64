"""Surrogate gradients of the spike: what takes the place of the step's derivative.

x = (v - threshold) / threshold is the papers' x with V_th = 1; the derivative by v is
f(x) / threshold.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch

from spikewatt.errors import SpikewattError

# slayer's, so that tau_grad = scale_grad = 1 is a good start
TAU_MULT, SCALE_MULT = 100, 0.1

EXPONENTIAL, LORENTZIAN, LOGISTIC, BOX, ONE_SIDED, FLAT = range(6)


class Slope(NamedTuple):
    """height x shape((v - center) / width), v in slayer's units; `shape` is one of those above."""

    shape: int
    center: float
    width: float
    height: float


@dataclass(frozen=True)
class Surrogate(ABC):
    """A surrogate derivative of the spike."""

    @abstractmethod
    def slope(self, threshold: float, threshold_eps: float) -> Slope:
        """The derivative by v of a neuron that fires above `threshold`."""

    def graded(self, threshold: float, threshold_eps: float) -> Slope:
        """The derivative of a graded spike; SpikewattError where there is none."""
        raise SpikewattError(
            f"{type(self).__name__} is the surrogate of a binary spike, but graded_spike is True. "
            "Use SlayerExponential, or graded_spike=False."
        )


@dataclass(frozen=True)
class SlayerExponential(Surrogate):
    """slayer's: f(x) = scale / (2 tau) exp(-|x| / tau), tau = 100 tau_grad, scale = 0.1 scale_grad.

    Shrestha and Orchard, SLAYER, NeurIPS 2018, as lava-dl scales it.
    """

    tau_grad: float = 1.0
    scale_grad: float = 1.0

    def slope(self, threshold: float, threshold_eps: float) -> Slope:
        """Centred a little above the threshold, where slayer's step is."""
        return exponential(self.tau_grad * threshold, self.scale_grad, threshold + threshold_eps)

    def graded(self, threshold: float, threshold_eps: float) -> Slope:
        """scale below the threshold falling as exp(x / tau), scale itself above."""
        slope = self.slope(threshold, threshold_eps)
        return slope._replace(shape=ONE_SIDED, height=self.scale_grad * SCALE_MULT)


@dataclass(frozen=True)
class ATan(Surrogate):
    """f(x) = alpha / 2 / (1 + (pi / 2 alpha x)^2), arXiv 2007.05785."""

    alpha: float = 2.0

    def slope(self, threshold: float, threshold_eps: float) -> Slope:
        """A Lorentz curve of width 2 / (pi alpha) thresholds."""
        width = threshold * 2 / (math.pi * self.alpha)
        return Slope(LORENTZIAN, threshold, width, self.alpha / 2 / threshold)


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    """f(x) = alpha s (1 - s), s = 1 / (1 + exp(-alpha x))."""

    alpha: float = 4.0

    def slope(self, threshold: float, threshold_eps: float) -> Slope:
        """The logistic density of width 1 / alpha thresholds."""
        return Slope(LOGISTIC, threshold, threshold / self.alpha, self.alpha / threshold)


@dataclass(frozen=True)
class Rectangular(Surrogate):
    """f(x) = 1 / width where |x| < width / 2, else 0 (STBP, arXiv 1706.02609)."""

    width: float = 1.0

    def slope(self, threshold: float, threshold_eps: float) -> Slope:
        """A box of `width` thresholds."""
        return Slope(BOX, threshold, threshold * self.width / 2, 1 / (threshold * self.width))


def exponential(tau_rho: float, scale_rho: float, center: float) -> Slope:
    """slayer's surrogate from the attributes of its neuron."""
    tau = tau_rho * TAU_MULT
    return Slope(EXPONENTIAL, center, tau, scale_rho * SCALE_MULT / 2 / tau)


def derivative(voltage: torch.Tensor, slope: Slope) -> torch.Tensor:
    """The surrogate derivative at each voltage, of the voltage's shape."""
    x = (voltage - slope.center) / slope.width
    return slope.height * _SHAPES[slope.shape](x)


_SHAPES = {
    EXPONENTIAL: lambda x: torch.exp(-torch.abs(x)),
    LORENTZIAN: lambda x: 1 / (1 + x * x),
    LOGISTIC: lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
    BOX: lambda x: (torch.abs(x) < 1).to(x.dtype),
    ONE_SIDED: lambda x: torch.exp(torch.clamp(x, max=0)),
    FLAT: torch.ones_like,
}
