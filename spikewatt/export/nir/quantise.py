"""Float weights and thresholds to 8-bit weights: the one rule, for each population by itself.

Weights, constants and threshold of a population are multiplied by the same factor, so that the
strongest weight fills its 8 bits: the integer threshold T is the largest for which every
weight w / threshold * T lies in [-256, 254] and every constant in 13 bits. Weights are then
rounded to even numbers, constants to whole ones. Where neurons differ in threshold or gain,
their weights take the difference over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.export.nir.neurons import FloatNeuron
from spikewatt.export.nir.signals import FloatArray
from spikewatt.export.nir.wiring import Wiring
from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    DECAY_MAX,
    THRESHOLD_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    CubaLif,
    IntArray,
    Synapses,
)
from spikewatt.validation import NEVER_FIRES


@dataclass(frozen=True, eq=False)
class Quantised:
    """A population's integers. scale: what one unit of the float model became."""

    neuron: CubaLif
    synapses: tuple[Synapses, ...]
    bias: IntArray | None
    scale: float


def quantised(
    name: str, neuron: FloatNeuron, wirings: list[Wiring], constant: FloatArray
) -> Quantised:
    """The integers of a population; constant: what its synapses add each step, in Lava's order."""
    if constant.any() and neuron.i_decay != DECAY_MAX:
        raise SpikewattError(
            f"NIR node {name!r} keeps a current, and a constant (a bias of up to "
            f"{np.abs(constant).max():g}) enters it; Lava adds constants behind the current. "
            "Train without that bias, or with a LIF."
        )
    if not all(np.isfinite(a).all() for a in (constant, *(w.weight for w in wirings))):
        raise SpikewattError(
            f"The weights or constants of NIR node {name!r} are not all numbers. Write the file "
            "again."
        )
    threshold = np.ones_like(neuron.gain) if neuron.threshold is None else neuron.threshold
    gain = np.broadcast_to(neuron.gain / threshold, threshold.shape)
    scaled = [w.times(name, gain) for w in wirings]
    bias = neuron.offset / threshold + gain * constant
    factor = _factor(name, neuron, scaled, bias)
    fires = neuron.threshold is not None
    lif = CubaLif(neuron.i_decay, neuron.v_decay, int(factor) if fires else NEVER_FIRES)
    whole = np.rint(bias * factor).astype(np.int32)
    return Quantised(
        lif,
        tuple(w.build(_even(w.weight * factor)) for w in scaled),
        whole if whole.any() else None,
        factor,
    )


def _even(values: FloatArray) -> IntArray:
    whole = 2 * np.rint(values / 2)
    return np.ascontiguousarray(np.clip(whole, WEIGHT_MIN, WEIGHT_MAX), dtype=np.int32)


def _factor(name: str, neuron: FloatNeuron, wirings: list[Wiring], bias: FloatArray) -> float:
    """The integer threshold; any factor where nothing fires."""
    rooms = [_room(w.weight, WEIGHT_MIN, WEIGHT_MAX) for w in wirings]
    rooms.append(_room(bias, BIAS_MIN, BIAS_MAX))
    factor = min(*rooms, float(THRESHOLD_MAX))
    if neuron.threshold is None:
        return factor
    if factor < 1:
        raise SpikewattError(
            f"NIR node {name!r} has a weight or constant of {1 / factor:.3g} x 254 thresholds, "
            "which 8 bits beside a whole threshold cannot say. Clip its weights."
        )
    return float(np.floor(factor))


def _room(values: FloatArray, low: int, high: int) -> float:
    """By how much values can grow until the first meets a limit; infinite for zeros."""
    top, bottom = values.max(initial=0), values.min(initial=0)
    above = high / top if top > 0 else np.inf
    return float(min(above, low / bottom if bottom < 0 else np.inf))
