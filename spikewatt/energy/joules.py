"""Counted events times a profile's prices: joules a sample, each term with its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spikewatt.energy.activity import UNPLACED, Activity, Placement
from spikewatt.energy.events import Counts
from spikewatt.hardware_profiles.schema import Profile, Quantity

PJ = 1e-12


@dataclass(frozen=True)
class TermEnergy:
    """One term of the sum: `count` a sample, times its price."""

    count: float
    price: Quantity
    energy_j: float
    band_j: tuple[float, float]


@dataclass(frozen=True)
class EnergyResult:
    """Modelled energy of one sample, in joules.

    dynamic_j: sum over terms, None where the price is an all-in figure. dynamic_band_j: the
    same with every price at the low and at the high end of its band. static_j: static power x
    chips x time, None unless all three are known. total_j: dynamic + static, or the all-in
    figure; None unless both parts are known. absent: what the result leaves out, with reasons.
    """

    profile: str
    dynamic_j: float | None
    dynamic_band_j: tuple[float, float] | None
    static_j: float | None
    total_j: float | None
    terms: dict[str, TermEnergy]
    absent: dict[str, str]
    calibrated_on: tuple[str, ...]
    cores: int | None = None
    chips: int | None = None
    step_time_s: float | None = None

    @property
    def known_j(self) -> float:
        """What could be modelled: dynamic energy, or the all-in figure."""
        return sum(t.energy_j for t in self.terms.values())

    @property
    def known_band_j(self) -> tuple[float, float]:
        """`known_j` at both ends of the prices' bands."""
        return _band(self.terms)


# How often each term occurs, in total; None where that is not known.
_COUNTERS: dict[str, Callable[[Activity, Placement], int | None]] = {
    "synaptic_event": lambda a, _: a.synaptic_events,
    "synaptic_event_graded": lambda a, _: a.synaptic_events_graded,
    "neuron_update": lambda a, _: a.neuron_updates,
    "neuron_update_active": lambda a, _: a.firing,
    "neuron_update_inactive": lambda a, _: a.neuron_updates - a.firing,
    "message": lambda _, p: p.messages,
    "hop_ew": lambda _, p: p.hops_ew,
    "hop_ns": lambda _, p: p.hops_ns,
}

# What a full account holds, and the terms that can pay for each part.
_PARTS = {
    "synaptic_event": ("synaptic_event",),
    "neuron_update": ("neuron_update", "neuron_update_active"),
    "message": ("message",),
    "hop": ("hop_ew", "hop_ns"),
}
_NO_MAPPING = "needs the network's mapping to cores, which is not worked out"
_NO_TIME = "needs the time of a step, which is not worked out"
_NO_IO = "host, input and output are not modelled"


def energy(
    events: Activity | Counts, profile: Profile, placement: Placement = UNPLACED
) -> EnergyResult:
    """Modelled energy a sample: E = sum over terms of count x price + static power x time.

    `events` are totals over all samples; what `placement` does not know is left out and
    listed as absent. A profile that prices graded events apart bills them at that price.
    """
    activity = Activity.of_counts(events) if isinstance(events, Counts) else events
    terms = _terms(activity, profile, placement)
    static_j = _static_j(activity, profile, placement)
    absent = _absent(profile, terms, static_j, placement)
    dynamic = None if profile.all_in else sum(t.energy_j for t in terms.values())
    total = sum(t.energy_j for t in terms.values()) if profile.all_in else None
    if dynamic is not None and static_j is not None:
        total = dynamic + static_j
    return EnergyResult(
        profile=profile.name,
        dynamic_j=dynamic,
        dynamic_band_j=None if profile.all_in else _band(terms),
        static_j=static_j,
        total_j=total,
        terms=terms,
        absent=absent,
        calibrated_on=profile.calibrated_on,
        cores=placement.cores,
        chips=placement.chips,
        step_time_s=placement.step_time_s,
    )


def _band(terms: dict[str, TermEnergy]) -> tuple[float, float]:
    bands = [t.band_j for t in terms.values()]
    return sum(b[0] for b in bands), sum(b[1] for b in bands)


def _terms(activity: Activity, profile: Profile, placement: Placement) -> dict[str, TermEnergy]:
    """The terms whose price and count are both known."""
    terms = {}
    for name, price in profile.terms.items():
        total = _COUNTERS[name](activity, placement)
        if total is None:
            continue
        if name == "synaptic_event" and "synaptic_event_graded" in profile.terms:
            total -= activity.synaptic_events_graded
        terms[name] = _term(total / activity.samples, price)
    return terms


def _term(count: float, price: Quantity) -> TermEnergy:
    low, value, high = (pj * PJ * count for pj in price.band_pj)
    return TermEnergy(count, price, value, (low, high))


def _static_j(activity: Activity, profile: Profile, placement: Placement) -> float | None:
    """Static power of the chips over the time of a sample's steps."""
    chip = profile.static.get("chip")
    if chip is None or placement.chips is None or placement.step_time_s is None:
        return None
    return chip.base_value * placement.chips * placement.step_time_s * activity.steps


def _absent(
    profile: Profile, terms: dict[str, TermEnergy], static_j: float | None, placement: Placement
) -> dict[str, str]:
    """Parts of a full account that the result leaves out, each with the reason."""
    if profile.all_in:
        return dict(profile.absent)
    absent = {}
    for part, payers in _PARTS.items():
        if not any(name in terms for name in payers):
            priced = any(name in profile.terms for name in payers)
            unknown = placement.absent.get(part, _NO_MAPPING)
            absent[part] = unknown if priced else "the profile's sources give no price"
    if static_j is None:
        known = placement.absent.get("static", _NO_TIME)
        absent["static"] = known if "chip" in profile.static else "the sources give no power"
    if placement.chips is not None:
        absent["io"] = _NO_IO
    return absent | profile.absent
