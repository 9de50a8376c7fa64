"""What each core does in each step: counts of layers, divided by share.

Counts know layers, not neurons: sources are taken to fire alike. So a core's share of its layer's
events is its share of the synapses that end there, and it sends its share of its layer's spikes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import Counters, Counts
from spikewatt.energy.mapping.fan_in import fan_in
from spikewatt.energy.mapping.partition import Mapping
from spikewatt.energy.mapping.reach import reach
from spikewatt.network import Attention, Network, Projection, Shape

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stream:
    """Messages of one projection: spikes of its source, times the cores that each reaches.

    spikes: (samples, steps). paths: (source cores, target cores), messages of one spike, of a
    source taken at random. source_first: index of the first source core in the mapping, None
    where the spikes come from outside the chip. target_first: that of the first target core.
    """

    spikes: Counters
    paths: Floats
    source_first: int | None
    target_first: int

    @property
    def messages(self) -> float:
        """Messages over all samples and steps."""
        return float(self.spikes.sum() * self.paths.sum())


@dataclass(frozen=True, eq=False)
class Load:
    """Load of every core, in the mapping's order.

    events, firing, messages_in, messages_out: (cores, samples, steps). updates: (cores,),
    neurons computed in each step; firing: how many of them fire. streams: the messages of each
    projection. A message is one spike sent to one core.
    """

    samples: int
    steps: int
    events: Floats
    firing: Floats
    messages_in: Floats
    messages_out: Floats
    updates: Counters
    streams: tuple[Stream, ...]

    @cached_property
    def messages(self) -> int:
        """Messages over all samples and steps, those from outside the chip included."""
        return round(sum(s.messages for s in self.streams))

    def events_of(self, cores: slice) -> list[int]:
        """Events of some cores over all samples and steps, whole numbers with the same sum."""
        return whole(self.events[cores].sum(axis=(1, 2)))

    def updates_of(self, cores: slice) -> list[int]:
        """Neuron updates of some cores over all samples and steps."""
        return [int(n) * self.samples * self.steps for n in self.updates[cores]]


def whole(shares: Floats) -> list[int]:
    """Shares rounded to integers whose sum is the rounded sum of the shares."""
    floors = np.floor(shares).astype(np.int64)
    missing = round(float(shares.sum())) - int(floors.sum())
    largest = np.argsort(floors - shares, kind="stable")[: max(missing, 0)]
    floors[largest] += 1
    return [int(n) for n in floors]


def load(network: Network, counts: Counts, mapping: Mapping) -> Load:
    """Events, updates and messages of each core and step."""
    shape = (len(mapping.cores), counts.samples, counts.steps)
    events, received, sent = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    firing = [
        counts.by_layer[core.layer].spikes_out * (core.neurons / network.by_layer[core.layer].size)
        for core in mapping.cores
    ]
    streams = tuple(
        _stream(network, counts, mapping, p, role)
        for p in network.projections
        for role in range(len(p.sources))
    )
    for stream in streams:
        target = slice(stream.target_first, stream.target_first + stream.paths.shape[1])
        received[target] += stream.paths.sum(axis=0)[:, None, None] * stream.spikes
        if stream.source_first is not None:
            source = slice(stream.source_first, stream.source_first + stream.paths.shape[0])
            sent[source] += stream.paths.sum(axis=1)[:, None, None] * stream.spikes
    for p in network.projections:
        first = mapping.first[p.target]
        target = slice(first, first + mapping.layout[p.target].cores)
        events[target] += _events(network, counts, mapping, p)
    return Load(
        samples=counts.samples,
        steps=counts.steps,
        events=events,
        firing=np.stack(firing),
        messages_in=received,
        messages_out=sent,
        updates=np.array([core.neurons for core in mapping.cores]),
        streams=streams,
    )


def _stream(network: Network, counts: Counts, mapping: Mapping, p: Projection, role: int) -> Stream:
    layer = p.sources[role]
    reached = reach(network, p, mapping.layout.get(layer), mapping.layout[p.target], role)
    return Stream(
        spikes=_spikes(network, counts, layer, p.target),
        paths=reached / np.prod(network.shape_of(layer)),
        source_first=mapping.first.get(layer),
        target_first=mapping.first[p.target],
    )


def _spikes(network: Network, counts: Counts, source: int, target: int) -> Counters:
    """Spikes that a layer sends to another, (samples, steps), in its own steps."""
    if source in counts.by_layer and source in network.by_layer:
        return counts.by_layer[source].spikes_out
    sources = [layer for q in network.incoming(target) for layer in q.sources]
    others = [layer for layer in sources if layer != source]
    rest = sum((_spikes(network, counts, layer, target) for layer in others), np.int64(0))
    return np.asarray((counts.by_layer[target].spikes_in - rest) // sources.count(source))


def _events(network: Network, counts: Counts, mapping: Mapping, p: Projection) -> Floats:
    """A projection's events on each core of its target, (cores, samples, steps)."""
    incoming = network.incoming(p.target)
    layer = counts.by_layer[p.target]
    own = _expected(network, counts, p)
    part = np.ones_like(own)
    if len(incoming) > 1:
        total = sum((_expected(network, counts, q) for q in incoming), np.zeros_like(own))
        part = np.divide(own, total, out=np.full_like(own, 1 / len(incoming)), where=total > 0)
    layout = mapping.layout[p.target]
    on_core = np.bincount(layout.owner, weights=fan_in(network, p), minlength=layout.cores)
    share = on_core / max(on_core.sum(), 1)
    return np.asarray(share[:, None, None] * (part * layer.synaptic_events))


def _expected(network: Network, counts: Counts, p: Projection) -> Floats:
    """Events that a projection's spikes give if its sources fire alike, (samples, steps)."""
    spikes = [_spikes(network, counts, layer, p.target) for layer in p.sources]
    if isinstance(p.synapses, Attention):
        return _expected_attention(p.synapses, network.shape_of(p.target), spikes)
    size = np.prod(network.shape_of(p.source))
    return np.asarray(spikes[0] * (fan_in(network, p).sum() / size))


def _expected_attention(s: Attention, shape: Shape, spikes: list[Counters]) -> Floats:
    """As `attention_events`, with every neuron of a source as likely to fire as the others."""
    blocks, tokens, heads, channels = s.split(shape)
    q, k, v = spikes
    if s.tokens_first:
        return np.asarray(q * k / (blocks * heads * channels) + tokens * v)
    return np.asarray(k * v / (blocks * tokens * heads) + channels * q)
