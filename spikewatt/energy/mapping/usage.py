"""What each core of a layer takes: words of synaptic memory and axons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.layout import Layout
from spikewatt.energy.mapping.limits import Limits
from spikewatt.energy.mapping.reach import reach
from spikewatt.energy.mapping.words import (
    kernel_words,
    list_words,
    listed_axons,
    listed_per_source,
    weight_bits,
)
from spikewatt.network import Attention, Dense, Network, Projection, Sparse

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Usage:
    """Words and axons of a layer's cores, (cores,) each."""

    words: Numbers
    axons_in: Numbers
    axons_out: Numbers
    axons_map: Numbers

    @cached_property
    def most(self) -> dict[str, int]:
        """The fullest core's, by name."""
        return {name: int(values.max()) for name, values in vars(self).items() if name != "most"}

    def of(self, core: int) -> tuple[int, int, int, int]:
        """Words, axons in, axons out and axon map of one core."""
        arrays = (self.words, self.axons_in, self.axons_out, self.axons_map)
        words, axons_in, axons_out, axons_map = (int(a[core]) for a in arrays)
        return words, axons_in, axons_out, axons_map


def usage(network: Network, layouts: dict[int, Layout], layer: int, limits: Limits) -> Usage:
    """Words and axons of every core of a layer, with the other layers cut as they are."""
    words, axons_in = _received(network, layouts[layer], limits)
    axons_out, axons_map = _sent(network, layouts, layer)
    return Usage(words, axons_in, axons_out, axons_map)


def _received(network: Network, layout: Layout, limits: Limits) -> tuple[Numbers, Numbers]:
    words = np.zeros(layout.cores, dtype=np.int64)
    axons = np.zeros(layout.cores, dtype=np.int64)
    for p in network.incoming(layout.layer):
        if isinstance(p.synapses, Attention):  # it stores nothing; its microcode is not known
            add_words, add_axons = np.zeros_like(words), _attended(network, p, layout)
        elif isinstance(p.synapses, Dense | Sparse):
            add_words, add_axons = _lists(p, layout, limits)
        else:
            add_words = _kernels(p, layout, limits)
            add_axons = _shared_axons(network, p, layout, limits)
        words += add_words
        axons += add_axons
    return words, axons


def _lists(p: Projection, layout: Layout, limits: Limits) -> tuple[Numbers, Numbers]:
    assert isinstance(p.synapses, Dense | Sparse)
    bits = weight_bits(p.synapses.weight, limits.synapse)
    words, axons = [], []
    for core in range(layout.cores):
        held = layout.owner == core
        listed = listed_per_source(p.synapses, held)
        words.append(list_words(listed, bits, limits.synapse))
        axons.append(listed_axons(p.synapses, held))
    return np.array(words), np.array(axons)


def _attended(network: Network, p: Projection, layout: Layout) -> Numbers:
    """An axon for each neuron of the three sources that a core's neurons need."""
    roles = range(len(p.sources))
    return np.asarray(sum(reach(network, p, None, layout, role)[0] for role in roles))


def _kernels(p: Projection, layout: Layout, limits: Limits) -> Numbers:
    assert not isinstance(p.synapses, Dense | Sparse | Attention)
    everything = (0, p.synapses.weight.shape[0])
    held = [box[2] if layout.tiled else everything for box in layout.boxes]
    words = {c: kernel_words(p.synapses, c, limits.synapse) for c in set(held)}
    return np.array([words[c] for c in held])


def _shared_axons(network: Network, p: Projection, layout: Layout, limits: Limits) -> Numbers:
    if limits.axons_shared is not None:
        return np.full(layout.cores, limits.axons_shared)
    reached = reach(network, p, None, layout)
    channels = network.shape_of(p.source)[-1]
    return np.asarray(-(-reached.sum(axis=0) // channels))


def _sent(network: Network, layouts: dict[int, Layout], layer: int) -> tuple[Numbers, Numbers]:
    layout = layouts[layer]
    pairs = np.zeros(layout.cores, dtype=np.int64)
    units = np.zeros(layout.cores, dtype=np.int64)
    sent = [(p, i) for p in network.projections for i, n in enumerate(p.sources) if n == layer]
    for p, role in sent:
        reached = reach(network, p, layout, layouts[p.target], role)
        alone = isinstance(p.synapses, Dense | Sparse | Attention)
        shares = not alone and len(network.shape_of(layer)) == 3
        channels = network.shape_of(layer)[-1] if shares else 1
        pairs += -(-reached.sum(axis=1) // channels)
        units += -(-np.bincount(layout.owner, minlength=layout.cores) // channels)
    return pairs, units
