"""What reading a file brings to light beside the network itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spikewatt.network import Network, Violation


@dataclass(frozen=True, eq=False)
class Inspection:
    """A file as spikewatt sees it.

    network: None where there are violations. warnings: what runs, but not as a reader of the file
    may think. lava_dl: why lava-dl cannot load the file, or computes something else; empty where
    it loads the file unchanged and computes the same. hints: what lava-dl must be told to do so.
    """

    network: Network | None
    violations: tuple[Violation, ...]
    warnings: tuple[str, ...]
    lava_dl: tuple[str, ...]
    hints: tuple[str, ...] = ()


@dataclass
class Notes:
    """Collects violations, warnings and lava-dl's obstacles, so that all are told together."""

    violations: list[Violation] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lava_dl: list[str] = field(default_factory=list)

    def reject(self, layer: int | None, what: str, found: str, limit: str, hint: str) -> None:
        """Add a violation."""
        self.violations.append(Violation(layer, what, found, limit, hint))

    def add(self, violations: Iterable[Violation]) -> None:
        """Add violations, each once."""
        self.violations += [v for v in violations if v not in self.violations]

    def warn(self, layer: int | None, text: str) -> None:
        """Add a warning about a layer."""
        self.warnings.append(text if layer is None else f"layer {layer}: {text}")

    def block(self, layer: int | None, why: str) -> None:
        """Add a reason why lava-dl does not load the file, or computes something else."""
        self.lava_dl.append(why if layer is None else f"layer {layer}: {why}")
