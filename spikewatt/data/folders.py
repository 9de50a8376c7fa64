"""What loaders of folders share: clips that cannot be used are reported, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

from spikewatt.data.clips import Labelled
from spikewatt.errors import SpikewattError

Split: TypeAlias = Literal["train", "test"]
T = TypeVar("T", bound=Labelled)


@dataclass(frozen=True)
class Gathered(Generic[T]):
    """The clips of both parts, and a line for each that was skipped."""

    train: tuple[T, ...]
    test: tuple[T, ...]
    report: tuple[str, ...]


def check_folder(data: str, path: Path, needs: str) -> Path:
    """The path, if it is a folder; raises SpikewattError saying what it must hold."""
    if not path.is_dir():
        raise SpikewattError(f"{data}: {path} is no folder. Give {needs}: {data}:DIR.")
    return path


def gather(
    data: str, items: Iterable[tuple[Split, Path]], read: Callable[[Path], T], needs: str
) -> Gathered[T]:
    """Read every file of a split; one that `read` refuses with SpikewattError is skipped.

    Raises SpikewattError if no clip is left; a part without clips is a line of the report.
    """
    clips: dict[str, list[T]] = {"train": [], "test": []}
    report: list[str] = []
    for split, file in items:
        try:
            clips[split].append(read(file))
        except SpikewattError as error:
            report.append(f"skipped {split} clip {file.stem}: {error}")
    return checked(
        data, Gathered(tuple(clips["train"]), tuple(clips["test"]), tuple(report)), needs
    )


def checked(data: str, found: Gathered[T], needs: str) -> Gathered[T]:
    """What was gathered, with a line for an empty part; raises SpikewattError if both are."""
    if not found.train and not found.test:
        reason = f" {len(found.report)} were skipped; {found.report[0]}" if found.report else ""
        raise SpikewattError(f"{data}: no usable clip was found.{reason} It needs {needs}.")
    parts = {"training": found.train, "test": found.test}
    empty = tuple(f"there are no {name} clips" for name, clips in parts.items() if not clips)
    return Gathered(found.train, found.test, (*found.report, *empty))
