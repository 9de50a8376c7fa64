"""What a hardware profile is: numbers that each carry unit, source, kind and scope."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikewatt.hardware_profiles.units import ENERGY_J, TABLE_UNITS

Kind = Literal["measured", "simulated", "published_minimum", "derived", "vendor"]
Scope = Literal["per_term", "all_in"]

# What a profile can put a price on, and what one unit of it is.
TERMS = {
    "synaptic_event": "one spike reaching one stored synapse",
    "synaptic_event_graded": "a synaptic event whose spike carries a value (else synaptic_event)",
    "neuron_update": "one neuron computed for one step",
    "neuron_update_active": "a neuron update that fires",
    "neuron_update_inactive": "a neuron update that does not fire",
    "message": "one spike sent to one core",
    "hop_ew": "one message crossing one tile, east-west",
    "hop_ns": "one message crossing one tile, north-south",
}


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Quantity(_Strict):
    """One number of a profile with where it comes from.

    `low` and `high` bound it in the same unit, where the sources allow a band. An `all_in`
    figure holds everything the target draws and is never added to terms. `calibrated_on`
    names the measurement that the number was fitted to: agreement with it validates nothing.
    """

    value: float = Field(ge=0, allow_inf_nan=False)
    unit: str = Field(min_length=1)
    source: str = Field(min_length=8)
    kind: Kind
    scope: Scope = "per_term"
    low: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    high: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    voltage_v: float | None = Field(default=None, gt=0)
    process: str | None = None
    calibrated_on: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _band_holds_value(self) -> Quantity:
        if (self.low is None) != (self.high is None):
            raise ValueError("a band needs both low and high")
        low, value, high = self.band
        if not low <= value <= high:
            raise ValueError(f"value {value} is outside its band {low} to {high}")
        return self

    @property
    def band(self) -> tuple[float, float, float]:
        """(low, value, high) in the quantity's own unit; all equal without a band."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, self.value, high

    @property
    def band_pj(self) -> tuple[float, float, float]:
        """(low, value, high) in pJ; only for energies."""
        to_pj = ENERGY_J[self.unit] / ENERGY_J["pJ"]
        return self.band[0] * to_pj, self.band[1] * to_pj, self.band[2] * to_pj

    @property
    def base_value(self) -> float:
        """The value in J, W, s or plain numbers."""
        return self.value * TABLE_UNITS["other"][self.unit]


class NeuronModels(_Strict):
    """Neuron models that a target's cores compute, by the names of `spikewatt.neurons`."""

    models: list[str] = Field(min_length=1)
    source: str = Field(min_length=8)
    kind: Kind
    note: str | None = None


class Profile(_Strict):
    """A target: prices of terms, static power, limits and timing.

    Tables hold only what a source gives; `absent` says why a term is not there. The static
    power that is billed is `static.chip`; other boards' values stand beside it.
    """

    name: str = Field(min_length=1)
    title: str = Field(min_length=1)
    process: str | None = None
    summary: str = Field(min_length=1)
    terms: dict[str, Quantity] = Field(min_length=1)
    static: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    timing: dict[str, Quantity] = {}
    other: dict[str, Quantity] = {}  # known, but not part of running a network
    absent: dict[str, str] = {}
    native_neurons: NeuronModels | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        for problem in (_wrong_unit(self), _wrong_terms(self)):
            if problem:
                raise ValueError(problem)
        return self

    @property
    def all_in(self) -> bool:
        """Whether the profile's price is an all-in figure."""
        return any(q.scope == "all_in" for q in self.terms.values())

    @property
    def calibrated_on(self) -> tuple[str, ...]:
        """Measurements that terms of this profile were fitted to."""
        fitted = {q.calibrated_on for q in self.terms.values() if q.calibrated_on}
        return tuple(sorted(fitted))

    def tables(self) -> dict[str, dict[str, Quantity]]:
        """All numbers, by table and name."""
        return {name: getattr(self, name) for name in TABLE_UNITS}


def _wrong_unit(profile: Profile) -> str | None:
    """The first number whose unit is not one of its table's."""
    for table, quantities in profile.tables().items():
        units = TABLE_UNITS[table]
        for name, q in quantities.items():
            if q.unit not in units:
                return f"{table}.{name}.unit is {q.unit!r}, expected one of {', '.join(units)}"
    return None


def _wrong_terms(profile: Profile) -> str | None:
    """A term nobody knows, or terms that would bill the same thing twice."""
    terms = set(profile.terms)
    if unknown := sorted(terms - set(TERMS)):
        return f"terms.{unknown[0]} is not a known term, expected one of {', '.join(TERMS)}"
    split = {"neuron_update_active", "neuron_update_inactive"}
    if terms & split and not split <= terms:
        return "terms.neuron_update_active and terms.neuron_update_inactive need each other"
    if terms & split and "neuron_update" in terms:
        return "terms.neuron_update and terms.neuron_update_active would bill updates twice"
    if profile.all_in and (len(terms) > 1 or profile.static):
        return "an all_in figure holds everything: it must be the only term, without static power"
    return None
