"""What the dense pass counts and keeps, step by step, as every engine gives it back."""

from __future__ import annotations

import numpy as np
import torch

from spikewatt.energy.events import Counts, LayerCounts, fan_out, fan_out_stored
from spikewatt.lava_runtime.engine import Request
from spikewatt.network import IntArray, Network, Projection

Trains = dict[int, torch.Tensor]  # spikes of a step by layer, (N, neurons)


class Tally:
    """Events of each step, spikes of the recorded layers, and the sums of the last layer's.

    A sample of the dense pass ends with its last step, so there is no fill.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        network, schedule = request.network, request.schedule
        cells = (schedule.samples, schedule.steps)
        layers = [p.layer for p in network.populations]
        self.received = {i: np.zeros((3, *cells), np.int64) for i in layers}
        self.sent = {i: np.zeros(cells, np.int64) for i in layers}
        self.inlets = [(p.source, p.target, _per_spike(network, p)) for p in network.projections]
        self.kept: dict[int, list[torch.Tensor]] = {i: [] for i in request.record}
        self.rate = torch.zeros(schedule.samples, network.output.size)

    def step(self, t: int, spikes: Trains) -> None:
        """Book what everyone sent in step t."""
        fired = {layer: (train != 0).double() for layer, train in spikes.items()}
        for layer, sent in self.sent.items():
            sent[:, t] = fired[layer].sum(1).numpy()
        for source, target, per_spike in self.inlets:
            self.received[target][:, :, t] += (fired[source] @ per_spike).T.long().numpy()
        for layer, trains in self.kept.items():
            trains.append(spikes[layer])
        self.rate += spikes[self.request.network.output.layer]

    def counts(self) -> Counts:
        """All counts."""
        schedule, layers = self.request.schedule, []
        for p in self.request.network.populations:
            updates = schedule.samples * schedule.steps * p.size
            came, events, stored = self.received[p.layer]
            layers.append(
                LayerCounts(p.layer, came, self.sent[p.layer], events, stored, updates, fill={})
            )
        return Counts(schedule.samples, schedule.steps, tuple(layers))

    def spikes(self) -> dict[int, IntArray]:
        """Spikes of the recorded layers, (N, *shape, T)."""
        network, found = self.request.network, {}
        for layer, trains in self.kept.items():
            train = torch.stack(trains, -1).numpy().astype(np.int32)
            found[layer] = train.reshape(len(train), *network.shape_of(layer), -1)
        return found


def _per_spike(network: Network, p: Projection) -> torch.Tensor:
    """What a spike of each source counts for: itself, its events, its stored ones."""
    events, stored = fan_out(network, p), fan_out_stored(network, p)
    return torch.tensor(np.stack([np.ones_like(events), events, stored], 1)).double()
