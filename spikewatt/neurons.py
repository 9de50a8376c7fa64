"""Neuron models in Lava's fixed point, as frozen records of the integers that execute.

Every model keeps two state arrays that `--record-state` shows as u and v; a membrane read-out
reads v. All states are 0 at a reset. Equations are those of the `fixed_pt` models under lava/proc.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class CubaLif:
    """Current-based leaky integrate-and-fire (lava/proc/lif); spikes are 0 or 1.

    u = sign(u) (|u| (4096 - i_decay) >> 12) + (a_in << 6)          wraps at 24 bit
    v = sign(v) (|v| (4096 - v_decay) >> 12) + u + (bias << 6)      clips at 24 bit
    a spike and v = 0 where v > v_threshold << 6
    """

    i_decay: int  # 0..4096, share of the current lost per step, times 4096
    v_decay: int  # 0..4096, share of the voltage lost per step, times 4096
    v_threshold: int  # mantissa, 0..2**17-1


@dataclass(frozen=True)
class AdaptiveLif:
    """LIF with adaptive threshold and refractoriness (lava/proc/atrlif); spikes are 0 or 1.

    u and v as `CubaLif`, without the reset of v; decays are shares of 4096, towards zero:
    theta = theta_0 + ((theta - theta_0) (4096 - threshold_decay) >> 12)
    r = r (4096 - refractory_decay) >> 12
    a spike where v - r >= theta; then r += 2 theta and theta += threshold_step << 6
    theta_0 is threshold << 6. At a reset theta is theta_0, all else 0.
    """

    i_decay: int
    v_decay: int
    threshold_decay: int
    refractory_decay: int
    threshold: int  # theta_0
    threshold_step: int


@dataclass(frozen=True)
class Delta:
    """Delta encoder (lava/proc/sdn Delta): graded, signed differences of its input.

    act = a_in << (spike_exp + state_exp); delta = act - last act + residue
    sends delta >> state_exp where |delta| >= v_threshold << (spike_exp + state_exp), and then
    the residue is 0, else delta. u is the residue, v the last act. Only as the input population.
    """

    v_threshold: int
    spike_exp: int = 6
    state_exp: int = 6


@dataclass(frozen=True)
class Sigma:
    """Sigma decoder (lava/proc/sdn Sigma): sends the running sum of its input. u = v = the sum."""


@dataclass(frozen=True)
class SigmaDelta:
    """Sigma-delta neuron (lava/proc/sdn SigmaDelta): sums, activates, sends differences.

    sigma += a_in; act = f(sigma + (bias << (spike_exp + state_exp))); then as `Delta`.
    u is sigma, v the last act. f is `relu` or `unit` (identity).
    """

    v_threshold: int
    spike_exp: int = 6
    state_exp: int = 6
    activation: str = "relu"


@dataclass(frozen=True)
class ResonateFire:
    """Resonate-and-fire (lava/proc/rf), or Izhikevich's variant with reset (lava/proc/rf_iz).

    u' = (cos u >> bits) - (sin v >> bits) + (real input << state_exp)        clips at 24 bit
    v' = (sin u >> bits) + (cos v >> bits) + (imaginary input << state_exp)   clips at 24 bit
    a spike where u' >= v_threshold and v' >= 0 > v; Izhikevich's: where v' >= v_threshold, and
    then u' = 0, v' = v_threshold - 1. Shifts round towards zero.

    u is the real, v the imaginary part; projections name the part they drive. sin_decay and
    cos_decay are the integers Lava's process holds (after its own truncation), v_threshold the
    value it compares with.
    """

    sin_decay: int
    cos_decay: int
    v_threshold: int
    izhikevich: bool
    state_exp: int = 6
    decay_bits: int = 12


Neuron: TypeAlias = CubaLif | AdaptiveLif | Delta | Sigma | SigmaDelta | ResonateFire
