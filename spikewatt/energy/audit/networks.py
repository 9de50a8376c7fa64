"""Checks that hold a claim to a network: its counts come from `counts.toml`."""

from __future__ import annotations

from decimal import Decimal

from spikewatt.energy.audit.claims import Claim, Paper
from spikewatt.energy.audit.conventions import conventions
from spikewatt.energy.audit.counts import NetworkCounts, counts_of, giga
from spikewatt.energy.audit.figures import LEFT_OUT, NOT, UNRATED, exact, short, verdict
from spikewatt.energy.audit.outcome import Outcome, printed_figure


def _prices() -> tuple[Decimal, Decimal]:
    """pJ of a MAC and of an accumulation."""
    return conventions()["paper"].mac_pj, conventions()["paper"].sop_pj


def _where(network: NetworkCounts) -> str:
    return f"{network.network} on {network.clip}"


def count(claim: Claim, _: Paper) -> Outcome:
    """A printed count against the network's, times streams."""
    claimed, network = printed_figure(claim, "macs_g"), counts_of(claim)
    times = claim.known("times").value
    total = times * network.macs_g.value
    ratio = claimed.value / total
    why = (
        f"{short(times)} x {network.macs_g.text} G = {short(total)} G ({_where(network)}); printed "
        f"{claimed.text} G is {short(ratio, 4)} times that."
    )
    return Outcome({"macs_g": total, "ratio": ratio}, verdict(claimed, exact(total)), why)


def whole(claim: Claim, _: Paper) -> Outcome:
    """A printed energy against the MACs of a network without spikes, times streams."""
    claimed, network = printed_figure(claim, "energy_mj"), counts_of(claim)
    times, mac_pj = claim.known("times").value, _prices()[0]
    total = times * network.macs_g.value
    energy = mac_pj * total
    ratio = claimed.value / energy
    why = (
        f"{_where(network)}, {network.parameters} parameters: {short(mac_pj)} x {short(times)} x "
        f"{network.macs_g.text} G = {short(energy, 5)} mJ; printed {claimed.text} mJ is "
        f"{short(ratio, 4)} times that and stands for {short(claimed.value / mac_pj, 5)} G."
    )
    computed: dict[str, Decimal | str] = {"macs_g": total, "energy_mj": energy, "ratio": ratio}
    return Outcome(computed, verdict(claimed, exact(energy)), why)


def spread(claim: Claim, _: Paper) -> Outcome:
    """One network, several printed counts: at most one can be right."""
    low, high = printed_figure(claim, "macs_low_g"), printed_figure(claim, "macs_high_g")
    network = counts_of(claim)
    total, step = network.macs_g, network.step_g
    why = (
        f"One network has one count, whatever it was trained with. Counted: {network.steps} "
        f"steps x {step.text} G = {total.text} G ({_where(network)}); printed {low.text} to "
        f"{high.text} G are {short(low.value / step.value, 3)} to "
        f"{short(high.value / step.value, 3)} steps."
    )
    return Outcome({"macs_g": total.value}, NOT, why)


def firing_rates(claim: Claim, _: Paper) -> Outcome:
    """SOPs = firing rate x steps x MACs a step, layer by layer."""
    claimed, network = printed_figure(claim, "sops_g"), counts_of(claim)
    from_rates, mean = claim.known("sops_from_rates_g"), claim.known("mean_rate_percent")
    total = network.macs_g
    needed = 100 * claimed.value / total.value
    ratio = claimed.value / from_rates.value
    why = (
        f"Layer by layer the table's rates give {from_rates.text} G, not {claimed.text} G "
        f"({short(ratio, 3)} times too many). All MACs are {network.steps} x {network.step_g.text} "
        f"= {total.text} G: {claimed.text} G needs a mean rate of {short(needed, 2)} %, and the "
        f"table averages about {mean.text} %."
    )
    computed: dict[str, Decimal | str] = {
        "sops_g": from_rates.value,
        "ratio": ratio,
        "rate_needed_percent": needed,
    }
    return Outcome(computed, verdict(claimed, from_rates.interval), why)


