"""A float network as populations and linear maps, before it is quantised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import torch

from spikewatt.export.lowering.host import HostTerm
from spikewatt.export.lowering.maps import Map, Places
from spikewatt.network import Shape


@dataclass(frozen=True, eq=False)
class Edge:
    """A map from one population (or the input, 0) to another; attention has three: q, k, v.

    delay: steps by which its spikes come later than those of other edges. gain: of the target's
    channels and steps, (C, T), at most 1 in magnitude; what the map brings is multiplied by it,
    and so is a bias (C, X, Y), where there is one.
    """

    sources: tuple[int, ...]
    map: Map
    delay: int = 0
    gain: torch.Tensor | None = None
    bias: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class FloatPopulation:
    """LIF neurons: v = (1 - v_decay / 4096) v + sum of edges + bias, a spike above the threshold.

    bias: (C, X, Y). step_bias: (C, T), what each step adds to it. exact: weights are small whole
    numbers that quantising keeps (gates). surrogate: the module whose surrogate gradient
    fine-tuning takes, None for a gate.
    """

    number: int
    name: str  # the module's path in the float network
    channels: int
    places: Places
    i_decay: int
    v_decay: int
    threshold: float
    edges: tuple[Edge, ...]
    bias: torch.Tensor
    exact: bool = False
    surrogate: object = None
    step_bias: torch.Tensor | None = None

    @property
    def shape(self) -> Shape:
        """Lava's shape (x, y, channel)."""
        return (*self.places, self.channels)


@dataclass
class FloatGraph:
    """Populations in order of execution, 1 and up; the input is 0.

    readout: the last one, whose v after the last step is the logits; an integrator (times the
    number of steps), or without memory where its edges' delays bring every step together.
    running: paths of the modules that run while the network is traced, the innermost last.
    host: what a processor adds to the logits. persons: clips of single persons whose read-outs,
    added, are those of a clip.
    """

    input_shape: Shape
    populations: list[FloatPopulation] = field(default_factory=list)
    readout: FloatPopulation | None = None
    running: list[str] = field(default_factory=list)
    host: HostTerm | None = None
    persons: int = 1

    def shape_of(self, number: int) -> Shape:
        """Shape of a population or of the input."""
        return self.populations[number - 1].shape if number else self.input_shape

    def path_of(self, part: str) -> str:
        """Path of a population that the running module makes itself; further ones are numbered."""
        path = ".".join(p for p in (*self.running[-1:], part) if p)
        taken = {p.name for p in self.populations}
        return next(n for n in _numbered(path) if n not in taken)


def _numbered(path: str) -> Iterator[str]:
    yield path
    yield from (f"{path}_{k}" for k in count(2))
