"""The checks that claims name: each does the row's arithmetic again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from spikewatt.energy.audit.claims import Claim, Paper
from spikewatt.energy.audit.conventions import Attempt, attempt, attempts, conventions
from spikewatt.energy.audit.figures import (
    JOINS,
    NOT,
    REPRODUCED,
    UNQUOTED,
    Figure,
    Interval,
    exact,
    short,
    verdict,
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
    ending = UNQUOTED if kind == "macs_g" else JOINS
    return Outcome({kind: count, "convention": name}, ending, why)


def _roundest(low: Decimal, value: Decimal, high: Decimal) -> Decimal:
    """The number with the fewest decimals in an interval."""
    for decimals in range(8):
        count = value.quantize(Decimal(1).scaleb(-decimals))
        if low <= count <= high:
            return count
    return value


def count(claim: Claim, _: Paper) -> Outcome:
    """A printed count against one that was counted, times streams or steps."""
    claimed = printed_figure(claim, "macs_g")
    counted, times = claim.known("counted_g"), claim.known("times")
    computed = _scaled(counted, times.value)
    ratio = claimed.value / computed[1]
    why = (
        f"{short(times.value)} x {counted.text} G = {short(computed[1])} G; printed "
        f"{claimed.text} G is {short(ratio, 4)} times that."
    )
    return Outcome({"macs_g": computed[1], "ratio": ratio}, verdict(claimed, computed), why)


def _scaled(figure: Figure, times: Decimal) -> Interval:
    low, value, high = figure.interval
    return low * times, value * times, high * times


def spread(claim: Claim, _: Paper) -> Outcome:
    """One network, several printed counts: at most one can be right."""
    low, high = printed_figure(claim, "macs_low_g"), printed_figure(claim, "macs_high_g")
    counted, steps = claim.known("counted_g"), claim.known("steps")
    total = counted.value * steps.value
    why = (
        f"One network has one count, whatever it was trained with. Counted: {short(steps.value)} "
        f"steps x {counted.text} G = {short(total)} G; printed {low.text} to {high.text} G are "
        f"{short(low.value / counted.value, 3)} to {short(high.value / counted.value, 3)} steps."
    )
    return Outcome({"macs_g": total}, NOT, why)


def firing_rates(claim: Claim, _: Paper) -> Outcome:
    """SOPs = firing rate x steps x MACs a step, layer by layer."""
    claimed = printed_figure(claim, "sops_g")
    counted, steps = claim.known("counted_g"), claim.known("steps")
    from_rates, mean = claim.known("sops_from_rates_g"), claim.known("mean_rate_percent")
    total = counted.value * steps.value
    needed = 100 * claimed.value / total
    ratio = claimed.value / from_rates.value
    why = (
        f"Layer by layer the table's rates give {from_rates.text} G, not {claimed.text} G "
        f"({short(ratio, 3)} times too many). All MACs are {short(steps.value)} x {counted.text} "
        f"= {short(total)} G: {claimed.text} G needs a mean rate of {short(needed, 2)} %, and the "
        f"table averages about {mean.text} %."
    )
    computed: dict[str, Decimal | str] = {
        "sops_g": from_rates.value,
        "ratio": ratio,
        "rate_needed_percent": needed,
    }
    return Outcome(computed, verdict(claimed, from_rates.interval), why)


def convention(claim: Claim, _: Paper) -> Outcome:
    """What an equation or sentence of the paper says, tried on one of its rows."""
    claimed = printed_figure(claim, "energy_mj")
    counts = {k: f for k in _COUNTS if (f := claim.figure(k)) is not None}
    factor = int(claim.known("factor").value) if "factor" in claim.given else 1
    tried = attempt(claim.given["convention"], counts, claimed, factor)
    ratio = claimed.value / tried.energy_mj[1]
    why = f"{tried.convention.title}: {tried.text}; printed {claimed.text} mJ."
    return Outcome(_computed(tried) | {"ratio": ratio}, tried.verdict, why)


def absent_macs(claim: Claim, _: Paper) -> Outcome:
    """MACs of a first layer on values that a row leaves out."""
    names = ("kernel", "kernel", "channels_in", "channels_out", "frames", "joints", "steps")
    macs = Decimal(1)
    for name in (*names, "modalities"):
        macs *= claim.known(name).value
    mac_pj = conventions()["mac_only"].prices["macs_g"]
    total = exact(macs / 10**9)[1]
    factors = " x ".join(claim.given[n] for n in (*names, "modalities"))
    why = (
        f"The formula has a MAC term, these rows have none. Their first layer on values: "
        f"{factors} = {macs:f} MACs, {short(total * mac_pj, 2)} mJ; small, but left out."
    )
    return Outcome({"macs_g": total, "energy_mj": total * mac_pj}, NOT, why)


CHECKS: dict[str, Callable[[Claim, Paper], Outcome]] = {
    "energy": energy,
    "implied": implied,
    "count": count,
    "spread": spread,
    "firing_rates": firing_rates,
    "convention": convention,
    "absent_macs": absent_macs,
    "svformer_first_layer": first_layer,
    "svformer_baseline": baseline,
    "svformer_sops": synaptic_operations,
    "svformer_share": share,
    "svformer_views": views,
}
