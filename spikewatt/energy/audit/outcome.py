"""What a check hands back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from spikewatt.energy.audit.claims import Claim
from spikewatt.energy.audit.figures import Figure, printed


@dataclass(frozen=True)
class Outcome:
    """Computed numbers by name, verdict, and the arithmetic in words."""

    computed: dict[str, Decimal | str]
    verdict: str
    why: str


def printed_figure(claim: Claim, name: str) -> Figure:
    """A printed number that the check cannot do without."""
    return printed(claim.claimed[name], name)
