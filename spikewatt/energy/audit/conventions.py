"""Ways in which papers turn operations into energy, for an auditor to try on a claim.

All are sums of prices: E = T_mac x mac_pj x MAC + T_sop x sop_pj x SOP, in mJ for counts in G,
with an integer factor T where a convention multiplies by steps or by a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from spikewatt.energy.audit.figures import Figure, Interval, exact, short, verdict
from spikewatt.hardware_profiles import load

STEPS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 50, 64, 100)
BATCHES = (2, 4, 8, 16, 32, 64, 128, 256)
ONCE = (1,)


@dataclass(frozen=True)
class Convention:
    """A price for each kind of operation; `times`: the kinds that a factor multiplies."""

    title: str
    mac_pj: Decimal
    sop_pj: Decimal
    times: tuple[str, ...] = ()
    factors: tuple[int, ...] = ONCE

    @property
    def prices(self) -> dict[str, Decimal]:
        """What is paid for, in pJ each."""
        both = {"macs_g": self.mac_pj, "sops_g": self.sop_pj}
        return {kind: price for kind, price in both.items() if price}


@dataclass(frozen=True)
class Attempt:
    """A convention tried on a claim: mJ with their rounding, arithmetic, verdict."""

    name: str
    convention: Convention
    factor: int
    energy_mj: Interval
    text: str
    verdict: str


@lru_cache(maxsize=1)
def conventions() -> dict[str, Convention]:
    """All conventions by name, the fewest assumptions first."""
    paper, cost = load("cmos45_paper").terms, load("cmos45_horowitz").other
    mac, ac = (Decimal(str(paper[t].value)) for t in ("synaptic_event_graded", "synaptic_event"))

    def arithmetic(kind: str) -> tuple[Decimal, Decimal]:
        add, mult = (Decimal(str(cost[f"{kind}_{op}"].value)) for op in ("add", "mult"))
        return add + mult, add

    none, loihi = Decimal(0), Decimal(str(load("loihi1_davies").terms["synaptic_event"].value))
    both = ("macs_g", "sops_g")
    return {
        "paper": Convention("E_MAC x MAC + E_AC x SOP", mac, ac),
        "sop_only": Convention("E_AC x SOP, no MAC term", none, ac),
        "mac_only": Convention("E_MAC x MAC, as for an ANN", mac, none),
        "all_at_mac": Convention("E_MAC for MACs and SOPs", mac, mac),
        "sop_at_mac": Convention("E_MAC x SOP instead of E_AC", none, mac),
        "all_at_ac": Convention("E_AC for MACs and SOPs", ac, ac),
        "mac_at_ac": Convention("E_AC x MAC instead of E_MAC", ac, none),
        "flops_as_two": Convention("the MACs given are FLOPs, two a MAC", mac / 2, ac),
        "int8": Convention("int8 prices", *arithmetic("int8")),
        "int32": Convention("int32 prices", *arithmetic("int32")),
        "fp16": Convention("fp16 prices", *arithmetic("fp16")),
        "loihi1": Convention("Loihi 1's synaptic event x SOP", none, loihi),
        "steps_twice": Convention("steps applied twice to SOPs", mac, ac, ("sops_g",), STEPS),
        "steps_twice_sop_only": Convention(
            "steps applied twice to SOPs, no MAC term", none, ac, ("sops_g",), STEPS
        ),
        "macs_every_step": Convention("MACs again in every step", mac, ac, ("macs_g",), STEPS),
        "batch": Convention("a batch not divided out", mac, ac, both, BATCHES),
    }


def attempts(counts: Mapping[str, Figure], energy_mj: Figure) -> Iterator[Attempt]:
    """Every convention that the given counts allow; a count of 0 counts as not given."""
    known = {kind: figure for kind, figure in counts.items() if figure.value}
    for name, convention in conventions().items():
        if convention.prices.keys() <= known.keys():
            for factor in convention.factors:
                yield attempt(name, known, energy_mj, factor)


def attempt(name: str, counts: Mapping[str, Figure], energy_mj: Figure, factor: int = 1) -> Attempt:
    """One convention with one factor."""
    convention = conventions()[name]
    total, parts = exact(0), []
    for kind, price in convention.prices.items():
        times = factor if kind in convention.times else 1
        low, value, high = (v * price * times for v in counts[kind].interval)
        total = (total[0] + low, total[1] + value, total[2] + high)
        many = f" x {times}" if times > 1 else ""
        parts.append(f"{short(price)} x {counts[kind].text} G{many}")
    text = f"{' + '.join(parts)} = {short(total[1])} mJ"
    return Attempt(name, convention, factor, total, text, verdict(energy_mj, total))
