"""Arrays in the few forms that the kernels are compiled for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray

Flags = npt.NDArray[np.uint8]
Index = npt.NDArray[np.int64]
Weights = npt.NDArray[np.int16] | IntArray

NO_DELAY = np.zeros(0, np.int32)
LINE = 64  # bytes that a core fetches at once; a vector across two of them takes twice as long


def zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros that begin where a line of the cache does, written, so that their memory is there."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    raw = np.empty(size + LINE, np.uint8)
    raw.fill(0)
    begin = -raw.ctypes.data % LINE
    return raw[begin : begin + size].view(kind).reshape(shape)


def ints(values: npt.NDArray[Any]) -> IntArray:
    """Contiguous and writeable int32: other layouts would have the kernels compiled again."""
    return np.require(values, np.int32, ["C", "W"])


def narrow_type(weight: npt.NDArray[Any]) -> type[np.int16] | type[np.int32]:
    """16 bit where all weights fit, else 32: half the memory to read."""
    fits = weight.size == 0 or (weight.min() >= -(2**15) and weight.max() < 2**15)
    return np.int16 if fits else np.int32


def narrow(weight: npt.NDArray[Any]) -> Weights:
    """Flat weights in as few bits as they fit."""
    found: Weights = zeros((weight.size,), narrow_type(weight))
    found[:] = weight.reshape(-1)
    return found
