"""Builds an integer network layer by layer, numbering layers as a NetX file does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import (
    Input,
    IntArray,
    Network,
    Neuron,
    Population,
    Projection,
    Readout,
    Shape,
    StartRule,
    Synapses,
)

MESSAGE_BITS = 16  # magnitude of a stimulus that drives dendrites, as lava-dl has it


def lava_shape(shape: tuple[int, ...]) -> Shape:
    """(C, H, W) or (C,) of torch to Lava's (W, H, C) or (n,)."""
    return tuple(int(n) for n in reversed(shape))


def channels_first(shape: Shape) -> npt.NDArray[np.intp]:
    """For each neuron in flat (x, y, c) order its place in torch's flat (c, y, x) order."""
    places = np.arange(np.prod(shape)).reshape(shape[::-1])
    return np.asarray(places.transpose().reshape(-1))


@dataclass
class NetworkBuilder:
    """A chain in the making; `shape` is that of the last layer's neurons, in Lava's order."""

    shape: Shape = ()
    layer_types: dict[int, str] = field(default_factory=dict)
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    entry: Input | None = None

    @property
    def next_layer(self) -> int:
        """Number of the layer that will be added next."""
        return len(self.layer_types)

    @property
    def last(self) -> int:
        """Number of the layer whose spikes the next one receives."""
        assert self.entry is not None
        return self.populations[-1].layer if self.populations else self.entry.layer

    def input(self, shape: Shape, message_bits: int = 0) -> None:
        """Spikes enter here, binary or with `message_bits` magnitude bits and a sign."""
        self.entry = Input(self.next_layer, shape, message_bits)
        self.layer_types[self.next_layer], self.shape = "input", shape

    def bias_input(self, shape: Shape, neuron: Neuron, scale: int, offset: int) -> None:
        """The stimulus is the bias of a population."""
        self.entry = Input(self.next_layer, shape, drives_bias=True, scale=scale, offset=offset)
        self.add("input", Population(self.next_layer, shape, neuron), ())

    def dendrite_input(self, population: Population, scale: int, offset: int) -> None:
        """The stimulus is the dendrite's input of this population, signed messages."""
        bits = population.message_bits or MESSAGE_BITS
        self.entry = Input(
            self.next_layer,
            population.shape,
            bits,
            drives_dendrite=True,
            scale=scale,
            offset=offset,
        )
        self.add("input", population, ())

    def flatten(self) -> None:
        """The file's flatten layer; neurons keep their flat order (x, y, channel)."""
        self.layer_types[self.next_layer] = "flatten"

    def population(
        self, kind: str, shape: Shape, neuron: Neuron, synapses: Synapses, bias: IntArray | None
    ) -> None:
        """Neurons with a projection from the last layer; kind is the file's layer type."""
        layer = self.next_layer
        projection = Projection(self.last, layer, synapses)
        self.add(kind, Population(layer, shape, neuron, bias), (projection,))

    def add(self, kind: str, population: Population, projections: Sequence[Projection]) -> None:
        """A population with its own projections; kind is the file's layer type."""
        self.populations.append(population)
        self.projections += projections
        self.layer_types[population.layer], self.shape = kind, population.shape

    def connect(self, source: int, target: int, synapses: Synapses) -> None:
        """A further projection between layers that exist."""
        self.projections.append(Projection(source, target, synapses))

    def average(self) -> int:
        """The file's average layer, at the end; returns its number."""
        self.layer_types[self.next_layer] = "average"
        return self.next_layer - 1

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
