"""Energy of the CPU packages: RAPL's counters, as Linux shows them under /sys/class/powercap.

A package's counter counts microjoules, is renewed about every millisecond, and starts again at 0
beyond max_energy_range_uj (Linux: Documentation/power/powercap/powercap.rst). It covers all that
runs on the package. Since Linux 5.10 only root may read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spikewatt.energy.measured import Unavailable

POWERCAP = Path("/sys/class/powercap")
UJ = 1e-6
RENEWED_S = 1e-3


@dataclass
class _Package:
    """One counter, without its restarts; it has to be read more often than it restarts."""

    zone: Path
    range_uj: int = field(init=False)
    seen_uj: int = field(init=False)
    total_uj: int = 0

    def __post_init__(self) -> None:
        self.range_uj = _number(self.zone / "max_energy_range_uj")
        self.seen_uj = _number(self.zone / "energy_uj")

    def read_uj(self) -> int:
        """Microjoules since the first reading."""
        now = _number(self.zone / "energy_uj")
        step = now - self.seen_uj
        self.total_uj += step if step >= 0 else step + self.range_uj
        self.seen_uj = now
        return self.total_uj


def _number(path: Path) -> int:
    return int(path.read_text())


class Rapl:
    """All CPU packages of the machine."""

    device = "CPU"
    method = "RAPL, all packages"
    resolution_s = RENEWED_S

    def __init__(self, zones: list[Path]) -> None:
        self.packages = [_Package(zone) for zone in zones]

    def energy_j(self) -> float:
        """Joules since the sensor was opened."""
        return sum(p.read_uj() for p in self.packages) * UJ


def open_cpu(powercap: Path = POWERCAP) -> Rapl | Unavailable:
    """The machine's packages, or why they cannot be read."""
    zones = [z for z in sorted(powercap.glob("intel-rapl:*")) if z.name.count(":") == 1]
    if not zones:
        return Unavailable(f"the machine shows no RAPL counters in {powercap}")
    try:
        return Rapl(zones)
    except PermissionError as error:
        return Unavailable(f"RAPL's counter {error.filename} may be read by root only")
    except (OSError, ValueError) as error:
        return Unavailable(f"RAPL's counters in {powercap} cannot be read: {error}")
