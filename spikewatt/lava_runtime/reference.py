"""Reference spikes in a file, for instance of SLAYER's quantised forward pass.

An .npz with `input` (N, *shape, T), `layer_<i>` spikes (N, *shape, T) by the file's layer number,
and `readout` (N, groups), the integer sums, where there is one; `decision` (clips, groups), where
a clip's is more than a sample's read-out.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError
from spikewatt.files import save_arrays
from spikewatt.network import IntArray

PREFIX = "layer_"
SUMS = ("readout", "decision")


@dataclass(frozen=True, eq=False)
class Reference:
    """What an execution is expected to give.

    input: (N, *shape, T). spikes: by layer, (N, *shape, T). readout: (N, groups) or None.
    decision: (clips, groups) or None.
    """

    input: IntArray
    spikes: dict[int, IntArray]
    readout: npt.NDArray[np.int64] | None = None
    decision: npt.NDArray[np.int64] | None = None


def _smallest(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same integers in the smallest type that holds them."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    return values.astype(np.result_type(np.min_scalar_type(low), np.min_scalar_type(high)))


def save_reference(path: Path, reference: Reference) -> None:
    """Write a reference file, whole or not at all; SpikewattError if that fails."""
    arrays = {"input": reference.input}
    arrays |= {f"{PREFIX}{i}": spikes for i, spikes in reference.spikes.items()}
    small: dict[str, Any] = {name: _smallest(a) for name, a in arrays.items()}
    for name in SUMS:
        if (sums := getattr(reference, name)) is not None:
            small[name] = sums
    save_arrays(path, small)


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise SpikewattError(f"{path} does not exist; a reference file was expected.") from None
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile):
        raise SpikewattError(
            f"{path} cannot be read as a reference file (.npz with input, layer_<i> and readout). "
            "Write one with: spikewatt export ... --reference REF.npz."
        ) from None


def load_reference(path: Path) -> Reference:
    """Read a reference file.

    Raises SpikewattError for a missing file, another kind of file, or other arrays in it.
    """
    arrays = _read(path)
    layers = {k.removeprefix(PREFIX): a for k, a in arrays.items() if k.startswith(PREFIX)}
    wrong = [k for k, a in arrays.items() if a.dtype.kind not in "biu"]
    if "input" not in arrays or wrong or not all(k.isdecimal() for k in layers):
        raise SpikewattError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}"
            f"{f', of them not integer: {wrong[0]}' if wrong else ''}; a reference file holds "
            "integer arrays input, layer_<number> and, with a read-out, readout and decision. "
            "Export it again."
        )
    spikes = {int(k): a.astype(np.int32) for k, a in layers.items()}
    sums = (arrays[k].astype(np.int64) if k in arrays else None for k in SUMS)
    return Reference(arrays["input"].astype(np.int32), spikes, *sums)
