"""Neuron models by the type of their record: kernel, constants, sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.lava_runtime.native import neuron_kernels, resonators
from spikewatt.network import (
    AdaptiveLif,
    CubaLif,
    Delta,
    Neuron,
    ResonateFire,
    Sigma,
    SigmaDelta,
)

DECAY_UNITY = 4096
PARTS = {"real": 0, "imag": 1}  # rows of a ring; other neurons have the first only


@dataclass(frozen=True, eq=False)
class Model:
    """What the kernel of a population's neurons needs.

    states: rows of state. parts: dendrites of each neuron. binary: its spikes have no values.
    """

    update: Callable[..., None]
    constants: npt.NDArray[np.int64]
    states: int
    parts: int = 1
    binary: bool = False


def _model(update: Callable[..., None], states: int, *constants: int) -> Model:
    return Model(update, np.array(constants, np.int64), states)


def _spiking(update: Callable[..., None], states: int, *constants: int, parts: int = 1) -> Model:
    return Model(update, np.array(constants, np.int64), states, parts, binary=True)


def _cuba(n: CubaLif) -> Model:
    keep = DECAY_UNITY - n.i_decay, DECAY_UNITY - n.v_decay
    return _spiking(neuron_kernels.update_cuba, 2, *keep, n.v_threshold << 6)


def _adaptive(n: AdaptiveLif) -> Model:
    decays = n.i_decay, n.v_decay, n.threshold_decay, n.refractory_decay
    keep = (DECAY_UNITY - decay for decay in decays)
    jumps = n.threshold << 6, n.threshold_step << 6
    return _spiking(neuron_kernels.update_adaptive, 4, *keep, *jumps)


def _delta(n: Delta) -> Model:
    shift = n.spike_exp + n.state_exp
    return _model(neuron_kernels.update_delta, 2, shift, n.state_exp, n.v_threshold << shift)


def _sigma(n: Sigma) -> Model:
    return _model(neuron_kernels.update_sigma, 1)


def _sigma_delta(n: SigmaDelta) -> Model:
    shift = n.spike_exp + n.state_exp
    constants = shift, n.state_exp, n.v_threshold << shift, int(n.activation == "relu")
    return _model(neuron_kernels.update_sigma_delta, 3, *constants)


def _resonate(n: ResonateFire) -> Model:
    kernels = resonators.update_phase, resonators.update_izhikevich
    constants = n.sin_decay, n.cos_decay, n.v_threshold, n.state_exp, n.decay_bits
    return _spiking(kernels[n.izhikevich], 2, *constants, parts=2)


MODELS: dict[type[Neuron], Callable[[Any], Model]] = {
    CubaLif: _cuba,
    AdaptiveLif: _adaptive,
    Delta: _delta,
    Sigma: _sigma,
    SigmaDelta: _sigma_delta,
    ResonateFire: _resonate,
}


def model(neuron: Neuron) -> Model:
    """The kernel of a neuron record and its constants."""
    return MODELS[type(neuron)](neuron)
