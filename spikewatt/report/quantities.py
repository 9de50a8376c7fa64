"""Numbers as people read them: three digits and a prefix."""

from __future__ import annotations

from math import floor, isfinite, log10

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"


def si(value: float | None, unit: str, digits: int = 3) -> str:
    """A quantity with an SI prefix, such as `1.09 mJ`; an en dash where there is none."""
    if value is None or not isfinite(value):
        return "\N{EN DASH}"
    if value == 0:
        return f"0{_SPACE}{unit}"
    exponent = _exponent(value, digits)
    return f"{short(value / 10**exponent, digits)}{_SPACE}{_PREFIXES[exponent]}{unit}"


def si_range(low: float, high: float, unit: str) -> str:
    """Two quantities with the prefix of the larger, such as `0.86 to 1.43 mJ`."""
    if high <= 0:
        return si(high, unit)
    exponent = _exponent(high, 3)
    ends = [short(x / 10**exponent) for x in (low, high)]
    return f"{ends[0]} to {ends[1]}{_SPACE}{_PREFIXES[exponent]}{unit}"


def short(value: float, digits: int = 3) -> str:
    """A number with a few significant digits, without exponent; whole digits are kept."""
    if value == 0:
        return "0"
    rounded = float(f"{abs(value):.{digits - 1}e}")  # so that 0.9996 has the places of 1
    places = max(0, digits - 1 - floor(log10(rounded)))
    text = f"{abs(value):,.{places}f}"
    return (_MINUS if value < 0 else "") + text


def count(value: float) -> str:
    """A whole number with groups, or one with a few digits where it is not whole."""
    return f"{int(value):,}" if float(value).is_integer() else short(value, 4)


def _exponent(value: float, digits: int) -> int:
    rounded = float(f"{abs(value):.{digits - 1}e}")  # so that 999.9 becomes 1 k
    return min(9, max(-18, 3 * floor(log10(rounded) / 3)))
