"""Printed numbers: a value and what its last digit leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from spikewatt.errors import SpikewattError

REPRODUCED = "reproduced"
WITHIN = "within rounding"
NOT = "not reproduced"
UNQUOTED = "count not quoted"
UNRATED = "firing rate not quoted"
LEFT_OUT = "left out of the formula"

# low, value, high of something computed from printed numbers
Interval: TypeAlias = tuple[Decimal, Decimal, Decimal]


@dataclass(frozen=True)
class Figure:
    """A number as it is printed; the true one lies within half a unit of its last digit."""

    value: Decimal
    half: Decimal
    text: str

    @property
    def interval(self) -> Interval:
        """(low, value, high); never below 0."""
        return max(self.value - self.half, Decimal(0)), self.value, self.value + self.half


def printed(text: str, what: str = "number") -> Figure:
    """A printed number with its digits; SpikewattError where it is none, or is negative."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise SpikewattError(
            f"The {what} is {text!r}, expected a number of 0 or more with the digits that the "
            f"paper prints, such as 0.70."
        )
    exponent = value.as_tuple().exponent
    half = Decimal(1).scaleb(int(exponent)) / 2
    return Figure(value, half, text.strip())


def exact(value: int | str | Decimal) -> Interval:
    """A number without rounding."""
    return (Decimal(value),) * 3


def verdict(claimed: Figure, computed: Interval) -> str:
    """Whether computed numbers give the claimed one.

    reproduced: the value rounds to the claimed digits. within rounding: the digits that the
    inputs do not print can explain the difference. not reproduced: they cannot.
    """
    low, value, high = computed
    if abs(value - claimed.value) <= claimed.half:
        return REPRODUCED
    bottom, _, top = claimed.interval
    return WITHIN if low <= top and high >= bottom else NOT


def short(value: Decimal, digits: int = 6) -> str:
    """A number for people: at most so many significant digits, no exponent, no idle zeros."""
    if value == 0:
        return "0"
    rounded = value.quantize(Decimal(1).scaleb(min(value.adjusted() - digits + 1, 0)))
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
