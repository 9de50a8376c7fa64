"""How the price of a synaptic event is solved from one measurement, and how far it can be off.

    E_event = (E_dynamic - updates x E_update) / events

Nothing in a single measurement says how good the result is. So everything that had to be assumed is
left out in turn and replaced by the other choices that the sources allow; the band is the envelope
of all combinations, rounded outwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil, floor

PJ = 1e-12


@dataclass(frozen=True)
class Reading:
    """Power that a sensor read while a network ran: watts, and inferences a second."""

    total_w: float
    inferences_per_s: float

    def dynamic_j(self, static_w: float) -> float:
        """Dynamic energy of an inference: (total - static) / rate."""
        return (self.total_w - static_w) / self.inferences_per_s


@dataclass(frozen=True)
class Work:
    """What one inference does: events that are billed, and neuron updates."""

    events: int
    updates: int


@dataclass(frozen=True)
class Assumptions:
    """What the measurement does not say; the first of each is what the price is solved with.

    static_w: static power, by board. update_pj: price of a neuron update. work: by the events
    that the chip touches and the frame that it saw.
    """

    static_w: tuple[float, ...]
    update_pj: tuple[float, ...]
    work: tuple[Work, ...]


def event_price_pj(dynamic_j: float, work: Work, update_pj: float) -> float:
    """The price of an event that makes the terms add up to the measured energy."""
    return (dynamic_j / PJ - update_pj * work.updates) / work.events


def central_pj(reading: Reading, assumptions: Assumptions) -> float:
    """The price with the first choice of every assumption."""
    static_w, update_pj, work = assumptions.static_w, assumptions.update_pj, assumptions.work
    return event_price_pj(reading.dynamic_j(static_w[0]), work[0], update_pj[0])


def left_out_pj(reading: Reading, assumptions: Assumptions) -> dict[str, tuple[float, float]]:
    """Lowest and highest price with one assumption left out and the others kept."""
    found = {}
    for name in ("static_w", "update_pj", "work"):
        kept = {n: v if n == name else v[:1] for n, v in vars(assumptions).items()}
        found[name] = _ends(_prices(reading, Assumptions(**kept)))
    return found


def band_pj(reading: Reading, assumptions: Assumptions) -> tuple[float, float]:
    """Lowest and highest price over all combinations, rounded outwards to 0.1 pJ."""
    low, high = _ends(_prices(reading, assumptions))
    return floor(low * 10) / 10, ceil(high * 10) / 10


def _prices(reading: Reading, a: Assumptions) -> list[float]:
    return [
        event_price_pj(reading.dynamic_j(static_w), work, update_pj)
        for static_w, update_pj, work in product(a.static_w, a.update_pj, a.work)
    ]


def _ends(prices: list[float]) -> tuple[float, float]:
    return min(prices), max(prices)
