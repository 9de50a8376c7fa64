"""What reading a file brings to light beside the network itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spikewatt.network import Network, Violation

_FOUND_MAX = 200  # characters of a value shown
_VIOLATIONS_MAX = 50  # told; a ruined file has one for each value
_VALUES_MIN, _VALUES_MAX = 2**22, 2**27  # of a small file, of one of some megabytes
_VALUES_PER_BYTE = 64  # sparse matrices compress to less than one bit a weight
_LARGE_MAX, _LARGE_PER_BYTE = 2**30, 8  # of a large file: weights do not compress as lists do


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
    """Collects violations, warnings and lava-dl's obstacles, so that all are told together.

    budget: how many values may still be read, or neurons made, before the file is taken for
    damage.
    """

    budget: int = _VALUES_MAX
    violations: list[Violation] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lava_dl: list[str] = field(default_factory=list)

    @classmethod
    def for_bytes(cls, size: int) -> Notes:
        """Notes on a file of so many bytes."""
        values = min(max(size * _VALUES_PER_BYTE, _VALUES_MIN), _VALUES_MAX)
        return cls(max(values, min(size * _LARGE_PER_BYTE, _LARGE_MAX)))

    def afford(self, values: int) -> bool:
        """Take so many values off the budget, if it has them."""
        if values > self.budget:
            return False
        self.budget -= values
        return True

    def reject(self, layer: int | None, what: str, found: str, limit: str, hint: str) -> None:
        """Add a violation."""
        self.add([Violation(layer, what, _shown(found), limit, hint)])

    def add(self, violations: Iterable[Violation]) -> None:
        """Add violations, each once, as many as anyone reads."""
        for violation in violations:
            if len(self.violations) < _VIOLATIONS_MAX and violation not in self.violations:
                self.violations.append(violation)

    def warn(self, layer: int | None, text: str) -> None:
        """Add a warning about a layer."""
        self.warnings.append(text if layer is None else f"layer {layer}: {text}")

    def block(self, layer: int | None, why: str) -> None:
        """Add a reason why lava-dl does not load the file, or computes something else."""
        self.lava_dl.append(why if layer is None else f"layer {layer}: {why}")


def _shown(text: str) -> str:
    """One short printable line."""
    line = "".join(c if c.isprintable() else " " for c in text[: _FOUND_MAX + 1])
    return line if len(line) <= _FOUND_MAX else line[: _FOUND_MAX - 3] + "..."
