"""A network on the cores of a chip, as a run's record keeps it."""

from __future__ import annotations

from pydantic import Field

from spikewatt.energy.activity import Placement
from spikewatt.report.entry import Entry, Numbers


class CoreGroup(Entry):
    """The cores that hold one layer, in the order of placement; totals of the run on each."""

    layer: int
    events: Numbers
    updates: Numbers


class PlacementRecord(Entry):
    """Cores, chips and time under one profile; None where the mapping does not know it.

    messages and hops are totals over all samples and steps. step_time_s: mean of all steps;
    limited_by: the term that sets it. absent: parts of the energy that the mapping cannot give,
    with reasons. groups: the load of each core, left out where there are more than CORES_MAX.
    """

    cores: int | None = None
    chips: int | None = None
    step_time_s: float | None = None
    messages: int | None = None
    hops_ew: int | None = None
    hops_ns: int | None = None
    limited_by: str | None = None
    absent: dict[str, str] = Field(default={})
    groups: list[CoreGroup] = Field(default=[])

    def placement(self) -> Placement:
        """What prices need of it."""
        return Placement(**self.model_dump(exclude={"groups", "limited_by"}))
