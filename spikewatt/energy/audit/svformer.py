"""SVFormer's counts, done again: once as they are, once as the authors' counter does them.

Their counter (tools/energy_consumption_calculation in their repository) multiplies a Linear's
input elements, the batch of 16 clips among them, by its outputs, and the head's layers by the
batch; convolutions are counted for one clip; nothing is divided by the batch.
"""

from __future__ import annotations

from decimal import Decimal

from spikewatt.energy.audit.claims import Claim, Paper
from spikewatt.energy.audit.conventions import conventions
from spikewatt.energy.audit.figures import (
    NOT,
    Figure,
    Interval,
    exact,
    printed,
    short,
    verdict,
)
from spikewatt.energy.audit.outcome import Outcome, printed_figure
from spikewatt.energy.audit.svformer_layers import Layer, Layout, layers

BASE = Layout()
BATCH = 16
G = Decimal(10**9)


def counted_macs(layout: Layout = BASE) -> int:
    """Multiply-accumulates of one clip."""
    return sum(layer.macs for layer in layers(layout))


def authors_count(layer: Layer, batch: int = BATCH) -> int:
    """Operations of one layer as the authors' counter adds them up, bias included."""
    if layer.kind == "conv":
        return layer.macs + layer.outputs
    if layer.kind == "linear":
        return batch * layer.macs + BASE.steps * layer.features
    if layer.kind == "attention":
        return layer.macs
    return batch * (layer.macs + layer.outputs)


def baseline_parts() -> dict[str, int]:
    """The ANN baseline by kind of layer; of the two attention products, one is counted."""
    parts: dict[str, int] = {}
    for layer in layers(BASE):
        parts[layer.kind] = parts.get(layer.kind, 0) + authors_count(layer)
    parts["attention"] //= 2
    return parts


def rate_of(layer: Layer, rates: dict[str, str]) -> Figure | None:
    """Input firing rate of a layer, in percent; k^T v is billed at the lower of its two rates."""
    if layer.rate is None:
        return None
    if layer.rate.endswith(".kv"):
        block = layer.rate.removesuffix(".kv")
        both = (printed(rates[f"{block}.{x}"]) for x in "kv")
        return min(both, key=lambda figure: figure.value)
    return printed(rates[layer.rate])


def first_layer(claim: Claim, _: Paper) -> Outcome:
    """The first convolution's MACs and bias."""
    claimed = printed_figure(claim, "macs_g")
    first = layers(BASE)[0]
    total = Decimal(first.macs + first.outputs) / G
    why = f"First layer, 16 frames: {first.macs} MACs + {first.outputs} bias = {short(total)} G."
    return Outcome({"macs_g": total}, verdict(claimed, exact(total)), why)


def baseline(claim: Claim, _: Paper) -> Outcome:
    """The ANN's MACs: counted, and as the authors' counter gets the printed number."""
    claimed = printed_figure(claim, "macs_g")
    true, parts = Decimal(counted_macs()) / G, baseline_parts()
    total = Decimal(sum(parts.values())) / G
    ratio = claimed.value / true
    shown = {kind: short(Decimal(n) / G, 7 if n > G else 4) for kind, n in parts.items()}
    mac_pj = conventions()["mac_only"].prices["macs_g"]
    why = (
        f"One clip takes {short(true)} G MACs: {claimed.text} G is {ratio:.1f} times too "
        f"large. A batch of {BATCH} was not divided out: convolutions once {shown['conv']} + every "
        f"Linear x {BATCH} {shown['linear']} + the head's convolution x {BATCH} "
        f"{shown['head_conv']} and Linear x {BATCH} {shown['head_linear']} + one of the two "
        f"attention products {shown['attention']} = {total:.4f} G. The ANN's energy is "
        f"{short(mac_pj)} x {short(true)} = {mac_pj * true:.1f} mJ, not "
        f"{mac_pj * claimed.value:.1f}."
    )
    computed: dict[str, Decimal | str] = {
        "macs_g": true,
        "ratio": ratio,
        "macs_as_authors_g": total,
        "energy_mj": mac_pj * true,
    }
    return Outcome(computed, verdict(claimed, exact(true)), why)


