"""exp(-z) in float32 that LLVM vectorises; libm's is called lane by lane."""

from __future__ import annotations

import math

import numba
import numpy as np

F = np.float32
_LOG2_E = F(1 / math.log(2))
# ln 2 in two parts: products of the first with small whole numbers are exact
_LN2_HIGH = F(round(math.log(2) * 2**12) / 2**12)
_LN2_LOW = F(math.log(2) - float(_LN2_HIGH))
_C2, _C3, _C4, _C5, _C6, _C7 = (F(1 / math.factorial(k)) for k in range(2, 8))
_ONE, _HALF = F(1), F(0.5)
_LARGEST = F(87)  # exp(-87) is the last above the smallest normal number
_BIAS, _MANTISSA_BITS = np.int32(127), np.int32(23)


@numba.njit(fastmath={"contract"}, nogil=True)
def exp_neg(z):
    """exp(-z) for z >= 0, relative error below 1e-7; exp(-87) from there on.

    z = n ln 2 - r with |r| <= ln 2 / 2, exp(r) by its series to the 7th power.
    """
    z = min(z, _LARGEST)
    n = np.trunc(z * _LOG2_E + _HALF)
    r = (n * _LN2_HIGH - z) + n * _LN2_LOW
    p = _C7 * r + _C6
    p = p * r + _C5
    p = p * r + _C4
    p = p * r + _C3
    p = p * r + _C2
    p = p * r + _ONE
    p = p * r + _ONE
    power = (_BIAS - np.int32(n)) << _MANTISSA_BITS
    return p * np.int32(power).view(F)
