"""What each core of a layer takes: words of synaptic memory and axons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.layout import Layout
from spikewatt.energy.mapping.limits import Limits
from spikewatt.energy.mapping.listed import by_target, pieces
from spikewatt.energy.mapping.reach import reach
from spikewatt.energy.mapping.reached import cores_reached
from spikewatt.energy.mapping.words import kernel_words, list_words, weight_bits
from spikewatt.network import Attention, Dense, Network, Projection, Sparse

Numbers = npt.NDArray[np.int64]
Layouts = Mapping[int, Layout]


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


class Ledger:
    """What cores take while a network is cut; what a cut leaves is not worked out again."""

    def __init__(self, network: Network, limits: Limits) -> None:
        self.network, self.limits = network, limits
        self._received: dict[Layout, tuple[Numbers, Numbers]] = {}
        self._reached: dict[tuple[int, int, Layout, Layout], Numbers] = {}

    def usage(self, layouts: Layouts, layer: int) -> Usage:
        """Words and axons of every core of a layer, with the other layers cut as they are."""
        layout = layouts[layer]
        if layout not in self._received:
            self._received[layout] = _received(self.network, layout, self.limits)
        return Usage(*self._received[layout], *self._sent(layouts, layer))

    def _sent(self, layouts: Layouts, layer: int) -> tuple[Numbers, Numbers]:
        layout, shape = layouts[layer], self.network.shape_of(layer)
        pairs = np.zeros(layout.cores, dtype=np.int64)
        units = np.zeros(layout.cores, dtype=np.int64)
        for k, p in enumerate(self.network.projections):
            for role in (i for i, n in enumerate(p.sources) if n == layer):
                alone = isinstance(p.synapses, Dense | Sparse | Attention)
                channels = 1 if alone or len(shape) != 3 else shape[-1]
                pairs += -(-self._cores_reached(k, role, layout, layouts[p.target]) // channels)
                units += -(-layout.sizes // channels)
        return pairs, units

    def _cores_reached(self, k: int, role: int, source: Layout, target: Layout) -> Numbers:
        """Pairs of a neuron and a target core that it reaches, of each source core."""
        key = (k, role, source, target)
        if key not in self._reached:
            p = self.network.projections[k]
            self._reached[key] = cores_reached(self.network, p, source, target, role)
        return self._reached[key]


def _received(network: Network, layout: Layout, limits: Limits) -> tuple[Numbers, Numbers]:
    words = np.zeros(layout.cores, dtype=np.int64)
    axons = np.zeros(layout.cores, dtype=np.int64)
    for p in network.incoming(layout.layer):
        if isinstance(p.synapses, Attention):  # it stores nothing; its microcode is not known
            add_words, add_axons = np.zeros_like(words), _attended(network, p, layout)
        elif isinstance(p.synapses, Dense):
            add_words, add_axons = _matrix(p.synapses, layout, limits)
        elif isinstance(p.synapses, Sparse):
            add_words, add_axons = _list(p.synapses, layout, limits)
        else:
            add_words = _kernels(p, layout, limits)
            add_axons = _shared_axons(network, p, layout, limits)
        words += add_words
        axons += add_axons
    return words, axons


def _matrix(s: Dense, layout: Layout, limits: Limits) -> tuple[Numbers, Numbers]:
    """A dense matrix lists its zeros, as Intel's compiler does."""
    bits, sources = weight_bits(s.weight, limits.synapse), s.weight.shape[1]
    words = {
        n: list_words(np.full(sources, n), bits, limits.synapse) for n in set(layout.sizes.tolist())
    }
    return np.array([words[n] for n in layout.sizes.tolist()]), np.full(layout.cores, sources)


def _list(s: Sparse, layout: Layout, limits: Limits) -> tuple[Numbers, Numbers]:
    """Blocks share their weights as kernels do: what several of them need is stored once."""
    bits, listed = weight_bits(s.weight, limits.synapse), by_target(s)
    held = [pieces(box, s.block[0]) for box in layout.boxes]
    words: dict[frozenset[tuple[int, int]], int] = {}
    for parts in held:
        key = frozenset(p.targets for p in parts)
        if key not in words:
            words[key] = list_words(listed.stored(parts), bits, limits.synapse)
    each = [words[frozenset(p.targets for p in parts)] for parts in held]
    return np.array(each), np.array([listed.axons(parts) for parts in held])


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
