"""Values of an HDF5 group, checked as they are read: there, numbers, whole, of the right size."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikewatt.export.netx.notes import Notes
from spikewatt.network import IntArray, Shape

BYTES_MAX = 2**31  # of one dataset; a larger one is taken for damage
_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Fields:
    """One group of a file; what cannot be read becomes a violation of its layer and None."""

    group: h5py.Group
    layer: int | None
    notes: Notes
    prefix: str = ""

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        return key in self.group

    def inside(self, key: str) -> Fields | None:
        """The group under a key, None where there is none."""
        if not isinstance(self.group.get(key), h5py.Group):
            return None
        return Fields(self.group[key], self.layer, self.notes, f"{self.prefix}{key}/")

    def reject(self, key: str, found: str, limit: str, hint: str) -> None:
        """A violation at this key."""
        self.notes.reject(self.layer, self.prefix + key, found, limit, hint)

    def _dataset(self, key: str) -> Any:
        item = self.group.get(key)
        if not isinstance(item, h5py.Dataset):
            found = "missing" if item is None else "a group"
            self.reject(key, found, "a dataset", "write the file again")
            return None
        if item.shape is None or item.nbytes > BYTES_MAX:
            found = "empty" if item.shape is None else f"{item.nbytes} bytes"
            self.reject(key, found, f"1..{BYTES_MAX} bytes", "write the file again")
            return None
        try:
            return item[()]
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            self.reject(key, f"unreadable ({error})", "a dataset", "write the file again")
            return None

    def text(self, key: str) -> str | None:
        """A string, stored as a scalar or, as slayer does, as one entry."""
        value = self._dataset(key)
        if value is None:
            return None
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            self.reject(key, type(value).__name__, "a string", "write the file again")
            return None
        return value

    def json(self, key: str) -> Any:
        """What a JSON string says; None where the key is missing."""
        text = self.text(key) if self.has(key) else None
        if text is None:
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            self.reject(key, f"not JSON ({error})", "JSON", "write the file again")
            return None

    def integers(self, key: str) -> IntArray | None:
        """An array of whole numbers, of any number type."""
        value = self._dataset(key)
        if value is None:
            return None
        array = np.asarray(value)
        if array.dtype.kind not in "iufb":
            self.reject(key, str(array.dtype), "numbers", "write the file again")
            return None
        if array.size == 0:
            self.reject(key, f"of shape {array.shape}", "not empty", "write the file again")
            return None
        return self._whole(key, array)

    def listing(self, key: str) -> IntArray | None:
        """A list of whole numbers, which may be empty."""
        item = self.group.get(key)
        if isinstance(item, h5py.Dataset) and item.shape == (0,):
            return np.zeros(0, dtype=np.int32)
        array = self.integers(key)
        return None if array is None else array.reshape(-1)

    def _whole(self, key: str, array: npt.NDArray[Any]) -> IntArray | None:
        if array.dtype.kind == "f":
            fractions = array[~(array == np.rint(array))]  # NaN is one too
            if fractions.size:
                found = f"{fractions.reshape(-1)[0]} ({fractions.size} of {array.size} values)"
                hint = "quantise before export; lava-dl would cut the fraction off"
                self.reject(key, found, "whole numbers", hint)
                return None
        low, high = array.min(), array.max()
        if low < _INT32.min or high > _INT32.max:
            found = f"{low}..{high}"
            self.reject(key, found, "32-bit numbers", "write the file again")
            return None
        return array.astype(np.int32)

    def integer(self, key: str, default: int | None = None) -> int | None:
        """One whole number; a missing key is a violation unless there is a default."""
        if default is not None and not self.has(key):
            return default
        array = self.integers(key)
        if array is None:
            return None
        if array.size != 1:
            self.reject(key, f"{array.size} values", "one", "write the file again")
            return None
        return int(array.reshape(-1)[0])

    def shape(self, key: str = "shape") -> Shape | None:
        """A shape as it stands in the file."""
        array = self.integers(key)
        if array is None:
            return None
        sizes = tuple(int(n) for n in array.reshape(-1))
        if len(sizes) > 3 or min(sizes) < 1 or float(np.prod(sizes, dtype=float)) > BYTES_MAX:
            limit = f"1 to 3 axes of at least 1, {BYTES_MAX} in all"
            self.reject(key, str(sizes), limit, "write the file again")
            return None
        return sizes

    def pair(self, key: str) -> tuple[int, int] | None:
        """(x, y) of a number, or of two as the file holds them, (y, x)."""
        array = self.integers(key)
        if array is None:
            return None
        if array.ndim == 0:
            return int(array), int(array)
        if array.shape != (2,):
            self.reject(key, f"of shape {array.shape}", "1 or 2 values", "give (y, x)")
            return None
        return int(array[1]), int(array[0])
