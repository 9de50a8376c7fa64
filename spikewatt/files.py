"""Files that appear whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from spikewatt.errors import SpikewattError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A place beside `path` to write to; it takes the path's name once the block ends well.

    Raises SpikewattError where the disk refuses (full, read-only, no permission, no folder).
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.touch()
        yield beside
        _settle(beside)
        beside.replace(path)
        with suppress(OSError):  # a file system that cannot do this for folders
            _settle(path.parent)
    except OSError as error:
        raise SpikewattError(
            f"Cannot write {path}: {_why(error)}. Choose another place."
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """On the disk, so that a machine that stops finds the file whole or not at all."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(error: OSError) -> str:
    """The system's words; HDF5 puts a sentence of its own in their place."""
    return os.strerror(error.errno) if error.errno else str(error)


def save_arrays(path: str | Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as an .npz file; SpikewattError where the disk refuses."""
    import numpy as np  # light commands do without

    packed = io.BytesIO()  # on a full disk an open archive would complain once more as it goes
    np.savez_compressed(packed, **arrays)
    with whole_file(path) as beside:
        beside.write_bytes(packed.getvalue())
