"""The weights a dense layer really computes with, after lava-dl's and Lava's own rounding.

lava-dl scales a stored matrix up to fill 8 bits, Lava clips and truncates the scaled matrix and
shifts the sum of the synapses back. Both choose a sign mode, by rules that differ where the
largest weight is 0, and Lava clips negative matrices at -255: that is where weights change.
Convolutions are neither clipped nor truncated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikewatt.network import IntArray

_BITS = 8


@dataclass(frozen=True, eq=False)
class Effective:
    """What lava-dl makes of a stored dense matrix.

    weight: the integers that Lava sums, (targets, sources), or None where no integers are equal
    to what it computes. obstacle: why lava-dl cannot load the matrix, or why there are none.
    """

    weight: IntArray | None
    obstacle: str | None = None


def effective(stored: IntArray, together: IntArray | None = None) -> Effective:
    """The effective weights of a stored matrix, (targets, sources), values in [-256, 254].

    together: the matrix that lava-dl scales as one, where `stored` is a part of it (dense_rec).
    """
    whole = stored if together is None else together
    if whole.size == 0 or not whole.any():
        return Effective(stored, "all weights are 0, for which lava-dl raises OverflowError")
    if not stored.any():
        return Effective(stored)
    high, low = int(whole.max()), int(whole.min())
    scale, common = _scale_bits(high, low), _common_bits(whole)
    mixed_for_lava_dl = high >= 0 and low < 0
    scaled = stored << scale
    # Lava's rules: what lava-dl called mixed for a largest weight of 0 is inhibitory here
    weight_bits = _BITS - scale - (common - mixed_for_lava_dl)
    truncated = _BITS - weight_bits + bool(stored.max() > 0 and stored.min() < 0)
    if truncated < 0:  # odd weights below -128 beside zeros: numpy shifts everything out
        return Effective(np.zeros_like(stored))
    kept = _clip_and_truncate(scaled, truncated)
    if np.any(kept & ((1 << scale) - 1)):
        return Effective(None, "Lava rounds each sum of synapses, not each weight")
    return Effective(kept >> scale)


def _scale_bits(high: int, low: int) -> int:
    """Bits by which lava-dl shifts a matrix up."""
    if low >= 0:
        return _floor_log2(255, high)
    if high < 0:
        return _floor_log2(256, -low)
    below = _floor_log2(128, -low)
    return 1 + (below if high == 0 else min(_floor_log2(127, high), below))


def _floor_log2(numerator: int, denominator: int) -> int:
    """floor(log2(numerator / denominator)) in whole numbers."""
    bits = numerator.bit_length() - denominator.bit_length()
    reaches = (numerator << max(-bits, 0)) >= (denominator << max(bits, 0))
    return bits if reaches else bits - 1


def _common_bits(stored: IntArray) -> int:
    """Trailing zero bits that all weights share, at most 8."""
    together = int(np.bitwise_or.reduce(np.abs(stored), axis=None))
    return min((together & -together).bit_length() - 1, _BITS)


def _clip_and_truncate(scaled: IntArray, bits: int) -> IntArray:
    """Lava's clip to 8 bits and removal of the lowest bits, for the sign mode it finds."""
    if scaled.max() <= 0 and scaled.min() < 0:
        return -_clear(np.minimum(-scaled, 255), bits)
    low = -256 if scaled.min() < 0 else 0
    return _clear(np.clip(scaled, low, 255), bits)


def _clear(values: IntArray, bits: int) -> IntArray:
    return (values >> bits) << bits
