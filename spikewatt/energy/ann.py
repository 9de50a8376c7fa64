"""The baseline that a sceptic asks for: an int8 ANN of the same shape, with its memory accesses.

A pass computes every dense MAC of the network once. A network that sees a new frame in every
step needs a pass a step; one that looks at a single still input needs a pass a sample. Which of
the two is fair depends on the input, so both are given. A pass costs

    E = MACs x (multiply + accumulate + operand read)
      + weights x weight read + (inputs + outputs of every layer) x activation access

Reuse, as favourable to the ANN as one pass allows: each weight leaves the memory that holds the
model once a pass, however many positions it serves; each activation is written once and read
once a layer. Operands then wait in registers and an 8 KB buffer (see `operand_read`). Nothing
is kept from one pass to the next. Prices are those of the profile `cmos45_horowitz`; the
process differs from a chip's, and a newer one lowers all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from spikewatt.energy.joules import PJ, TermEnergy
from spikewatt.hardware_profiles import Quantity, load

PRICES = "cmos45_horowitz"
_ACCESS_BYTES = 8  # an access is 64 bit wide; an operand is one byte of it
_SUM_BYTES = 4
_KB = 1024

# Where data can lie: bytes it holds, and what an access is called in the profile.
MEMORIES = (
    (8 * _KB, "sram_8kb_64bit"),
    (32 * _KB, "sram_32kb_64bit"),
    (1024 * _KB, "sram_1mb_64bit"),
    (inf, "dram_64bit"),
)


@lru_cache(maxsize=1)
def _pj() -> dict[str, Quantity]:
    return load(PRICES).other


def _derived(band: tuple[float, float, float], source: str) -> Quantity:
    low, value, high = band
    return Quantity(
        value=value, low=low, high=high, unit="pJ", kind="derived", source=source, process="45 nm"
    )


def accumulate() -> Quantity:
    """A sum of int8 products: int32 add; low end int8 add."""
    int32, int8 = _pj()["int32_add"], _pj()["int8_add"]
    source = f"{int32.source}, as sums of int8 products need; low end int8 add"
    return int32.model_copy(update={"low": int8.value, "high": int32.value, "source": source})


def operand_read() -> Quantity:
    """What a MAC fetches from an 8 KB buffer, depending on what stays in registers.

    Value: one int8 operand; the other and the sum stay. Low: one read serves 8 MACs, as in an
    array that passes it on. High: both operands, and the int32 sum read and written.
    """
    word = _pj()["sram_8kb_64bit"]
    byte = word.value / _ACCESS_BYTES
    return _derived(
        (byte / 8, byte, 2 * byte + 2 * _SUM_BYTES * byte),
        f"{word.source}, {word.value:g} pJ for 8 bytes. Value: a MAC reads one int8 operand, the "
        "other and the sum stay in registers; low: one read serves 8 MACs; high: nothing stays, "
        "both operands are read and the int32 sum is read and written",
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
    name = next(name for size, name in MEMORIES if size_bytes <= size)
    price = _pj()[name]
    byte = price.value / _ACCESS_BYTES
    source = f"{price.source}, {price.value:g} pJ for 8 bytes; {what} take {size_bytes:,} bytes"
    return _derived((byte, byte, byte), source)


def ann_energy(layers: Sequence[AnnLayer], passes: int) -> AnnEnergy:
    """Energy a sample of an int8 ANN of this shape that makes `passes` passes."""
    macs = sum(x.macs for x in layers)
    weights = sum(x.weights for x in layers)
    activations = sum(x.inputs + x.outputs for x in layers)
    at_once = max((x.inputs + x.outputs for x in layers), default=0)
    counted = {
        "multiply": (macs, _pj()["int8_mult"]),
        "accumulate": (macs, accumulate()),
        "operand_read": (macs, operand_read()),
        "weight_read": (weights, access(weights, "the weights")),
        "activation_access": (activations, access(at_once, "the largest layer's activations")),
    }
    return AnnEnergy(passes, {name: _term(n * passes, q) for name, (n, q) in counted.items()})


def _term(count: int, price: Quantity) -> TermEnergy:
    low, value, high = (pj * PJ * count for pj in price.band_pj)
    return TermEnergy(count, price, value, (low, high))
