"""A network on the cores of a chip, as a run's record keeps it."""

from __future__ import annotations

from pydantic import Field

from spikewatt.energy.activity import Placement
from spikewatt.report.entry import Entry


class CoreGroup(Entry):
    """The cores that hold one layer, in the order of placement.

    load: the time each core needs for a step, relative to the busiest one. events, updates:
    totals of each core over all samples and steps.
    """

    layer: int
    load: list[float]
    events: list[int]
    updates: list[int]


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
    groups: list[CoreGroup] = Field(default=[])

    def placement(self) -> Placement:
        """What prices need of it."""
        return Placement(**self.model_dump(exclude={"groups"}))