def sops_from_rates(rates: dict[str, str], batch: int) -> Interval:
    """SOPs in G from firing rates, with what their last digit leaves open.

    SOP = sum over layers of rate x operations; batch 1 counts every layer once, without bias.
    """
    low = value = high = Decimal(0)
    for layer in layers(BASE):
        if rate := rate_of(layer, rates):
            done = Decimal(layer.macs if batch == 1 else authors_count(layer, batch)) / 100 / G
            bounds = rate.interval
            low, value, high = (
                low + done * bounds[0],
                value + done * bounds[1],
                high + done * bounds[2],
            )
    return low, value, high


def synaptic_operations(claim: Claim, paper: Paper) -> Outcome:
    """SOPs from the authors' firing rates: counted once, and with the baseline's fault."""
    claimed, macs = printed_figure(claim, "sops_g"), claim.known("macs_g")
    once, authors = sops_from_rates(paper.rates, 1), sops_from_rates(paper.rates, BATCH)
    price = conventions()["paper"].prices
    energy = price["macs_g"] * macs.value + price["sops_g"] * once[1]
    ratio = claimed.value / once[1]
    why = (
        f"With the firing rates of the authors' log: {once[1]:.3f} G where every layer counts "
        f"once, {authors[1]:.3f} G ({authors[0]:.3f} to {authors[2]:.3f} with the rates' rounding) "
        f"where every Linear counts {BATCH} times, as in the ANN baseline. The printed "
        f"{claimed.text} G is {verdict(claimed, authors)} by the latter and {ratio:.1f} times the "
        f"former. Without the fault: {short(price['macs_g'])} x {macs.text} + "
        f"{short(price['sops_g'])} x {once[1]:.3f} = {energy:.2f} mJ."
    )
    computed: dict[str, Decimal | str] = {
        "sops_g": once[1],
        "ratio": ratio,
        "sops_as_authors_g": authors[1],
        "energy_mj": energy,
    }
    return Outcome(computed, verdict(claimed, once), why)


def share(claim: Claim, _: Paper) -> Outcome:
    """SNN's energy as a share of the ANN's."""
    claimed = printed_figure(claim, "share_percent")
    text, snn, ann = (claim.known(n) for n in ("energy_in_text_mj", "energy_mj", "ann_macs_g"))
    mac_pj = conventions()["mac_only"].prices["macs_g"]
    macs = Decimal(counted_macs()) / G
    true = mac_pj * macs
    counted = 100 * snn.value / true
    why = (
        f"{text.text} mJ / ({short(mac_pj)} x {ann.text} G) = "
        f"{100 * text.value / (mac_pj * ann.value):.2f} %: it rests on a count that is "
        f"{ann.value / macs:.1f} times too large. Against the counted {true:.1f} mJ, {snn.text} mJ "
        f"is {counted:.1f} %."
    )
    return Outcome({"share_percent": counted}, verdict(claimed, exact(counted)), why)


def views(claim: Claim, _: Paper) -> Outcome:
    """Energy of what the printed accuracy was computed from: several views of a video."""
    energy = printed_figure(claim, "energy_mj")
    clips, crops = claim.known("clips"), claim.known("crops")
    total = energy.value * clips.value * crops.value
    why = (
        f"The accuracy averages {clips.text} clips x {crops.text} crops, the energy is one clip's: "
        f"{clips.text} x {crops.text} x {energy.text} = {total:.2f} mJ, about "
        f"{total:.0f} mJ a video on the paper's own accounting."
    )
    return Outcome({"energy_mj": total, "ratio": total / energy.value}, NOT, why)
