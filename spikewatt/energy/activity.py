"""What an execution did, as far as a price can be put on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from spikewatt.energy.events import Counts


@dataclass(frozen=True)
class Activity:
    """Totals over all samples and counted steps of one execution.

    `synaptic_events_graded` is the part of `synaptic_events` whose spikes carry values.
    `firing` is the number of neuron updates that ended in a spike.
    """

    samples: int
    steps: int
    synaptic_events: int
    synaptic_events_graded: int
    neuron_updates: int
    firing: int

    @staticmethod
    def of_counts(counts: Counts, graded_layers: Collection[int] = ()) -> Activity:
        """Totals of counted events; `graded_layers` receive spikes that carry values."""
        graded = [c for c in counts.layers if c.layer in graded_layers]
        return Activity(
            samples=counts.samples,
            steps=counts.steps,
            synaptic_events=sum(int(c.synaptic_events.sum()) for c in counts.layers),
            synaptic_events_graded=sum(int(c.synaptic_events.sum()) for c in graded),
            neuron_updates=sum(c.neuron_updates for c in counts.layers),
            firing=sum(int(c.spikes_out.sum()) for c in counts.layers),
        )


@dataclass(frozen=True)
class Placement:
    """What only a mapping to cores and a timing model know; None where there is none.

    Messages and hops are totals over all samples and steps. step_time_s: seconds a step.
    absent: why a part of the account (hop, ...) is not known, where the mapping can tell.
    """

    cores: int | None = None
    chips: int | None = None
    step_time_s: float | None = None
    messages: int | None = None
    hops_ew: int | None = None
    hops_ns: int | None = None
    absent: Mapping[str, str] = field(default_factory=dict)


UNPLACED = Placement()
