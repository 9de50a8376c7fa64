"""The host's stage: what a processor computes on the spikes of a clip, after its last step.

Cores cannot compute what needs steps that are still to come. A stage reads the spikes of named
populations over all T steps of a clip and adds to the read-out. It is a list of parts, each one
value made of earlier ones; value 0 is the sum of the spikes read, part k makes value k + 1.

Values are (C, V, T): channels, places, steps. A *whole* value holds spikes or sums of them; a
*number* y is held as round(2**12 y), weights as round(2**16 w). A sum of products is exact, and
is then brought to 12 bits, to the nearest, halves to even. No sum of magnitudes reaches 2**53
(`validation/host.py` proves it from the weights): any order of adding, in 64-bit integers or
floats, gives the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from spikewatt.synapses import IntArray

NUMBER_BITS = 12  # fraction bits of a number, those of a neuron's state in Lava beside its weights
WEIGHT_BITS = 16  # fraction bits of a weight
EXACT = 2**53  # float64 holds every whole number below


@dataclass(frozen=True, eq=False)
class HostMap:
    """Weights that parts share. weight: (O, C / groups, kernel v, kernel t), odd; bias: (O,)."""

    weight: IntArray
    bias: IntArray
    groups: int = 1


@dataclass(frozen=True)
class HostConv:
    """y[o, v, t] = sum of w[o, c, i, j] x[c, v + i - (kv - 1) / 2, t + j - (kt - 1) / 2] + b[o].

    Outside the clip x is 0. map: number of the weights. A number.
    """

    source: int
    map: int


@dataclass(frozen=True, eq=False)
class HostTransform:
    """y[d, v, s] = sum over c, t of w[d, s, c, t] x[c, v, t]: over channels and steps. A number."""

    source: int
    weight: IntArray  # (D, S, C, T)


@dataclass(frozen=True)
class HostFire:
    """v = (4096 - decay) v / 4096, cut toward 0, + x; a spike and v = 0 where v > threshold.

    x: a number. threshold: one too, 0 or more.
    """

    source: int
    decay: int
    threshold: int


@dataclass(frozen=True)
class HostAnd:
    """Both of two whole values, spike by spike; the second may have one place for all."""

    source: int
    other: int


@dataclass(frozen=True)
class HostPool:
    """The sum over the places of a whole value."""

    source: int


@dataclass(frozen=True)
class HostSum:
    """The sum of whole values of one shape."""

    sources: tuple[int, ...]


HostPart: TypeAlias = HostConv | HostTransform | HostFire | HostAnd | HostPool | HostSum


@dataclass(frozen=True, eq=False)
class HostStage:
    """What a processor adds to the read-out of a clip.

    inputs: layers, binary, of channels x places neurons each, in Lava's order (places, channels).
    parts: the last makes a whole value with one place. output: (groups, C), in the read-out's own
    units; what is added to group g is the sum over c, t of output[g, c] y[c, t].
    """

    name: str  # path of the module in the trained network
    inputs: tuple[int, ...]
    shape: tuple[int, int, int]  # channels, places, steps
    maps: tuple[HostMap, ...]
    parts: tuple[HostPart, ...]
    output: IntArray


def sources_of(part: HostPart) -> tuple[int, ...]:
    """Numbers of the values that a part reads."""
    if isinstance(part, HostSum):
        return part.sources
    return (part.source, part.other) if isinstance(part, HostAnd) else (part.source,)
