"""From a network and its counts to what prices need: cores, messages, hops, time of a step."""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.energy.activity import UNPLACED, Placement
from spikewatt.energy.events import Counts
from spikewatt.energy.mapping.limits import has_cores, limits_of
from spikewatt.energy.mapping.load import Load, load
from spikewatt.energy.mapping.partition import Mapping, partition
from spikewatt.energy.mapping.routes import Routes, routes
from spikewatt.energy.timing import StepTime, step_time
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import Attention, Network

_ATTENTION = "attention needs microcode, whose memory and time are not modelled"
_OUTSIDE = "spikes from outside the chip come through host and I/O, which are not modelled"


@dataclass(frozen=True, eq=False)
class Placed:
    """A counted network on a chip.

    routes: None without a mesh in the profile. time: None without times in the profile. notes:
    what the reader of the numbers has to know.
    """

    mapping: Mapping
    load: Load
    routes: Routes | None
    time: StepTime | None
    notes: tuple[str, ...]

    @property
    def placement(self) -> Placement:
        """What prices need of it; hops are unknown where messages leave their chip."""
        absent = {}
        if self.routes is None:
            absent["hop"] = "the profile's sources give no mesh of tiles"
        elif self.routes.between_chips:
            absent["hop"] = f"{self.mapping.chips} chips: the way between chips is not modelled"
        known = None if "hop" in absent else self.routes
        return Placement(
            cores=len(self.mapping.cores),
            chips=self.mapping.chips,
            step_time_s=None if self.time is None else self.time.step_time_s,
            messages=self.load.messages,
            hops_ew=None if known is None else known.hops_ew,
            hops_ns=None if known is None else known.hops_ns,
            absent=absent,
        )

    def layer_cores(self, layer: int) -> slice:
        """Where a layer's cores are in the mapping and in the load's arrays."""
        start = self.mapping.first[layer]
        return slice(start, start + self.mapping.layout[layer].cores)


def placed(network: Network, counts: Counts, profile: Profile) -> Placed:
    """The network on a profile's cores, with the load and the time of each step.

    Raises MappingError where the profile gives no cores, or where a layer fits on none.
    """
    limits = limits_of(profile)
    mapping = partition(network, profile)
    work = load(network, counts, mapping)
    ways = None if limits.mesh is None else routes(work, limits.mesh, limits.cores_per_chip)
    outside = any(stream.source_first is None for stream in work.streams)
    attends = any(isinstance(p.synapses, Attention) for p in network.projections)
    notes = (_OUTSIDE,) * outside + (_ATTENTION,) * attends
    return Placed(mapping, work, ways, step_time(work, ways, profile), notes)


def place(network: Network, counts: Counts, profile: Profile) -> Placement:
    """Cores, chips, messages, hops and step time, for `energy`.

    Nothing is known (UNPLACED) under a profile without the limits of a core, and under an all-in
    figure, which needs none of it. Raises MappingError where a layer fits on no core.
    """
    if profile.all_in or not has_cores(profile):
        return UNPLACED
    return placed(network, counts, profile).placement
