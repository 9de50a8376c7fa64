"""Raw `.skeleton` files: frames, bodies, and 25 joints of 12 columns each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spikewatt.data.graph import NTU25
from spikewatt.errors import SpikewattError

Floats: TypeAlias = npt.NDArray[np.float32]

COLUMNS = 12  # x, y, z in metres; then depth and colour pixels, orientation, tracking state
BODY_FIELDS = 10  # the body's number, then states of hands and of tracking


@dataclass(frozen=True, eq=False)
class Body:
    """One tracked body: joints (n, 25, 3) of n frames in a row, the first of them `start`.

    As the field's preprocessing does it, frames in which nobody was tracked are not counted, and
    a body that is lost for some frames goes on where it was lost.
    """

    start: int
    joints: Floats

    @property
    def stop(self) -> int:
        """The frame after the body's last."""
        return self.start + len(self.joints)


class _Tokens:
    """The file's numbers one after the other."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at = text.split(), 0

    def take(self, count: int) -> list[str]:
        self.at += count
        if self.at > len(self.tokens):
            raise ValueError("the file is cut short")
        return self.tokens[self.at - count : self.at]

    def number(self) -> int:
        return int(self.take(1)[0])


def read_bodies(file: Path) -> tuple[list[Body], int]:
    """The bodies of a file in the order they appear, and the frames in which any is tracked.

    Raises SpikewattError for a file that is empty, cut short or of another format.
    """
    try:
        bodies, frames = _parse(_Tokens(file.read_text(encoding="ascii")))
    except (OSError, ValueError) as error:
        raise SpikewattError(
            f"ntu: {file} cannot be read ({error}); expected frames of bodies with {NTU25.size} "
            f"joints of {COLUMNS} columns. Unpack the published archive again."
        ) from error
    if not bodies:
        raise SpikewattError(f"ntu: {file} has no body in any frame. It is left out.")
    return bodies, frames


def _parse(tokens: _Tokens) -> tuple[list[Body], int]:
    starts: dict[str, int] = {}
    joints: dict[str, list[Floats]] = {}
    frames = 0
    for _ in range(tokens.number()):
        count = tokens.number()
        for _ in range(count):
            body = tokens.take(BODY_FIELDS)[0]
            starts.setdefault(body, frames)
            joints.setdefault(body, []).append(_joints(tokens))
        frames += count > 0
    return [Body(starts[b], np.stack(j)) for b, j in joints.items()], frames


def _joints(tokens: _Tokens) -> Floats:
    count = tokens.number()
    if count != NTU25.size:
        raise ValueError(f"a body has {count} joints")
    table = np.array(tokens.take(count * COLUMNS), dtype=np.float64).reshape(count, COLUMNS)
    return table[:, :3].astype(np.float32)
