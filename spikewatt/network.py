"""The integer network: populations and projections with the exact integers that execute.

A network is a graph. Populations are named by their file's layer number; projections name
their source and target populations. Neurons are addressed by the C-order flat index of the
population's Lava shape (x, y, channel), so neighbours in memory are channels.

Weights are *effective* weights: what Lava computes with after lava-dl's and Lava's own
clip and truncation. Arithmetic is Lava's fixed point (lava/proc/lif/models.py, `fixed_pt`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from math import prod
from typing import Any, TypeAlias

from spikewatt.errors import SpikewattError
from spikewatt.host import HostStage
from spikewatt.neurons import (
    AdaptiveLif,
    CubaLif,
    Delta,
    Neuron,
    ResonateFire,
    Sigma,
    SigmaDelta,
)
from spikewatt.synapses import (
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    IntArray,
    Pool,
    Sparse,
    Synapses,
    Unpool,
)

__all__ = [
    "BIAS_MAX",
    "BIAS_MIN",
    "DECAY_MAX",
    "DELAY_MAX",
    "GAIN_UNITY",
    "MESSAGE_BITS_MAX",
    "THRESHOLD_MAX",
    "WEIGHT_MAX",
    "WEIGHT_MIN",
    "AdaptiveLif",
    "Attention",
    "Conv",
    "ConvTranspose",
    "CubaLif",
    "Delta",
    "Dense",
    "HostStage",
    "Input",
    "IntArray",
    "Network",
    "NetworkError",
    "Neuron",
    "Pool",
    "Population",
    "Projection",
    "Readout",
    "ResonateFire",
    "Shape",
    "Sigma",
    "SigmaDelta",
    "Sparse",
    "StartRule",
    "Synapses",
    "Unpool",
    "Violation",
]

Shape: TypeAlias = tuple[int, ...]

WEIGHT_MIN, WEIGHT_MAX = -256, 254  # 8 bits in steps of 2, as SLAYER quantises
BIAS_MIN, BIAS_MAX = -4096, 4095  # 13-bit mantissa; Lava wraps silently at int16
DELAY_MAX = 62
THRESHOLD_MAX = 2**17 - 1
DECAY_MAX = 4096
GAIN_UNITY = 4096  # gains of steps are shares of it, as decays are
MESSAGE_BITS_MAX = 24


class StartRule(str, Enum):
    """When the populations of a network start to integrate.

    TOGETHER: all at step 0 (lava-dl without `reset_interval`, SLAYER with `delay_shift=True`).
    BY_DEPTH: a population at depth d at step d, from state 0 (SLAYER with `delay_shift=False`).
    """

    TOGETHER = "together"
    BY_DEPTH = "by_depth"


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one model and shape, with bias.

    `step_bias` is a table of further biases, by step and channel (the shape's last axis): in the
    step t of a sample, t counted from the population's own reset on, the neurons of channel c have
    bias + step_bias[t, c] + what projections bring (`Projection.gained_bias`). See
    `Network.table_steps`.
    """

    layer: int  # number in the file, also the population's name
    shape: Shape  # Lava's order (x, y, channel), or (n,)
    neuron: Neuron
    bias: IntArray | None = None  # (*shape,) mantissas; None is no bias
    message_bits: int = 0  # 0: binary spikes
    step_bias: IntArray | None = None  # (steps, channels) mantissas

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one population (or the input) to another, or to itself (recurrence).

    A spike of step t reaches the target's dendrite at step t + 1 + delay + axon_delay[source]
    (+ the synapse's own delay). `delay` equalises branches of different length.

    `step_gain` is a table of gains, by step and channel of the target. All that arrives through
    the projection in one step, a (as int32, after a convolution's wrap), enters the dendrite as

        sign(a g) (|a g| >> 12)        g = step_gain[t, c], -4096 to 4096, shares of 4096

    in step t of the target's sample. A gain is at most 1, so no sum grows: only -2^31 times -1
    leaves 32 bits, and wraps, as sums do. Events are those of the synapses, whatever the gain.
    `gained_bias` are mantissas that the gain multiplies alike, by themselves, and that join the
    target's bias: what a layer's bias is in front of a norm of single steps.
    """

    source: int
    target: int
    synapses: Synapses
    delay: int = 0
    axon_delay: IntArray | None = None  # (sources,) steps
    part: str = "real"  # which part of a resonate-and-fire neuron it drives: real | imag
    step_gain: IntArray | None = None  # (steps, channels of the target), shares of GAIN_UNITY
    gained_bias: IntArray | None = None  # (*shape of the target,), only with gains

    @property
    def sources(self) -> tuple[int, ...]:
        """The layers whose spikes it takes: the source; of attention queries, keys, values."""
        s = self.synapses
        return (self.source, s.keys, s.values) if isinstance(s, Attention) else (self.source,)


@dataclass(frozen=True)
class Input:
    """Where the stimulus enters: as spikes (binary or graded), or into a population.

    `drives_bias`: the layer is also a population, and the stimulus is its bias mantissa.
    `drives_dendrite`: the layer is also a population, and the stimulus is its a_in (delta encoder).
    `scale`, `offset`: the file's transform for images, kept for the record.
    """

    layer: int
    shape: Shape
    message_bits: int = 0
    drives_bias: bool = False
    drives_dendrite: bool = False
    scale: int = 1
    offset: int = 0

    @property
    def size(self) -> int:
        """Number of input channels."""
        return prod(self.shape)


@dataclass(frozen=True)
class Readout:
    """How a decision is read off the last population.

    membrane: v, as the neuron's record defines it, at the end of a sample's last step. rate:
    the sum of the messages (spikes are 1, graded ones their value) over the sample. Neurons are
    summed in `groups` equal groups (lava-dl's `average`) and divided by `divisor`; engines
    return the integer sums.

    So many `persons`, samples one after another, are one clip, whose sums are added. What the
    network's host stage finds in the clip is added, too: that is the clip's decision.
    """

    kind: str  # membrane | rate
    groups: int
    divisor: int = 1
    layer: int | None = None  # the file's average layer, where it has one
    persons: int = 1


@dataclass(frozen=True, eq=False)
class Network:
    """A graph of populations and projections, ready to execute."""

    input: Input
    populations: tuple[Population, ...]  # in order of execution; sources before targets
    projections: tuple[Projection, ...]
    start: StartRule | None = None  # None: the file names none
    readout: Readout | None = None
    classes: tuple[str, ...] = ()
    encoder: Mapping[str, Any] | None = None  # how clips become stimuli, as `data` wrote it
    training: Mapping[str, Any] = field(default_factory=dict)  # where the network comes from
    layer_types: Mapping[int, str] = field(default_factory=dict)  # the file's names, by layer
    # paths of the modules of the trained network that layers come from, where they are known
    names: Mapping[int, str] = field(default_factory=dict)
    host: HostStage | None = None  # what a processor adds to the read-out of a clip

    @cached_property
    def by_layer(self) -> dict[int, Population]:
        """Populations by their layer number."""
        return {p.layer: p for p in self.populations}

    def incoming(self, layer: int) -> tuple[Projection, ...]:
        """Projections whose target is this layer."""
        return tuple(p for p in self.projections if p.target == layer)

    def shape_of(self, layer: int) -> Shape:
        """Shape of a population or of the input."""
        if layer in self.by_layer:
            return self.by_layer[layer].shape
        return self.input.shape

    @property
    def output(self) -> Population:
        """The last population."""
        return self.populations[-1]

    @cached_property
    def depths(self) -> dict[int, int]:
        """Steps from the stimulus to each population, by layer; delays do not count.

        Spikes enter at depth 0, so the first population behind them has depth 1; a population
        whose bias the stimulus drives has depth 0. Projections that go back are left out.
        """
        order = {p.layer: i for i, p in enumerate(self.populations)}
        depths = {self.input.layer: 0}
        for p in self.populations:
            before = [
                depths[source] + 1
                for q in self.incoming(p.layer)
                for source in q.sources
                if order.get(source, -1) < order[p.layer]
            ]
            depths.setdefault(p.layer, max(before, default=0))
        return depths

    @cached_property
    def table_steps(self) -> int | None:
        """Steps that the tables of gains and biases have entries for; None without tables.

        A sample has at most so many steps, and a population resets as its own begins (by depth):
        no entry is read twice, and there is none for further steps.
        """
        found = [p.step_bias for p in self.populations] + [q.step_gain for q in self.projections]
        return min((len(table) for table in found if table is not None), default=None)

    @property
    def persons(self) -> int:
        """Samples that are one clip."""
        return 1 if self.readout is None else self.readout.persons

    @property
    def decides_apart(self) -> bool:
        """Whether a clip's decision is more than one sample's read-out."""
        return self.persons > 1 or self.host is not None

    @property
    def latency_steps(self) -> int:
        """Steps by which the output lags the input."""
        return self.depths[self.output.layer]


@dataclass(frozen=True)
class Violation:
    """One thing that keeps a network from running, or from running as written."""

    layer: int | None
    what: str
    found: str
    limit: str
    hint: str

    def __str__(self) -> str:
        where = "network" if self.layer is None else f"layer {self.layer}"
        return f"{where}: {self.what} is {self.found}, limit {self.limit}; {self.hint}"


class NetworkError(SpikewattError):
    """A network or file that breaks rules; carries all of them."""

    def __init__(self, subject: str, violations: list[Violation]) -> None:
        lines = "; ".join(str(v) for v in violations)
        count = len(violations)
        noun = "violation" if count == 1 else "violations"
        super().__init__(f"{subject} cannot be used, {count} {noun}: {lines}.")
        self.violations = violations
