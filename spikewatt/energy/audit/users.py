"""A user's own claim: which convention, if any, gives its energy."""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.energy.audit.conventions import Attempt, attempts
from spikewatt.energy.audit.figures import NOT, REPRODUCED, Figure, printed, short
from spikewatt.energy.audit.rows import Row
from spikewatt.errors import SpikewattError


@dataclass(frozen=True)
class OwnClaim:
    """Counts in G as printed (one of them may be missing), and the energy in mJ."""

    macs: Figure | None
    sops: Figure | None
    energy_mj: Figure

    @staticmethod
    def of_text(macs: str | None, sops: str | None, energy_mj: str | None) -> OwnClaim:
        """From the digits a user gives; SpikewattError where they do not make a claim."""
        if energy_mj is None or (macs is None and sops is None):
            raise SpikewattError(
                "A claim needs --energy-mj (mJ) and --macs or --sops (G, 1e9), or both."
            )
        energy = printed(energy_mj, "energy in mJ (--energy-mj)")
        if not energy.value:
            raise SpikewattError("The claimed energy is 0 mJ; --energy-mj must be positive.")
        return OwnClaim(_count(macs, "--macs"), _count(sops, "--sops"), energy)


def _count(text: str | None, option: str) -> Figure | None:
    return None if text is None else printed(text, f"count in G ({option})")


def audit_claim(claim: OwnClaim) -> list[Row]:
    """A row for each convention that gives the energy; where none does, for each one tried.

    Conventions with a factor (steps, a batch) are tried with every usual one.
    """
    counts = {"macs_g": claim.macs, "sops_g": claim.sops}
    given = {kind: figure for kind, figure in counts.items() if figure is not None}
    if not any(figure.value for figure in given.values()):
        raise SpikewattError("Both counts are 0; give the MACs or SOPs of the claim in G.")
    tried = list(attempts(given, claim.energy_mj))
    fits = [a for a in tried if a.verdict != NOT]
    shown = sorted(fits, key=lambda a: a.verdict != REPRODUCED) if fits else _misses(tried, claim)
    claimed = {kind: float(figure.value) for kind, figure in given.items()}
    claimed["energy_mj"] = float(claim.energy_mj.value)
    return [_row(a, claimed, claim) for a in shown]


def _misses(tried: list[Attempt], claim: OwnClaim) -> list[Attempt]:
    """Every convention, with its closest factor where it has one."""
    closest: dict[str, Attempt] = {}
    for a in sorted(tried, key=lambda a: abs((claim.energy_mj.value / a.energy_mj[1]).ln())):
        closest.setdefault(a.name, a)
    return [closest[name] for name in dict.fromkeys(a.name for a in tried)]


def _row(a: Attempt, claimed: dict[str, float], claim: OwnClaim) -> Row:
    ratio = claim.energy_mj.value / a.energy_mj[1]
    computed: dict[str, float | str] = {
        "energy_mj": float(a.energy_mj[1]),
        "ratio": float(ratio),
    }
    why = f"{a.text}; claimed {claim.energy_mj.text} mJ is {short(ratio, 4)} times that."
    return Row("own claim", "-", a.convention.title, claimed, computed, a.verdict, why)
