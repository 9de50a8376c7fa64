"""The oracle: executes a schedule literally, global step by global step, in plain numpy.

Slow and obviously right. It knows synapses only one by one, has no fan-out tables, no events
lists and no local time; whatever is faster has to give the same numbers.

Attention has no synapses: its products are walked over pair by pair, spike by spike.

A convolution's sum wraps at 24 bit per projection and step of arrival: delays come before the
synapses. Gains of steps come last: what arrives through one projection is multiplied as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from oracle_neurons import STEPS, times, to_int32

from spikewatt.energy.events import FILL_KEYS, Counts, LayerCounts
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.network import (
    Attention,
    Conv,
    ConvTranspose,
    Dense,
    Network,
    Pool,
    Projection,
    Sparse,
    Unpool,
)

HIGH = 2**23
PARTS = {"real": 0, "imag": 1}


@dataclass
class Synapse:
    """All synapses of a projection, one entry each; `stored` ones may have weight 0."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    wraps: bool


def _windows(s, near, far, kernel):
    """Places (x, y) of the near side, taps (i, j), and the far place that each tap sees."""
    for x, y in np.ndindex(near[:2]):
        for i, j in np.ndindex(kernel):
            fx = x * s.stride[0] - s.padding[0] + i * s.dilation[0]
            fy = y * s.stride[1] - s.padding[1] + j * s.dilation[1]
            if 0 <= fx < far[0] and 0 <= fy < far[1]:
                yield (x, y), (i, j), (fx, fy)


def _flat(shape, place, channel) -> int:
    return int(np.ravel_multi_index((*place, channel), shape))


def _pairs(weight, groups: int):
    """Channels (out, in) that are joined, and the weight's input axis."""
    out, per_group = weight.shape[0], weight.shape[3]
    for o, c in np.ndindex(out, per_group):
        yield o, o // (out // groups) * per_group + c, c


def _conv_rows(s: Conv, source, target):
    """Each output neuron looks at each of its taps; taps outside the border do not exist."""
    for place, (i, j), seen in _windows(s, target, source, s.weight.shape[1:3]):
        for o, c, k in _pairs(s.weight, s.groups):
            yield _flat(source, seen, c), _flat(target, place, o), s.weight[o, i, j, k], 0


def _transposed_rows(s: ConvTranspose, source, target):
    """As a convolution, with the two ends changed."""
    for place, (i, j), seen in _windows(s, source, target, s.weight.shape[1:3]):
        for o, c, k in _pairs(s.weight, s.groups):
            yield _flat(source, place, c), _flat(target, seen, o), s.weight[o, i, j, k], 0


def _pool_rows(s: Pool, source, target):
    for place, tap, seen in _windows(s, target, source, s.weight.shape):
        for c in range(source[2]):
            yield _flat(source, seen, c), _flat(target, place, c), s.weight[tap], 0


def _unpool_rows(s: Unpool, source, target):
    for place, tap, seen in _windows(s, source, target, s.weight.shape):
        for c in range(source[2]):
            yield _flat(source, place, c), _flat(target, seen, c), s.weight[tap], 0


def _dense_rows(s: Dense, source, target):
    for j, i in np.ndindex(s.weight.shape):
        if s.weight[j, i] != 0:
            yield i, j, s.weight[j, i], 0 if s.delay is None else s.delay[j, i]


