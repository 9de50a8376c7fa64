"""The oracle: executes a schedule literally, global step by global step, in plain numpy.

Slow and obviously right. It knows synapses only one by one, has no fan-out tables, no events
lists and no local time; whatever is faster has to give the same numbers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from spikewatt.energy.events import FILL_KEYS, Counts, LayerCounts
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.network import Conv, CubaLif, Dense, Network, Projection

HIGH = 2**23


@dataclass
class Synapse:
    """All synapses of a projection, one entry each; `stored` ones may have weight 0."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    wraps: bool


def _listed(rows, wraps: bool) -> Synapse:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Synapse(*columns, wraps)


def _conv_rows(conv: Conv, source, target):
    """Each output neuron looks at each of its taps; taps outside the border do not exist."""
    out_channels, kx, ky, per_group = conv.weight.shape
    for x, y, o in np.ndindex(target):
        group = o // (out_channels // conv.groups)
        for i, j, c in np.ndindex(kx, ky, per_group):
            sx = x * conv.stride[0] - conv.padding[0] + i * conv.dilation[0]
            sy = y * conv.stride[1] - conv.padding[1] + j * conv.dilation[1]
            if 0 <= sx < source[0] and 0 <= sy < source[1]:
                flat = np.ravel_multi_index((sx, sy, group * per_group + c), source)
                yield flat, np.ravel_multi_index((x, y, o), target), conv.weight[o, i, j, c], 0


def synapses_of(network: Network, projection: Projection) -> Synapse:
    """One entry per synapse."""
    s = projection.synapses
    if isinstance(s, Conv):
        shapes = network.shape_of(projection.source), network.shape_of(projection.target)
        return _listed(list(_conv_rows(s, *shapes)), wraps=True)
    delay = np.zeros_like(s.weight) if s.delay is None else s.delay
    if isinstance(s, Dense):
        rows = [(i, j, s.weight[j, i], delay[j, i]) for j, i in np.ndindex(s.weight.shape)]
        return _listed([r for r in rows if r[2] != 0], wraps=False)
    return _listed(list(zip(s.sources, s.targets, s.weight, delay, strict=True)), wraps=False)


def to_int32(x):
    return (np.asarray(x, np.int64) + 2**31) % 2**32 - 2**31


def lif_step(neuron: CubaLif, u, v, a_in, bias):
    """One step of Lava's PyLifModelBitAcc: new u, v before the reset, and the spikes."""
    decayed = np.sign(u) * (np.abs(u) * (4096 - neuron.i_decay) >> 12)
    current = to_int32(decayed + to_int32(a_in << 6))
    u = np.where(current > HIGH, current - 2 * HIGH, current)
    u = np.where(u <= -HIGH, current + 2 * HIGH, u)
    decayed = np.sign(v) * (np.abs(v) * (4096 - neuron.v_decay) >> 12)
    v = np.clip(to_int32(decayed + u + (bias << 6)), -HIGH + 1, HIGH - 1)
    return u, v, v > neuron.v_threshold << 6


class Oracle:
    """One literal execution of a request."""

    def __init__(self, request: Request) -> None:
        self.request, self.network, self.schedule = request, request.network, request.schedule
        self.synapses = [synapses_of(self.network, p) for p in self.network.projections]
        self.arriving = defaultdict(int)  # (layer, global step) -> dendrite input
        n, t = self.schedule.samples, self.schedule.steps
        pops = self.network.populations
        self.state = {p.layer: np.zeros((2, p.size), np.int64) for p in pops}
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
        binary = source.message_bits == 0 and not source.drives_bias
        return (values != 0).astype(np.int64) if binary else values

    def send(self, layer: int, spikes, step: int) -> None:
        """Put a step's spikes on their way and count their events, synapse by synapse."""
        for projection, s in zip(self.network.projections, self.synapses, strict=True):
            if projection.source != layer:
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
                if s.wraps:
                    a_in = (a_in + HIGH) % (2 * HIGH) - HIGH
                self.arriving[target, arrival] = to_int32(self.arriving[target, arrival] + a_in)

    def advance(self, layer: int, step: int):
        """One population, one step."""
        population, depth = self.network.by_layer[layer], self.network.depths[layer]
        if self.schedule.resets_at(step, depth):
            self.state[layer][:] = 0
        bias = 0 if population.bias is None else population.bias.reshape(-1).astype(np.int64)
        if self.network.input.drives_bias and layer == self.network.input.layer:
            bias = self.stimulus_at(step)
        a_in = self.arriving.pop((layer, step), 0) + np.zeros(population.size, np.int64)
        u, v, fired = lif_step(population.neuron, *self.state[layer], a_in, bias)
        v = np.where(fired, 0, v)
        self.state[layer][:] = u, v
        self.book(layer, "spikes_out", depth, step, fired.sum())
        place = self.place(depth, step)
        if place is None:
            self.fill[layer]["neuron_updates"] += population.size
        else:
            self.updates[layer] += population.size
            self.kept[layer][:, place[0], :, place[1]] = fired, u, v
        return fired.astype(np.int64)

    def run(self) -> Execution:
        for step in range(self.schedule.total_steps):
            if not self.network.input.drives_bias:
                self.send(self.network.input.layer, self.stimulus_at(step), step)
            for population in self.network.populations:
                self.send(population.layer, self.advance(population.layer, step), step)
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
