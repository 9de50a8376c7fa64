"""Counts of networks, as data: made once from the networks themselves, so that no torch is needed.

`counts.toml` is written by benchmarks/audit/network_counts.py; a test counts again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from spikewatt.energy.audit.claims import Claim
from spikewatt.energy.audit.figures import Figure, short

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("counts.toml")
G = Decimal(10**9)


@dataclass(frozen=True)
class NetworkCounts:
    """One network on one kind of clip.

    macs: dense MACs of the clip, all persons and steps; on_values: those in front of the first
    neurons. steps: 0 without neurons. neurons: LIF neurons, all persons.
    """

    network: str
    clip: str
    parameters: int
    macs: int
    on_values: int
    steps: int
    neurons: int

    @property
    def macs_g(self) -> Figure:
        """MACs of a clip."""
        return giga(self.macs)

    @property
    def step_g(self) -> Figure:
        """MACs of one step; of a clip without neurons."""
        return giga(Decimal(self.macs) / (self.steps or 1))


def giga(number: int | Decimal) -> Figure:
    """A counted number in G, exact; its text has four digits behind the point, or five in all."""
    value = Decimal(number) / G
    return Figure(value, Decimal(0), short(value, max(value.adjusted(), 0) + 5))


@lru_cache(maxsize=1)
def network_counts() -> dict[str, NetworkCounts]:
    """All counted networks by name."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: NetworkCounts(**entry) for name, entry in table.items()}


def counts_of(claim: Claim) -> NetworkCounts:
    """The network that a claim is held to."""
    return network_counts()[claim.given["network"]]
