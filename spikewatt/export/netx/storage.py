"""How integers are put into a file: small types, compressed, the same bytes for equal values."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from spikewatt.network import IntArray

_COMPRESS_FROM = 256  # values; below, the chunk's own bookkeeping costs more
_TYPES = (np.int8, np.int16, np.int32)


def put(group: h5py.Group, key: str, value: Any) -> None:
    """A whole number, or an array in the smallest signed type that holds it."""
    array = np.asarray(value)
    if array.ndim == 0:
        group.create_dataset(key, data=np.int64(value))
        return
    array = array.astype(_smallest(array))
    if array.size < _COMPRESS_FROM:
        group.create_dataset(key, data=array)
    else:
        group.create_dataset(key, data=array, compression="gzip", compression_opts=4)


def put_sizes(group: h5py.Group, key: str, sizes: tuple[int, ...]) -> None:
    """A shape or the like, in 64 bit: lava-dl calculates with it in its stored type."""
    group.create_dataset(key, data=np.array(sizes, dtype=np.int64))


def put_text(group: h5py.Group, key: str, text: str) -> None:
    """A UTF-8 string of fixed length, so that equal networks give equal bytes."""
    group.create_dataset(key, data=np.bytes_(text.encode()))


def put_optional(group: h5py.Group, key: str, value: IntArray | None) -> None:
    """The same, where there is a value."""
    if value is not None:
        put(group, key, value)


def _smallest(array: IntArray) -> Any:
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    return next(t for t in _TYPES if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
