"""What the encoders share: their integers, their settings' limits, and their records' errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError

Ints: TypeAlias = npt.NDArray[np.int32]


def check_settings(kind: str, rules: Mapping[str, bool]) -> None:
    """Raise SpikewattError with every setting (told by its text) whose rule does not hold."""
    broken = [text for text, holds in rules.items() if not holds]
    if broken:
        raise SpikewattError(f"The {kind} encoder cannot use {'; '.join(broken)}. Correct it.")


def check_version(record: Mapping[str, Any], kind: str, known: tuple[int, ...]) -> None:
    """Raise SpikewattError for a record whose version is none of the known."""
    if record.get("version") not in known:
        read = " and ".join(str(v) for v in known)
        raise SpikewattError(
            f"The network's encoder {kind!r} has version {record.get('version')!r}; this "
            f"spikewatt reads version {read}. Use the spikewatt that wrote the file."
        )


@contextmanager
def reading(kind: str) -> Iterator[None]:
    """Broken or missing fields of a record become a SpikewattError."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise SpikewattError(
            f"The network's encoder {kind!r} cannot be read: {error!r}. It needs the "
            "fields that `spikewatt export` writes; export the network again."
        ) from error
