"""The papers' preprocessed `.npz` files: x_train, y_train, x_test, y_test."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Clip
from spikewatt.data.folders import Gathered
from spikewatt.data.graph import NTU25
from spikewatt.data.ntu.actors import origin_seen, unpadded
from spikewatt.errors import SpikewattError

AnyArray: TypeAlias = npt.NDArray[Any]

ROW = 2 * NTU25.size * 3
_EXPECTED = f"x_train, x_test (N, T, {ROW}) and one-hot y_train, y_test"


def read_arrays(file: Path, actions: int) -> Gathered[Clip]:
    """The clips of a file, without their padding; raises SpikewattError for another content."""
    report: list[str] = []
    try:
        with zipfile.ZipFile(file) as archive:
            train, test = (_part(archive, p, actions, report) for p in ("train", "test"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise SpikewattError(
            f"ntu: {file} cannot be read ({error}); expected {_EXPECTED} of {actions} actions."
        ) from error
    return Gathered(train, test, tuple(report))


def _part(archive: zipfile.ZipFile, part: str, actions: int, report: list[str]) -> tuple[Clip, ...]:
    labels = np.array(list(_rows(archive, f"y_{part}", (actions,)))).reshape(-1, actions)
    clips = []
    for k, row in enumerate(_rows(archive, f"x_{part}", (None, ROW))):
        joints, name = unpadded(row.astype(np.float32)), f"{part}_{k:05d}"
        if k >= len(labels) or labels[k].sum() != 1 or not joints.shape[1]:
            report.append(f"skipped {part} clip {name}: no joints, or no one-hot label")
        else:
            clips.append(Clip(origin_seen(joints), int(labels[k].argmax()), name))
    return tuple(clips)


def _rows(archive: zipfile.ZipFile, name: str, shape: tuple[int | None, ...]) -> Iterator[AnyArray]:
    """The rows of an array one by one: the whole of it may be larger than memory."""
    with archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
        header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        found, fortran, dtype = header(stream)  # type: ignore[no-untyped-call]
        fits = len(found) == len(shape) + 1 and all(
            want in (None, got) for want, got in zip(shape, found[1:], strict=True)
        )
        if fortran or not fits or dtype.hasobject:
            raise ValueError(f"{name} is {dtype} of shape {found}")
        size = int(np.prod(found[1:])) * dtype.itemsize
        for _ in range(found[0]):
            row = stream.read(size)
            if len(row) != size:
                raise ValueError(f"{name} is cut short")
            yield np.frombuffer(row, dtype=dtype).reshape(found[1:])
