"""The integers a chip holds, with straight-through gradients, in slayer's units (integer / 64)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from spikewatt.network import BIAS_MAX, BIAS_MIN, WEIGHT_MAX, WEIGHT_MIN
from spikewatt.train.neuron.rounding import quantize

CURRENT_MAX = 2**17 - 1  # of a sum of weights; 6 bits more are the state's 24, sign included
READOUT_MARGIN = 2.0  # voltage left free above the largest seen in calibration
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
    whole = quantised.detach().cpu() * WEIGHT_SCALE  # exact: a power of two
    integers = whole.to(torch.int32)
    assert torch.equal(integers.to(whole.dtype), whole)
    return np.asarray(integers.numpy())
