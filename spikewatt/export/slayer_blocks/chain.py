"""A network in the making: what the blocks so far have become, and how late their spikes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spikewatt.export.builder import NetworkBuilder
from spikewatt.export.slayer_blocks.site import Site, floats
from spikewatt.network import (
    DELAY_MAX,
    Dense,
    IntArray,
    Population,
    Projection,
    Readout,
    ResonateFire,
    StartRule,
    Synapses,
)


@dataclass
class Chain:
    """The builder, and what it has to know of the last block.

    axon: delays of the last layer's spikes, (neurons,), which the next projection will hold.
    shifted: layers whose block has delay_shift=True. graded: whether the last layer sends
    sigma-delta messages, with 12 bits below the unit.
    """

    builder: NetworkBuilder = field(default_factory=NetworkBuilder)
    axon: IntArray | None = None
    readout: Readout | None = None
    shifted: set[int] = field(default_factory=set)
    graded: bool = False

    def project(self, synapses: Synapses, part: str = "real") -> Projection:
        """A projection from the last layer to the next one, with the last layer's delays."""
        source, target = self.builder.last, self.builder.next_layer
        if self.axon is None:
            return Projection(source, target, synapses, part=part)
        if isinstance(synapses, Dense):  # a matrix of delays is what lava-dl reads
            matrix = np.repeat(self.axon[None], len(synapses.weight), axis=0)
            return Projection(source, target, Dense(synapses.weight, matrix), part=part)
        return Projection(source, target, synapses, axon_delay=self.axon, part=part)

    def add(
        self, site: Site, kind: str, population: Population, projections: Sequence[Projection]
    ) -> None:
        """Add a population; its block's delay waits for the projection behind it."""
        self.builder.add(kind, population, projections)
        self.graded = population.message_bits > 0
        if getattr(site.block, "delay_shift", False):
            self.shifted.add(population.layer)
        self.axon = _axon_delays(site, population)

    def end(self, site: Site) -> None:
        """Settle the delays of the last layer, which has no projection behind it."""
        if self.axon is not None and self.axon.any():
            last = self.builder.populations[-1]
            projections = [_later(site, p, last, self.axon) for p in self.builder.projections]
            self.builder.projections = projections

    @property
    def biased(self) -> bool:
        """Whether a population acts before its first input arrives."""
        return any(not _quiet(p) for p in self.builder.populations)

    def start(self, has_input_block: bool, shifts: set[bool]) -> StartRule:
        """The start rule; where SLAYER's shifts are not Lava's steps they become delays.

        With delay_shift=True everywhere, SLAYER's first layer meets the input at once and Lava's
        a step later. Where no bias shows it, or a block stands for the input, all populations
        start together; else they start by depth, each shift being one step of delay.
        """
        if shifts == {True} and (has_input_block or not self.biased):
            return StartRule.TOGETHER
        self.builder.projections = [
            replace(p, delay=p.delay + 1) if self._shifts(p) else p
            for p in self.builder.projections
        ]
        return StartRule.BY_DEPTH

    def _shifts(self, p: Projection) -> bool:
        return p.source in self.shifted and p.source != p.target


def _axon_delays(site: Site, population: Population) -> IntArray | None:
    """SLAYER's delay of a layer's output, (neurons,) in flat (x, y, channel) order."""
    unit = getattr(site.block, "delay", None)
    if unit is None:
        return None
    steps = np.floor(floats(unit.delay)).astype(np.int32)
    site.within(steps, (0, DELAY_MAX - 1), "axonal delay")  # one is left for delay_shift
    return np.asarray(np.broadcast_to(steps, population.shape), dtype=np.int32).reshape(-1)


def _quiet(population: Population) -> bool:
    """Whether the neurons stay at rest without input."""
    n = population.neuron
    excited = isinstance(n, ResonateFire) and n.izhikevich and n.v_threshold <= 0
    return not excited and (population.bias is None or not population.bias.any())


def _later(site: Site, p: Projection, last: Population, axon: IntArray) -> Projection:
    """Delay the input of the last layer instead of its output; the same if it has no bias."""
    if p.target != last.layer:
        return p
    if not _quiet(last):
        raise site.refuse(
            "it delays the output of the last layer, whose bias would act before the delayed "
            "input. Leave the delay or the bias of the last layer out."
        )
    uniform = bool((axon == axon[0]).all())
    if p.source == p.target and uniform:
        return p
    if uniform:
        return replace(p, delay=p.delay + int(axon[0]))
    if isinstance(p.synapses, Dense) and p.source != p.target:
        before = 0 if p.synapses.delay is None else p.synapses.delay
        delay = np.asarray(before + axon[:, None] + np.zeros_like(p.synapses.weight))
        site.within(delay, (0, DELAY_MAX - 1), "delay with that of the layer before")
        return replace(p, synapses=Dense(p.synapses.weight, delay))
    raise site.refuse(
        "it delays the outputs of the last layer by different steps, which only a feed-forward "
        "dense layer can say. Leave the delay of the last layer out."
    )
