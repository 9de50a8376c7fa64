"""The checks that claims name: each does the row's arithmetic again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from spikewatt.energy.audit.claims import Claim, Paper
from spikewatt.energy.audit.conventions import Attempt, attempt, attempts, conventions
from spikewatt.energy.audit.figures import (
    NOT,
    REPRODUCED,
    UNQUOTED,
    Figure,
    short,
)
from spikewatt.energy.audit.networks import (
    absent_macs,
    count,
    firing_rates,
    implied_rate,
    neuron_updates,
    printed_macs_missing,
    spread,
    whole,
)
from spikewatt.energy.audit.outcome import Outcome, printed_figure
from spikewatt.energy.audit.svformer import (
    baseline,
    first_layer,
    share,
    synaptic_operations,
    views,
)

_COUNTS = {"macs_g": "MACs", "sops_g": "SOPs"}


def energy(claim: Claim, _: Paper) -> Outcome:
    """Printed counts and energy: which convention joins them."""
    claimed = printed_figure(claim, "energy_mj")
    counts = {k: f for k in _COUNTS if (f := claim.figure(k)) is not None}
    tried = list(attempts(counts, claimed))
    fits = [a for a in tried if a.verdict != NOT]
    if fits:
        best = min(fits, key=lambda a: a.verdict != REPRODUCED)
        also = f" ({best.verdict}, {best.convention.title})"
        return Outcome(_computed(best), best.verdict, f"{best.text}{also}.")
    own = attempt(_own_convention(counts), counts, claimed)
    ratio = claimed.value / own.energy_mj[1]
    names = {a.name for a in tried}
    why = (
        f"{own.text}, printed {claimed.text}, {short(ratio, 4)} times that; none of the "
        f"{len(names)} conventions that these counts allow gives it.{_implied_text(own, claimed)}"
    )
    return Outcome(_computed(own) | {"ratio": ratio}, NOT, why)


def _own_convention(counts: dict[str, Figure]) -> str:
    """The papers' formula, as far as the row has its terms."""
    if len(counts) == len(_COUNTS):
        return "paper"
    return "sop_only" if "sops_g" in counts else "mac_only"


def _computed(a: Attempt) -> dict[str, Decimal | str]:
    return {"energy_mj": a.energy_mj[1], "convention": a.name}


def _implied_text(own: Attempt, claimed: Figure) -> str:
    """What the count would have to be where one kind is billed, or what a MAC term would."""
    prices = own.convention.prices
    if len(prices) != 1:
        return ""
    ((kind, price),) = prices.items()
    text = f" The energy implies {short(claimed.value / price, 4)} G {_COUNTS[kind]}"
    missing = claimed.value - own.energy_mj[1]
    if kind == "sops_g" and missing > 0:
        mac_pj = conventions()["mac_only"].prices["macs_g"]
        text += f", or a MAC term of {short(missing / mac_pj, 3)} G that is not printed"
    return f"{text}."


def implied(claim: Claim, _: Paper) -> Outcome:
    """Only the energy is at hand: what count it stands for, under the row's convention."""
    claimed = printed_figure(claim, "energy_mj")
    name = claim.given.get("convention", "mac_only")
    ((kind, price),) = conventions()[name].prices.items()
    low, value, high = (v / price for v in claimed.interval)
    count = _roundest(low, value, high)
    text = f"{short(price)} x {short(count)} G = {short(price * count)} mJ"
    why = f"{text}; the count is solved from the energy, so this alone proves nothing."
    return Outcome({kind: count, "convention": name}, UNQUOTED, why)


def _roundest(low: Decimal, value: Decimal, high: Decimal) -> Decimal:
    """The number with the fewest decimals in an interval."""
    for decimals in range(8):
        count = value.quantize(Decimal(1).scaleb(-decimals))
        if low <= count <= high:
            return count
    return value


def convention(claim: Claim, _: Paper) -> Outcome:
    """What an equation or sentence of the paper says, tried on one of its rows."""
    claimed = printed_figure(claim, "energy_mj")
    counts = {k: f for k in _COUNTS if (f := claim.figure(k)) is not None}
    factor = int(claim.known("factor").value) if "factor" in claim.given else 1
    tried = attempt(claim.given["convention"], counts, claimed, factor)
    ratio = claimed.value / tried.energy_mj[1]
    why = f"{tried.convention.title}: {tried.text}; printed {claimed.text} mJ."
    return Outcome(_computed(tried) | {"ratio": ratio}, tried.verdict, why)


CHECKS: dict[str, Callable[[Claim, Paper], Outcome]] = {
    "energy": energy,
    "implied": implied,
    "count": count,
    "spread": spread,
    "firing_rates": firing_rates,
    "convention": convention,
    "absent_macs": absent_macs,
    "network": whole,
    "network_rate": implied_rate,
    "network_mac_term": printed_macs_missing,
    "neuron_updates": neuron_updates,
    "svformer_first_layer": first_layer,
    "svformer_baseline": baseline,
    "svformer_sops": synaptic_operations,
    "svformer_share": share,
    "svformer_views": views,
}
