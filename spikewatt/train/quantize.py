"""The integers a chip holds, with straight-through gradients, in slayer's units (integer / 64)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from spikewatt.network import BIAS_MAX, BIAS_MIN, GAIN_UNITY, WEIGHT_MAX, WEIGHT_MIN
from spikewatt.train.neuron.rounding import quantize

CURRENT_MAX = 2**17 - 1  # of a sum of weights; 6 bits more are the state's 24, sign included
READOUT_MARGIN = 2.0  # voltage left free above the largest seen in calibration
READOUT_LEFT = 1.5  # of it, at least, after fine-tuning
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


def quantize_gain(gain: torch.Tensor) -> torch.Tensor:
    """Nearest share of 4096 in [-1, 1]."""
    return _clamp_straight_through(quantize(gain, step=1 / GAIN_UNITY), -1, 1)


class _Gained(torch.autograd.Function):
    @staticmethod
    def forward(ctx, arrived, gain):
        by_step = gain[:, None, None]
        ctx.save_for_backward(arrived, by_step)
        # doubles hold the products of sums and shares; the rest is cut off, as integers do it
        units = torch.trunc(arrived.double() * by_step.double() * WEIGHT_SCALE)
        return (units / WEIGHT_SCALE).to(arrived.dtype)

    @staticmethod
    def backward(ctx, grad):
        arrived, by_step = ctx.saved_tensors
        return grad * by_step, (grad * arrived).sum(dim=(0, 2, 3))


def gained(arrived: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """What gains of steps make of sums: a g / 4096 towards zero, in integers a and g.

    arrived: (N, C, X, Y, T) sums of weights, in units of 1/64. gain: (C, T) quantised. The
    gradient is that of the product.
    """
    return _Gained.apply(arrived, gain)


def to_integers(quantised: torch.Tensor, scale: int = WEIGHT_SCALE) -> npt.NDArray[np.int32]:
    """The integers behind quantised values, by default in slayer's units."""
    whole = quantised.detach().cpu() * scale  # exact: a power of two
    integers = whole.to(torch.int32)
    assert torch.equal(integers.to(whole.dtype), whole)
    return np.asarray(integers.numpy())