def _sparse_rows(s: Sparse, source, target):
    delay = np.zeros_like(s.weight) if s.delay is None else s.delay
    for b in range(s.repeats):
        sources = s.sources + b * (s.shape[1] // s.repeats)
        targets = s.targets + b * (s.shape[0] // s.repeats)
        yield from zip(sources, targets, s.weight, delay, strict=True)


def _no_rows(s: Attention, source, target):
    yield from ()


ROWS = {
    Attention: _no_rows,
    Conv: _conv_rows,
    ConvTranspose: _transposed_rows,
    Pool: _pool_rows,
    Unpool: _unpool_rows,
    Dense: _dense_rows,
    Sparse: _sparse_rows,
}


def synapses_of(network: Network, projection: Projection) -> Synapse:
    """One entry per synapse; its delay is its own and its source's axon's."""
    s = projection.synapses
    shapes = network.shape_of(projection.source), network.shape_of(projection.target)
    rows = np.array(list(ROWS[type(s)](s, *shapes)), np.int64).reshape(-1, 4)
    source, target, weight, delay = rows.T
    if projection.axon_delay is not None:
        delay = delay + projection.axon_delay[source]
    return Synapse(source, target, weight, delay, wraps=isinstance(s, Conv))


def _place(s: Attention, shape, index: int) -> tuple[int, int, int, int]:
    """(block, token, head, channel of the head) of a flat neuron."""
    x, y, c = np.unravel_index(index, shape)
    tokens, channels = shape[0] * shape[1] // s.blocks, shape[2] // s.heads
    place = x * shape[1] + y
    return place // tokens, place % tokens, c // channels, c % channels


def attend(s: Attention, shape, trains):
    """What each target receives and how many accumulations that took, by one step's spikes."""
    spiked = [[_place(s, shape, i) for i in np.flatnonzero(train)] for train in trains]
    queries, keys, values = spiked
    tokens, channels = shape[0] * shape[1] // s.blocks, shape[2] // s.heads
    total = np.zeros(shape[0] * shape[1] * shape[2], np.int64)
    events = tokens * len(values) if s.tokens_first else channels * len(queries)
    for block, token, head, channel in keys:
        with_query = [n for b, n, h, e in queries if (b, h, e) == (block, head, channel)]
        with_value = [d for b, m, h, d in values if (b, m, h) == (block, token, head)]
        events += len(with_query) if s.tokens_first else len(with_value)
        for n in with_query:
            for d in with_value:
                at = (block * tokens + n) * shape[2] + head * channels + d
                total[at] += int(s.weight[0])
    return total, events


class Oracle:
    """One literal execution of a request."""

    def __init__(self, request: Request) -> None:
        self.request, self.network, self.schedule = request, request.network, request.schedule
        self.synapses = [synapses_of(self.network, p) for p in self.network.projections]
        self.arriving = [defaultdict(int) for _ in self.synapses]  # sums by global step
        self.sent = {}  # this step's spikes, by layer
        n, t = self.schedule.samples, self.schedule.steps
        pops = self.network.populations
        self.state = {p.layer: np.zeros((4, p.size), np.int64) for p in pops}
        self.kept = {p.layer: np.zeros((3, n, p.size, t), np.int32) for p in pops}
        names = FILL_KEYS[:-1]
        self.cells = {p.layer: {k: np.zeros((n, t), np.int64) for k in names} for p in pops}
        self.fill = {p.layer: dict.fromkeys(FILL_KEYS, 0) for p in pops}
        self.updates = dict.fromkeys(self.fill, 0)

    def place(self, depth: int, step: int):
        """(sample, column) of a global step at this depth, None where it is not counted."""
        for k in range(self.schedule.samples):
            start, stop = self.schedule.window(k, depth)
            if start <= step < stop:
                return k, step - start
        return None

    def book(self, layer: int, name: str, depth: int, step: int, amount: int) -> None:
        place = self.place(depth, step)
        if place is None:
            self.fill[layer][name] += int(amount)
        else:
            self.cells[layer][name][place] += amount

    def stimulus_at(self, step: int):
        """The stimulus is silent outside its samples."""
        source, x = self.network.input, self.request.stimulus
        place = self.place(0, step)
        if place is None:
            return np.zeros(source.size, np.int64)
        column = 0 if x.shape[-1] == 1 else place[1]
        values = x[place[0], ..., column].reshape(-1).astype(np.int64)
        binary = source.message_bits == 0 and source.layer not in self.network.by_layer
        return (values != 0).astype(np.int64) if binary else values

    def send(self, layer: int, spikes, step: int) -> None:
        """Put a step's spikes on their way and count their events, synapse by synapse."""
        self.sent[layer] = spikes
        for k, (projection, s) in enumerate(
            zip(self.network.projections, self.synapses, strict=True)
        ):
            if projection.source != layer or isinstance(projection.synapses, Attention):
                continue
            source_depth = self.network.depths[layer]
            limit = self.schedule.last_arrival(
                step, source_depth, self.network.depths[projection.target]
            )
            touched = spikes[s.source] != 0
            target = projection.target
            book = (source_depth, step)
            self.book(target, "spikes_in", *book, np.count_nonzero(spikes))
            self.book(target, "synaptic_events", *book, (touched & (s.weight != 0)).sum())
            self.book(target, "synaptic_events_stored", *book, touched.sum())
            for delay in np.unique(s.delay):
                arrival = step + 1 + projection.delay + int(delay)
                if limit is not None and arrival >= limit:
                    continue
                a_in = np.zeros(self.network.by_layer[target].size, np.int64)
                now = s.delay == delay
                np.add.at(a_in, s.target[now], s.weight[now] * spikes[s.source[now]])
                self.arriving[k][arrival] = self.arriving[k][arrival] + a_in

    def attend(self, k: int, projection: Projection, step: int) -> None:
        """At the end of a step, when all three sources have sent."""
        s, target = projection.synapses, projection.target
        trains = [self.sent[layer] for layer in (projection.source, s.keys, s.values)]
        total, events = attend(s, self.network.shape_of(target), trains)
        depth = self.network.depths[projection.source]
        spikes = sum(np.count_nonzero(train) for train in trains)
        self.book(target, "spikes_in", depth, step, spikes)
        self.book(target, "synaptic_events", depth, step, events)
        self.book(target, "synaptic_events_stored", depth, step, events)
        limit = self.schedule.last_arrival(step, depth, self.network.depths[target])
        arrival = step + 1 + projection.delay
        if limit is None or arrival < limit:
            self.arriving[k][arrival] = self.arriving[k][arrival] + total

    def dendrites(self, layer: int, step: int):
        """What arrives now, (2, size): the two parts; other neurons have the first only."""
        a_in = np.zeros((2, self.network.by_layer[layer].size), np.int64)
        for projection, s, arriving in zip(
            self.network.projections, self.synapses, self.arriving, strict=True
        ):
            if projection.target == layer:
                total = arriving.pop(step, 0)
                total = (total + HIGH) % (2 * HIGH) - HIGH if s.wraps else total
                if projection.step_gain is not None:
                    arrived = to_int32(np.zeros_like(a_in[0]) + total)
                    gains = self.entry(projection.step_gain, layer, step)
                    total = [times(a, int(g)) for a, g in zip(arrived, gains, strict=True)]
                a_in[PARTS[projection.part]] += total
        if self.network.input.drives_dendrite and layer == self.network.input.layer:
            a_in[0] += self.stimulus_at(step)
        return to_int32(a_in)

    def entry(self, table, layer: int, step: int):
        """A table's row in this step of the sample, one value a neuron."""
        population, depth = self.network.by_layer[layer], self.network.depths[layer]
        t = (step - self.schedule.phase(depth)) % self.schedule.period
        return [table[t, i % population.shape[-1]] for i in range(population.size)]

    def bias_at(self, layer: int, step: int):
        if self.network.input.drives_bias and layer == self.network.input.layer:
            return self.stimulus_at(step)
        p = self.network.by_layer[layer]
        bias = np.zeros(p.size, np.int64) if p.bias is None else p.bias.reshape(-1)
        bias = bias + (0 if p.step_bias is None else self.entry(p.step_bias, layer, step))
        for q in self.network.incoming(layer):
            if q.gained_bias is not None:
                gains = self.entry(q.step_gain, layer, step)
                own = q.gained_bias.reshape(-1).astype(np.int64)
                bias = bias + [times(b, int(g)) for b, g in zip(own, gains, strict=True)]
        return bias.astype(np.int64)

    def advance(self, layer: int, step: int):
        """One population, one step."""
        population, depth = self.network.by_layer[layer], self.network.depths[layer]
        if self.schedule.resets_at(step, depth):
            self.state[layer][:] = 0
        neuron, a_in = population.neuron, self.dendrites(layer, step)
        moved = STEPS[type(neuron)](neuron, self.state[layer], a_in, self.bias_at(layer, step))
        spikes, state = to_int32(moved[0]), to_int32(moved[1])
        self.state[layer][: len(state)] = state
        self.book(layer, "spikes_out", depth, step, np.count_nonzero(spikes))
        place = self.place(depth, step)
        if place is None:
            self.fill[layer]["neuron_updates"] += population.size
        else:
            self.updates[layer] += population.size
            self.kept[layer][:, place[0], :, place[1]] = spikes, state[0], state[1]
        return spikes

    def run(self) -> Execution:
        for step in range(self.schedule.total_steps):
            if self.network.input.layer not in self.network.by_layer:
                self.send(self.network.input.layer, self.stimulus_at(step), step)
            for population in self.network.populations:
                self.send(population.layer, self.advance(population.layer, step), step)
            for k, projection in enumerate(self.network.projections):
                if isinstance(projection.synapses, Attention):
                    self.attend(k, projection, step)
        return self.results()

    def results(self) -> Execution:
        n, t = self.schedule.samples, self.schedule.steps
        shape = {p.layer: (n, *p.shape, t) for p in self.network.populations}
        layers = tuple(
            LayerCounts(i, **self.cells[i], neuron_updates=self.updates[i], fill=self.fill[i])
            for i in self.cells
        )
        kept = [
            {i: self.kept[i][k].reshape(shape[i]) for i in self.request.record} for k in range(3)
        ]
        u, v = (kept[1], kept[2]) if self.request.record_state else ({}, {})
        return Execution("oracle", kept[0], u, v, self.readout(), Counts(n, t, layers), 0.0, 0.0)

    def readout(self):
        readout = self.network.readout
        if readout is None:
            return None
        spikes, _, v = self.kept[self.network.output.layer].astype(np.int64)
        values = v[:, :, -1] if readout.kind == "membrane" else spikes.sum(axis=-1)
        return values.reshape(len(values), readout.groups, -1).sum(axis=2)
