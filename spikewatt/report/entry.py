"""What all records on disk have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class Entry(BaseModel):
    """Frozen, without unknown keys, infinities and NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# Whole numbers with spaces between: a line of a file instead of a line for each.
Numbers: TypeAlias = Annotated[str, Field(pattern=r"^(\d+( \d+)*)?$")]


def joined(values: Iterable[int]) -> str:
    """Numbers as one text."""
    return " ".join(str(int(n)) for n in values)


def numbers(text: Numbers) -> list[int]:
    """The numbers of such a text."""
    return [int(n) for n in text.split()]