def _on_values_g(claim: Claim) -> Decimal:
    """MACs on values of all modalities, each of which is coded apart."""
    return claim.known("modalities").value * giga(counts_of(claim).on_values).value


def absent_macs(claim: Claim, _: Paper) -> Outcome:
    """MACs of a first layer on values that a row leaves out."""
    network, modalities = counts_of(claim), claim.given["modalities"]
    total = _on_values_g(claim)
    energy = _prices()[0] * total
    why = (
        f"The formula has a MAC term, these rows have none. Their first layer on values: "
        f"{modalities} modalities x {network.on_values} = {total * 10**9:.0f} MACs "
        f"({_where(network)}), {short(energy, 2)} mJ; small, but left out."
    )
    return Outcome({"macs_g": total, "energy_mj": energy}, NOT, why)


def printed_macs_missing(claim: Claim, _: Paper) -> Outcome:
    """Printed SOPs and energy, with the MAC term that the network has."""
    claimed, sops = printed_figure(claim, "energy_mj"), printed_figure(claim, "sops_g")
    macs, (mac_pj, sop_pj) = _on_values_g(claim), _prices()
    low, energy, high = (mac_pj * macs + sop_pj * v for v in sops.interval)
    missing = (claimed.value - sop_pj * sops.value) / mac_pj
    ratio = claimed.value / energy
    why = (
        f"{short(mac_pj)} x {short(macs, 3)} G on values + {short(sop_pj)} x {sops.text} G = "
        f"{short(energy, 4)} mJ ({_where(counts_of(claim))}, {claim.given['modalities']} "
        f"modalities); printed {claimed.text} mJ is {short(ratio, 4)} times that and would need "
        f"{short(missing, 3)} G MACs, {short(missing / macs, 2)} times those counted."
    )
    computed: dict[str, Decimal | str] = {"macs_g": macs, "energy_mj": energy, "ratio": ratio}
    return Outcome(computed, verdict(claimed, (low, energy, high)), why)


def implied_rate(claim: Claim, _: Paper) -> Outcome:
    """Only the energy is at hand: the mean firing rate that the network needs for it."""
    claimed, network = printed_figure(claim, "energy_mj"), counts_of(claim)
    (mac_pj, sop_pj), macs = _prices(), _on_values_g(claim)
    sops = (claimed.value - mac_pj * macs) / sop_pj
    driven = network.macs_g.value - giga(network.on_values).value
    rate = 100 * sops / driven
    why = (
        f"{_where(network)}: {short(mac_pj)} x {short(macs, 3)} G on values are "
        f"{short(mac_pj * macs, 3)} of {claimed.text} mJ; the rest are {short(sops, 3)} G SOPs, a "
        f"mean firing rate of {short(rate, 2)} % of the {short(driven, 4)} G that spikes drive in "
        f"{network.steps} steps. Neither count nor rate is at hand to hold that to."
    )
    computed: dict[str, Decimal | str] = {"sops_g": sops, "rate_needed_percent": rate}
    return Outcome(computed, UNRATED, why)


def neuron_updates(claim: Claim, _: Paper) -> Outcome:
    """What the formula leaves out: every neuron leaks and sums in every step."""
    claimed, network = printed_figure(claim, "energy_mj"), counts_of(claim)
    updates, mac_pj = giga(network.neurons * network.steps).value, _prices()[0]
    energy = mac_pj * updates
    share = 100 * energy / claimed.value
    why = (
        f"The formula has no neurons. {network.neurons} LIF neurons x {network.steps} steps "
        f"({_where(network)}) are {short(updates, 4)} G updates; with one MAC each for leak and "
        f"sum {short(mac_pj)} x {short(updates, 4)} = {short(energy, 3)} mJ are left out, "
        f"{short(share, 2)} % of the printed {claimed.text} mJ."
    )
    computed: dict[str, Decimal | str] = {
        "updates_g": updates,
        "energy_mj": energy,
        "share_percent": share,
    }
    return Outcome(computed, LEFT_OUT, why)
