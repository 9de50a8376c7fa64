"""A request in shards of samples, and one execution of theirs: equal to one run of the whole.

A sample gives what it gives alone, whatever the batch, so arrays of samples are joined in order.
What populations do outside the counted steps (`fill`) is their own before the first sample and
after the last where samples follow each other, whatever these are, and so every shard's is that
of the whole. Under the start rule `together` each sample has its own, and shards add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import Counts, LayerCounts
from spikewatt.energy.host import HostWork
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.host import HostOutcome
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import IntArray


@dataclass(frozen=True)
class Shard:
    """Samples [start, stop) of a request."""

    start: int
    stop: int

    def stimulus(self, request: Request) -> IntArray:
        """The samples' part of the stimulus, in memory."""
        return np.array(request.stimulus[self.start : self.stop])

    def steps(self, request: Request) -> int:
        """Steps that an engine executes for these samples."""
        return clips(request.network, self.stop - self.start, request.schedule.steps).total_steps


def shards(request: Request, at_most: int) -> list[Shard]:
    """At most so many shards, as equal as whole clips can be; SpikewattError for a stream.

    The samples of a clip's persons stay together.
    """
    schedule = request.schedule
    if schedule != clips(request.network, schedule.samples, schedule.steps):
        raise SpikewattError(
            "The input is one stream, whose steps follow each other; workers share samples. Leave "
            "the workers out, or give clips, (N, *shape, T)."
        )
    persons = request.network.persons
    whole = schedule.samples // persons
    number = min(at_most, whole)
    bounds = [whole * i // number * persons for i in range(number + 1)]
    return [Shard(a, b) for a, b in pairwise(bounds)]


def joined(
    request: Request, parts: Sequence[Execution], build_s: float, wall_s: float
) -> Execution:
    """One execution of a whole request from those of its shards, in order."""
    first = parts[0]
    return Execution(
        engine=first.engine,
        spikes=_by_layer([p.spikes for p in parts]),
        u=_by_layer([p.u for p in parts]),
        v=_by_layer([p.v for p in parts]),
        readout=_all([p.readout for p in parts]),
        counts=_counts(request, [p.counts for p in parts]),
        build_s=build_s,
        wall_s=wall_s,
        details={"shards": float(len(parts))},
        decision=_all([p.decision for p in parts]),
        host=_host([p.host for p in parts]),
    )


def _all(
    arrays: Sequence[npt.NDArray[np.int64] | None],
) -> npt.NDArray[np.int64] | None:
    """What all shards have, together; None where they have nothing."""
    found = [a for a in arrays if a is not None]
    return _samples(found) if found else None


def _host(outcomes: Sequence[HostOutcome | None]) -> HostOutcome | None:
    """The host's stage over all shards."""
    found = [o for o in outcomes if o is not None]
    if not found:
        return None
    return HostOutcome(_samples([o.sums for o in found]), sum((o.work for o in found), HostWork()))


def _samples(arrays: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate(arrays)


def _by_layer(parts: Sequence[dict[int, IntArray]]) -> dict[int, IntArray]:
    return {layer: np.concatenate([p[layer] for p in parts]) for layer in parts[0]}


def _counts(request: Request, parts: Sequence[Counts]) -> Counts:
    schedule = request.schedule
    by_layer = zip(*(p.layers for p in parts), strict=True)
    layers = [_layer(layers, schedule.staggered) for layers in by_layer]
    return Counts(schedule.samples, schedule.steps, tuple(layers))


def _layer(parts: Sequence[LayerCounts], follow: bool) -> LayerCounts:
    """One layer; follow: samples follow each other, and the fill is every shard's."""
    fills = [p.fill for p in parts]
    if follow and any(fill != fills[0] for fill in fills):
        raise SpikewattError(
            f"Workers disagree on what layer {parts[0].layer} does before and after the samples: "
            f"{fills}. Their machines compute differently; run without workers."
        )
    total = fills[0] if follow else {k: sum(f[k] for f in fills) for k in fills[0]}
    return LayerCounts(
        layer=parts[0].layer,
        spikes_in=_samples([p.spikes_in for p in parts]),
        spikes_out=_samples([p.spikes_out for p in parts]),
        synaptic_events=_samples([p.synaptic_events for p in parts]),
        synaptic_events_stored=_samples([p.synaptic_events_stored for p in parts]),
        neuron_updates=sum(p.neuron_updates for p in parts),
        fill=total,
    )
