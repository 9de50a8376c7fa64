"""A network on the cores of a chip, as a run's record keeps it."""

from __future__ import annotations

from spikewatt.energy.activity import Placement
from spikewatt.report.entry import Entry


class CoreGroup(Entry):
    """The cores that hold one layer, in the order of placement; counts are totals of the run."""

    layer: int
    events: list[int]  # synaptic events of each core
    updates: list[int]  # neuron updates of each core


class PlacementRecord(Entry):
    """Cores, chips and time under one profile; None where the mapping does not know it.

    messages and hops are totals over all samples and steps. groups: the load of each core.
    """

    cores: int | None = None
    chips: int | None = None
    step_time_s: float | None = None
    messages: int | None = None
    hops_ew: int | None = None
    hops_ns: int | None = None
    groups: list[CoreGroup] = []

    def placement(self) -> Placement:
        """What prices need of it."""
        return Placement(**self.model_dump(exclude={"groups"}))
