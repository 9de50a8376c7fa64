"""Cores and chips that a network takes: Intel's procedure, a limit at a time.

Every population starts on one core. Whatever a core holds too much of divides it, by the ratio of
what it needs to what there is, until nothing is above a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod

from spikewatt.energy.mapping.layout import (
    Box,
    Layout,
    cut_axons,
    cut_neurons,
    cut_synapses,
    first_layout,
)
from spikewatt.energy.mapping.limits import Limits, MappingError, limits_of
from spikewatt.energy.mapping.usage import Ledger
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import Network

_NAMES = {
    "neurons": "neurons_per_core",
    "words": "synaptic_memory_per_core",
    "axons_in": "axons_in_per_core",
    "axons_out": "axons_out_per_core",
    "axons_map": "axons_map_per_core",
}
_CUTS: dict[str, Callable[[Layout, int], Layout | None]] = {
    "neurons": cut_neurons,
    "words": cut_synapses,
    "axons_in": cut_axons,
    "axons_out": cut_neurons,
    "axons_map": cut_neurons,
}


@dataclass(frozen=True)
class Core:
    """One core: a box of one layer's neurons, and what it takes of the core's memories.

    words: synaptic memory, 64 bit each. axons_out: pairs of a sending unit and a core reached;
    axons_map: sending units. groups: neuron groups, one since a core holds one layer.
    """

    layer: int
    box: Box
    neurons: int
    words: int
    axons_in: int
    axons_out: int
    axons_map: int
    groups: int = 1


@dataclass(frozen=True)
class Mapping:
    """A network on cores, in the order of its populations."""

    profile: str
    cores: tuple[Core, ...]
    chips: int
    layouts: tuple[Layout, ...]

    @cached_property
    def by_layer(self) -> dict[int, tuple[Core, ...]]:
        """Cores of each layer."""
        layers = [layout.layer for layout in self.layouts]
        return {i: tuple(c for c in self.cores if c.layer == i) for i in layers}

    @cached_property
    def layout(self) -> dict[int, Layout]:
        """Layouts by layer."""
        return {layout.layer: layout for layout in self.layouts}

    @cached_property
    def first(self) -> dict[int, int]:
        """Index in `cores` of each layer's first core."""
        firsts, index = {}, 0
        for layout in self.layouts:
            firsts[layout.layer] = index
            index += layout.cores
        return firsts


def partition(network: Network, profile: Profile) -> Mapping:
    """Cores and chips of a network under a profile's limits.

    A core holds neurons of one layer. Raises MappingError, naming limit and layer, where not even
    one neuron's synapses or axons fit on a core, and where the profile has no cores.
    """
    limits = limits_of(profile)
    layouts = {p.layer: first_layout(network, p) for p in network.populations}
    ledger = Ledger(network, limits)
    while violations := _violations(ledger, layouts):
        for layer, (name, used) in violations.items():
            layouts[layer] = _finer(layouts[layer], name, used, limits, profile)
    cores = tuple(core for p in network.populations for core in _cores(ledger, layouts, p.layer))
    chips = ceil(len(cores) / limits.cores_per_chip)
    return Mapping(profile.name, cores, chips, tuple(layouts.values()))


def _limit(limits: Limits, name: str) -> int | None:
    value: int | None = getattr(limits, name)
    return value


def _violations(ledger: Ledger, layouts: dict[int, Layout]) -> dict[int, tuple[str, int]]:
    """The first limit that each layer's fullest core breaks, and what it uses of it."""
    found, limits = {}, ledger.limits
    for layer, layout in layouts.items():
        if prod(layout.box) > limits.neurons:
            found[layer] = ("neurons", prod(layout.box))
    for layer in layouts if not found else ():  # the rest costs more to work out
        most = ledger.usage(layouts, layer).most
        for name in list(_NAMES)[1:]:
            limit = _limit(limits, name)
            if limit is not None and most[name] > limit:
                found[layer] = (name, most[name])
                break
    return found


def _finer(layout: Layout, name: str, used: int, limits: Limits, profile: Profile) -> Layout:
    limit = _limit(limits, name)
    finer = None if limit is None else _CUTS[name](layout, ceil(used / limit))
    if finer is None:
        raise MappingError(
            f"Layer {layout.layer} does not fit on a core of {profile.name}: one core would take "
            f"{used} of {_NAMES[name]}, limit {limit}, and cannot hold less of the layer. Make "
            f"the layer's inputs fewer, or choose another profile."
        )
    return finer


def _cores(ledger: Ledger, layouts: dict[int, Layout], layer: int) -> list[Core]:
    layout = layouts[layer]
    found = ledger.usage(layouts, layer)
    return [
        Core(layer, box, layout.neurons(box), *found.of(i)) for i, box in enumerate(layout.boxes)
    ]
