"""The integers a chip holds, with straight-through gradients, in slayer's units (integer / 64)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from spikewatt.export.slayer import slayer
from spikewatt.network import BIAS_MAX, BIAS_MIN, THRESHOLD_MAX, WEIGHT_MAX, WEIGHT_MIN

quantize = slayer.utils.quantize
CURRENT_MAX = 2**17 - 1  # of a sum of weights; 6 bits more are the state's 24, sign included
GROWTH_ROOM = 0.75  # share of the current's range that is used before fine-tuning
WEIGHT_SCALE = 64  # slayer's neuron scale: integer weight = 64 x slayer's weight


def _clamp_straight_through(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    return x + (x.clamp(low, high) - x).detach()


def quantize_weight(weight: torch.Tensor) -> torch.Tensor:
    """Nearest multiple of 2/64 in [-256/64, 254/64], slayer's 8 bits."""
    even = quantize(weight, step=2 / WEIGHT_SCALE)
    return _clamp_straight_through(even, WEIGHT_MIN / WEIGHT_SCALE, WEIGHT_MAX / WEIGHT_SCALE)


def quantize_bias(bias: torch.Tensor) -> torch.Tensor:
    """Nearest multiple of 1/64 within the 13-bit mantissa."""
    whole = quantize(bias, step=1 / WEIGHT_SCALE)
    return _clamp_straight_through(whole, BIAS_MIN / WEIGHT_SCALE, BIAS_MAX / WEIGHT_SCALE)


def to_integers(quantised: torch.Tensor) -> npt.NDArray[np.int32]:
    """The integers behind quantised values in slayer's units."""
    whole = quantised.detach().cpu().double().numpy() * WEIGHT_SCALE
    assert (whole == np.rint(whole)).all()
    return whole.astype(np.int32)


def fill_scale(weight: torch.Tensor, bias: torch.Tensor, current_max: float) -> float:
    """Largest factor on a layer that keeps weights, biases, threshold and currents in range.

    weight: any shape, bias: (channels,), both for threshold 1; current_max: the largest
    |sum of weights x input| that any input can cause. Currents stay below 2**17 before the
    shift by 6, so the 24-bit state never wraps, with room for fine-tuning.
    """
    limits = (
        WEIGHT_MAX / WEIGHT_SCALE / max(float(weight.abs().max()), 1e-9),
        BIAS_MAX / WEIGHT_SCALE / max(float(bias.abs().max()), 1e-9),
        THRESHOLD_MAX / WEIGHT_SCALE,
        CURRENT_MAX * GROWTH_ROOM / WEIGHT_SCALE / max(current_max, 1e-9),
    )
    return min(limits)


READOUT_MARGIN = 2.0  # voltage left free above the largest seen in calibration


def readout_scale(readout: torch.nn.Module, spikes: torch.Tensor) -> float:
    """Factor on an integrating read-out's weights: 8 bits, and v far from its 24-bit clip.

    spikes: (N, C, V, T) of the last population over the calibration clips. The voltage mantissa
    (v >> 6) stays below 2**17 / READOUT_MARGIN on them.
    """
    joints, steps = spikes.shape[2:]
    voltage = float((readout(spikes) * joints * steps).abs().max()) * WEIGHT_SCALE
    weight = float((readout.weight.abs().max() * readout.joints.abs().max()).detach())
    bias = float(readout.bias.abs().max().detach()) * joints
    limits = (
        CURRENT_MAX / READOUT_MARGIN / max(voltage, 1e-9),
        WEIGHT_MAX / WEIGHT_SCALE / max(weight, 1e-9),
        BIAS_MAX / WEIGHT_SCALE / max(bias, 1e-9),
    )
    return min(limits)
