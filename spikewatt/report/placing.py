"""Placing an executed network on the cores of every profile that has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from spikewatt.energy.events import Counts
from spikewatt.energy.mapping.limits import MappingError, has_cores
from spikewatt.energy.mapping.place import Placed, placed
from spikewatt.hardware_profiles import Profile, load, names
from spikewatt.network import Network
from spikewatt.report.entry import joined
from spikewatt.report.placed import CoreGroup, PlacementRecord

CORES_MAX = 1024  # whose loads a record lists
STEPS_AT_ONCE = 20_000  # of all samples; loads take cores x steps x 32 bytes


def placements_of(network: Network, counts: Counts) -> dict[str, PlacementRecord]:
    """The network under each profile of the package that says what a core holds."""
    profiles = [load(name) for name in names()]
    return {p.name: placement_of(network, counts, p) for p in profiles if _has_place(p)}


def _has_place(profile: Profile) -> bool:
    return has_cores(profile) and not profile.all_in


def placement_of(network: Network, counts: Counts, profile: Profile) -> PlacementRecord:
    """The network under one profile; without cores, with the reason, where it does not fit."""
    try:
        parts = [placed(network, part, profile) for part in parts_of(counts)]
    except MappingError as error:
        why = f"the network has no place on the cores: {error}"
        return PlacementRecord(absent=dict.fromkeys(("message", "hop", "static"), why))
    return _summed(parts)


def parts_of(counts: Counts) -> Iterator[Counts]:
    """Counts of some samples at a time, so that loads fit into memory."""
    at_once = max(1, STEPS_AT_ONCE // counts.steps)
    for start in range(0, counts.samples, at_once):
        chosen = slice(start, min(start + at_once, counts.samples))
        number = chosen.stop - chosen.start
        layers = tuple(
            replace(
                layer,
                spikes_in=layer.spikes_in[chosen],
                spikes_out=layer.spikes_out[chosen],
                synaptic_events=layer.synaptic_events[chosen],
                synaptic_events_stored=layer.synaptic_events_stored[chosen],
                neuron_updates=layer.neuron_updates * number // counts.samples,
            )
            for layer in counts.layers
        )
        yield Counts(number, counts.steps, layers)


def _summed(parts: Sequence[Placed]) -> PlacementRecord:
    """One record of all parts; they share the mapping, and a part weighs by its samples."""
    found = [part.placement for part in parts]
    first, samples = found[0], sum(part.load.samples for part in parts)
    times = [
        p.step_time_s * part.load.samples
        for p, part in zip(found, parts, strict=True)
        if p.step_time_s is not None
    ]
    return PlacementRecord(
        cores=first.cores,
        chips=first.chips,
        step_time_s=sum(times) / samples if times else None,
        messages=_sum([p.messages for p in found]),
        hops_ew=_sum([p.hops_ew for p in found]),
        hops_ns=_sum([p.hops_ns for p in found]),
        limited_by=parts[0].time.limited_by if parts[0].time else None,
        absent=dict(first.absent),
        groups=_groups(parts) if (first.cores or 0) <= CORES_MAX else [],
    )


def _sum(values: Sequence[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if len(known) == len(values) else None


def _groups(parts: Sequence[Placed]) -> list[CoreGroup]:
    groups = []
    for layer in parts[0].mapping.by_layer:
        cores = parts[0].layer_cores(layer)
        events = zip(*(part.load.events_of(cores) for part in parts), strict=True)
        updates = zip(*(part.load.updates_of(cores) for part in parts), strict=True)
        groups.append(
            CoreGroup(
                layer=layer, events=joined(map(sum, events)), updates=joined(map(sum, updates))
            )
        )
    return groups
