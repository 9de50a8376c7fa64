"""Builds an integer network layer by layer, numbering layers as a NetX file does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spikewatt.network import (
    CubaLif,
    Input,
    IntArray,
    Network,
    Population,
    Projection,
    Readout,
    Shape,
    StartRule,
    Synapses,
)


@dataclass
class NetworkBuilder:
    """A chain in the making; `shape` is that of the last layer's neurons, in Lava's order."""

    shape: Shape = ()
    layer_types: dict[int, str] = field(default_factory=dict)
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    entry: Input | None = None

    @property
    def _next(self) -> int:
        return len(self.layer_types)

    @property
    def last(self) -> int:
        """Number of the layer whose spikes the next one receives."""
        assert self.entry is not None
        return self.populations[-1].layer if self.populations else self.entry.layer

    def input(self, shape: Shape, message_bits: int = 0) -> None:
        """Spikes enter here, binary or with `message_bits` magnitude bits and a sign."""
        self.entry = Input(self._next, shape, message_bits)
        self.layer_types[self._next], self.shape = "input", shape

    def bias_input(self, shape: Shape, neuron: CubaLif, scale: int, offset: int) -> None:
        """The stimulus is the bias of a population."""
        self.entry = Input(self._next, shape, drives_bias=True, scale=scale, offset=offset)
        self.populations.append(Population(self._next, shape, neuron))
        self.layer_types[self._next], self.shape = "input", shape

    def flatten(self) -> None:
        """The file's flatten layer; neurons keep their flat order (x, y, channel)."""
        self.layer_types[self._next] = "flatten"

    def population(
        self, kind: str, shape: Shape, neuron: CubaLif, synapses: Synapses, bias: IntArray | None
    ) -> None:
        """Neurons with a projection from the last layer; kind is the file's layer type."""
        layer, source = self._next, self.last
        self.populations.append(Population(layer, shape, neuron, bias))
        self.projections.append(Projection(source, layer, synapses))
        self.layer_types[layer], self.shape = kind, shape

    def average(self) -> int:
        """The file's average layer, at the end; returns its number."""
        self.layer_types[self._next] = "average"
        return self._next - 1

    def build(
        self,
        start: StartRule | None,
        readout: Readout | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Network:
        """The network; facts are `classes`, `encoder`, `training` as `Network` has them."""
        facts = facts or {}
        assert self.entry is not None
        return Network(
            input=self.entry,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            start=start,
            readout=readout,
            classes=tuple(facts.get("classes", ())),
            encoder=facts.get("encoder"),
            training=facts.get("training", {}),
            layer_types=dict(self.layer_types),
        )
