"""The baseline that a sceptic asks for: an int8 ANN of the same shape, with its memory accesses.

A pass computes every dense MAC of the network once. A network that sees a new frame in every
step needs a pass a step; one that looks at a single still input needs a pass a sample. Which of
the two is fair depends on the input, so both are given. A pass costs

    E = MACs x (multiply + accumulate + operand read)
      + weights x weight read + (inputs + outputs of every layer) x activation access

Reuse, as favourable to the ANN as one pass allows: each weight leaves the memory that holds the
model once a pass, however many positions it serves; each activation is written once and read
once a layer. Operands then wait in registers and an 8 KB buffer (see `OPERAND_READ`). Nothing
is kept from one pass to the next. Prices are 45 nm CMOS (Horowitz 2014); the process differs
from a chip's, and a newer one lowers all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from spikewatt.energy.joules import PJ, TermEnergy
from spikewatt.hardware_profiles import Quantity

_HOROWITZ = "Horowitz 2014, Computing's energy problem (ISSCC), 45 nm"
_ACCESS_BYTES = 8  # Horowitz prices accesses of 64 bit; an operand is one byte of them
_KB = 1024

# Where data can lie: bytes it holds, pJ a 64-bit access, name.
MEMORIES = (
    (8 * _KB, 10.0, "8 KB SRAM"),
    (32 * _KB, 20.0, "32 KB SRAM"),
    (1024 * _KB, 100.0, "1 MB SRAM"),
    (inf, 1300.0, "DRAM"),
)


def _derived(value: float, text: str, band: tuple[float, float] | None = None) -> Quantity:
    low, high = band or (None, None)
    source = f"{_HOROWITZ}: {text}"
    return Quantity(
        value=value, low=low, high=high, unit="pJ", kind="derived", source=source, process="45 nm"
    )


MULTIPLY = Quantity(
    value=0.2, unit="pJ", kind="simulated", source=f"{_HOROWITZ}: int8 multiply", process="45 nm"
)
ACCUMULATE = Quantity(
    value=0.1,
    low=0.03,
    high=0.1,
    unit="pJ",
    kind="simulated",
    source=f"{_HOROWITZ}: int32 add, as sums of int8 products need; low end int8 add",
    process="45 nm",
)
OPERAND_READ = _derived(
    10 / _ACCESS_BYTES,
    "8 KB SRAM 10 pJ per 64-bit access, so 1.25 pJ a byte. Value: the weight stays in a register "
    "and the activation is read for each MAC; low: one read serves 8 MACs; high: weight and "
    "activation are read for each MAC",
    (10 / _ACCESS_BYTES / 8, 2 * 10 / _ACCESS_BYTES),
)

# What the baseline leaves out.
ABSENT = {
    "control": "instructions, addressing and clock of the accelerator have no public price here",
    "static": "leakage depends on the accelerator and its speed, which are not given",
    "io": "host and input/output, as in the other estimates",
}


@dataclass(frozen=True)
class AnnLayer:
    """What one pass does in a layer: MACs, weights (shared kernels once), inputs, outputs."""

    macs: int
    weights: int
    inputs: int
    outputs: int


@dataclass(frozen=True)
class AnnEnergy:
    """Energy of one sample in joules; `passes` a sample, terms with counts a sample."""

    passes: int
    terms: dict[str, TermEnergy]

    @property
    def energy_j(self) -> float:
        """Sum of the terms."""
        return sum(t.energy_j for t in self.terms.values())

    @property
    def band_j(self) -> tuple[float, float]:
        """The sum with every price at the low and at the high end of its band."""
        bands = [t.band_j for t in self.terms.values()]
        return sum(b[0] for b in bands), sum(b[1] for b in bands)


def access(size_bytes: int, what: str) -> Quantity:
    """Price of one byte in the smallest memory that holds `size_bytes`."""
    _, access_pj, name = next(m for m in MEMORIES if size_bytes <= m[0])
    return _derived(
        access_pj / _ACCESS_BYTES,
        f"{name} {access_pj:g} pJ per 64-bit access, 8 operands each; {what} take "
        f"{size_bytes:,} bytes",
    )


def ann_energy(layers: Sequence[AnnLayer], passes: int) -> AnnEnergy:
    """Energy a sample of an int8 ANN of this shape that makes `passes` passes."""
    macs = sum(x.macs for x in layers)
    weights = sum(x.weights for x in layers)
    activations = sum(x.inputs + x.outputs for x in layers)
    at_once = max((x.inputs + x.outputs for x in layers), default=0)
    counted = {
        "multiply": (macs, MULTIPLY),
        "accumulate": (macs, ACCUMULATE),
        "operand_read": (macs, OPERAND_READ),
        "weight_read": (weights, access(weights, "the weights")),
        "activation_access": (activations, access(at_once, "the largest layer's activations")),
    }
    return AnnEnergy(passes, {name: _term(n * passes, q) for name, (n, q) in counted.items()})


def _term(count: int, price: Quantity) -> TermEnergy:
    low, value, high = (pj * PJ * count for pj in price.band_pj)
    return TermEnergy(count, price, value, (low, high))
