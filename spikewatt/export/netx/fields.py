"""Values of an HDF5 group, checked as they are read: there, numbers, whole, of the right size.

Nothing outside the file is ever opened, and nothing is read whose declared size the file's own
size does not make plausible: a damaged or hostile file costs little.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikewatt.export.netx.notes import Notes
from spikewatt.network import IntArray, Shape

NAMES_MAX = 1024  # layers or projections of one file
TEXT_MAX = 2**22  # bytes of one string
NEURONS_MAX = 2**24  # of one layer
VALUES_MAX = 2**27  # of one dataset
AGAIN = "write the file again"
_INT32 = np.iinfo(np.int32)

# what h5py raises on damaged bytes, beside errors of our own making
H5_ERRORS = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Fields:
    """One group of a file; what cannot be read becomes a violation of its layer and None."""

    group: h5py.Group
    layer: int | None
    notes: Notes
    prefix: str = ""

    def of_layer(self, layer: int) -> Fields:
        """The same group, speaking for a layer."""
        return replace(self, layer=layer, prefix="")

    def _item(self, key: str) -> Any:
        """The object under a key; None where there is none, or no object of this file."""
        try:
            link = self.group.get(key, getlink=True)
            if link is None or isinstance(link, h5py.HardLink):
                return self.group.get(key)
            self.reject(key, f"a {type(link).__name__}", "an object of the file itself", AGAIN)
        except H5_ERRORS as error:
            self.reject(key, f"unreadable ({error})", "an HDF5 object", AGAIN)
        return None

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        try:
            return self.group.get(key, getlink=True) is not None
        except H5_ERRORS as error:
            self.reject(key, f"unreadable ({error})", "an HDF5 object", AGAIN)
            return False

    def names(self) -> list[str]:
        """The names in this group, no more than a file may have."""
        try:
            count = len(self.group)
            if count <= NAMES_MAX:
                names = list(self.group)  # bytes where a name is no UTF-8
                return [n if isinstance(n, str) else n.decode(errors="replace") for n in names]
            self.reject("", f"{count} entries", f"at most {NAMES_MAX}", AGAIN)
        except H5_ERRORS as error:
            self.reject("", f"unreadable ({error})", "an HDF5 group", AGAIN)
        return []

    def inside(self, key: str) -> Fields | None:
        """The group under a key, None where there is none."""
        item = self._item(key) if self.has(key) else None
        if not isinstance(item, h5py.Group):
            return None
        return Fields(item, self.layer, self.notes, f"{self.prefix}{key}/")

    def reject(self, key: str, found: str, limit: str, hint: str) -> None:
        """A violation at this key."""
        self.notes.reject(self.layer, (self.prefix + key).rstrip("/"), found, limit, hint)

    def _dataset(self, key: str, kinds: str) -> Any:
        """The value of a dataset whose type is one of the kinds, as numpy names them."""
        item = self._item(key)
        if not isinstance(item, h5py.Dataset):
            found = "missing" if item is None else "a group"
            self.reject(key, found, "a dataset", AGAIN)
            return None
        try:
            return item[()] if self._sound(key, item, kinds) else None
        except H5_ERRORS as error:
            self.reject(key, f"unreadable ({error})", "a dataset", AGAIN)
            return None

    def _sound(self, key: str, item: h5py.Dataset, kinds: str) -> bool:
        """Whether a dataset can be read at little cost, and from this file alone."""
        if item.shape is None:
            self.reject(key, "empty", "a value", AGAIN)
        elif item.is_virtual or item.external:
            self.reject(key, "stored in another file", "values in this one", AGAIN)
        elif item.dtype.kind not in kinds or _no_string(item.dtype):
            limit = "numbers" if "i" in kinds else "a string"
            self.reject(key, f"of type {item.dtype}", limit, AGAIN)
        elif "S" in kinds and (item.size != 1 or item.dtype.itemsize > TEXT_MAX):
            found = f"{item.size} strings of {item.dtype.itemsize} bytes"
            self.reject(key, found, f"one of at most {TEXT_MAX} bytes", AGAIN)
        elif item.size > VALUES_MAX or not self.notes.afford(int(item.size)):
            hint = f"{AGAIN}; split the network if it is really this large"
            limit = f"{min(VALUES_MAX, self.notes.budget)} more in a file of this size"
            self.reject(key, f"{item.size} values", limit, hint)
        else:
            return True
        return False

    def text(self, key: str) -> str | None:
        """A string, stored as a scalar or, as slayer does, as one entry."""
        value = self._dataset(key, "SO")
        if value is None:
            return None
        if isinstance(value, np.ndarray):
            value = value.reshape(-1)[0]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str) or len(value) > TEXT_MAX:
            self.reject(key, type(value).__name__, f"a string up to {TEXT_MAX} long", AGAIN)
            return None
        return value

    def json(self, key: str) -> Any:
        """What a JSON string says; None where the key is missing."""
        text = self.text(key) if self.has(key) else None
        if text is None:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            self.reject(key, f"not JSON ({error})", "JSON", AGAIN)
            return None

    def numbers(self, key: str) -> npt.NDArray[Any] | None:
        """An array of numbers as it stands, not empty."""
        value = self._dataset(key, "iufb")
        if value is None:
            return None
        array = np.asarray(value)
        if array.size == 0:
            self.reject(key, f"of shape {array.shape}", "not empty", AGAIN)
            return None
        return array

    def integers(self, key: str) -> IntArray | None:
        """An array of whole numbers, of any number type."""
        array = self.numbers(key)
        return None if array is None else self._whole(key, array)

    def listing(self, key: str) -> IntArray | None:
        """A list of whole numbers, which may be empty."""
        item = self._item(key)
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
        low, high = array.min().item(), array.max().item()  # float16 cannot hold the limits
        if low < _INT32.min or high > _INT32.max:
            found = f"{low}..{high}"
            self.reject(key, found, "32-bit numbers", AGAIN)
            return None
        return array.astype(np.int32)

    def integer(self, key: str, default: int | None = None) -> int | None:
        """One whole number; a missing key is a violation unless there is a default."""
        if default is not None and not self.has(key):
            return default
        array = self.integers(key)
        return None if array is None else self._one(key, array, "one")

    def shared(self, key: str) -> int | None:
        """One whole number, or one a neuron where all are equal."""
        array = self.integers(key)
        if array is not None and np.all(array == array.flat[0]):
            array = array.reshape(-1)[:1]
        limit = "one that all neurons share"
        return None if array is None else self._one(key, array, limit)

    def _one(self, key: str, array: IntArray, limit: str) -> int | None:
        if array.size != 1:
            hint = "give the layer one value (slayer's shared_param=True)"
            self.reject(key, f"{array.size} values", limit, hint)
            return None
        return int(array.reshape(-1)[0])

    def shape(self, key: str = "shape") -> Shape | None:
        """A shape as it stands in the file."""
        array = self.integers(key)
        if array is None:
            return None
        sizes = tuple(int(n) for n in array.reshape(-1)[:4])
        if len(sizes) > 3 or min(sizes) < 1 or np.prod(sizes, dtype=float) > NEURONS_MAX:
            limit = f"1 to 3 axes of at least 1, {NEURONS_MAX} in all"
            self.reject(key, str(sizes), limit, AGAIN)
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


def _no_string(kind: np.dtype[Any]) -> bool:
    """Whether it is a type of objects that are no strings: lists, references."""
    return kind.kind == "O" and h5py.check_string_dtype(kind) is None
