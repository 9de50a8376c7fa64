"""The schedule as independent periods of local time.

Between resets nothing survives, so a period (a sample, or what lies between two resets) is
executed alone, every population in local steps from its own reset on. A spike of the source's
local step l then arrives at the target's local step l + lag, and what arrives after the period's
last step is never read: that is the drop rule of the schedule. A run without resets is one period.
Several short periods may follow each other with a gap between, in which what is on its way dies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import Network, Projection


class Span(NamedTuple):
    """Counted local steps [begin, end) of a period; they are columns from `column` of `row`."""

    row: int
    begin: int
    end: int
    column: int

    def column_of(self, step: int) -> int:
        """Column of a local step."""
        return self.column + step - self.begin


@dataclass(frozen=True, eq=False)
class Clock:
    """Local time of one network under one schedule."""

    network: Network
    schedule: Schedule

    @property
    def length(self) -> int:
        """Steps of a period."""
        return self.schedule.period or self.schedule.total_steps

    @cached_property
    def _phases(self) -> dict[int, int]:
        depths = self.network.depths.items()
        is_periodic = self.schedule.period is not None
        return {i: self.schedule.phase(depth) if is_periodic else 0 for i, depth in depths}

    def _phase(self, layer: int) -> int:
        return self._phases[layer]

    def periods(self) -> range:
        """All periods; those before 0 and after the last sample only fill and drain."""
        latest = max(self._phase(p.layer) for p in self.network.populations)
        return range(-latest // self.length, (self.schedule.total_steps - 1) // self.length + 1)

    def whole(self) -> range:
        """Periods that are a sample, and in which every population runs from first to last step.

        They are alike but for the sample.
        """
        schedule, length = self.schedule, self.length
        if schedule.period is None or not schedule.windowed:
            return range(0)
        latest = max(self._phase(p.layer) for p in self.network.populations)
        return range(min(schedule.samples, (schedule.total_steps - latest) // length))

    def lag(self, projection: Projection) -> int:
        """Local steps from a spike to its arrival, delays of axon and synapse apart.

        Below zero where these are longer than the lag is short.
        """
        source, target = self._phase(projection.source), self._phase(projection.target)
        return source + 1 + projection.delay - target

    def active(self, layer: int, period: int) -> tuple[int, int]:
        """Local steps [begin, end) of a period in which a population runs."""
        start = self._phase(layer) + period * self.length
        begin = min(max(0, -start), self.length)
        return begin, max(begin, min(self.length, self.schedule.total_steps - start))

    def span(self, layer: int, period: int) -> Span | None:
        """Counted steps of a population (or of the stimulus) in a period, if there are any."""
        start = self._phase(layer) + period * self.length
        if not self.schedule.windowed:
            begin, end = self.active(layer, period)
            return Span(0, begin, end, start + begin) if begin < end else None
        if not 0 <= period < self.schedule.samples:
            return None
        begin, end = self.schedule.window(period, self.network.depths[layer])
        return Span(period, begin - start, end - start, 0)
