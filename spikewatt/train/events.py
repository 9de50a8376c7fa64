"""Synaptic events of the clips that a network trains on, with gradients.

    events[n] = sum over projections, their sources' neurons i and steps of spike[n, i] fan_out[i]

and what attention accumulates, as `energy.events` counts them in an execution. fan_out is that of
the integer network, a constant; gradients pass through the spikes, by the neurons' surrogates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from spikewatt.export.lowering import FloatGraph, FloatPopulation
from spikewatt.export.lowering.graph import Edge
from spikewatt.export.lowering.maps import AttentionMap, Map
from spikewatt.network import Shape
from spikewatt.train.quantised import QuantisedNetwork
from spikewatt.train.scales import weight_scales

Seen = Mapping[nn.Module, Sequence[torch.Tensor]]  # outputs of modules, call by call


def fan_out(m: Map, weight: torch.Tensor, source: Shape) -> torch.Tensor:
    """Synapses (C, X, Y) of each source neuron whose weight is not 0; source: (x, y, channel).

    It is the gradient of what a map with ones in the place of its weights sends in all.
    """
    x, y, channels = source
    with torch.enable_grad():
        spikes = torch.zeros(1, channels, x, y, 1, device=weight.device, requires_grad=True)
        sent = m.apply((weight != 0).to(spikes.dtype), spikes).sum()
        (found,) = torch.autograd.grad(sent, spikes)
    return found[0, ..., 0].double().round()  # kernels that transform sums leave them inexact


@dataclass(frozen=True)
class Wiring:
    """What a spike of each population (0: the input) costs: its synapses, and its attention."""

    fan_outs: Mapping[int, torch.Tensor]  # (C, X, Y) each
    attention: Sequence[tuple[Edge, Shape]]

    def events(self, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """Events of each clip (N,), float64; spikes (N, C, X, Y, T) by population."""
        parts = [
            (spikes[source].sum(dim=-1).double() * each).flatten(1).sum(dim=1)
            for source, each in self.fan_outs.items()
        ]
        parts += [
            attention_events(edge.map, shape, [spikes[s] for s in edge.sources])
            for edge, shape in self.attention
        ]
        return torch.stack(parts).sum(dim=0)


def attention_events(m: AttentionMap, shape: Shape, trains: Sequence[torch.Tensor]) -> torch.Tensor:
    """As `energy.events.attention_events`, of each clip (N,); trains (N, C, X, Y, T): q, k, v."""
    q, k, v = (m.split(x) for x in trains)  # (N, ..., tokens, D)
    tokens, size = q.shape[-2:]
    if m.tokens_first(shape):
        pairs, single, each = _sums(q, -2) * _sums(k, -2), v, tokens
    else:
        pairs, single, each = _sums(k, -1) * _sums(v, -1), q, size
    return pairs.flatten(1).sum(dim=1) + each * _sums(single, -1).flatten(1).sum(dim=1)


def _sums(spikes: torch.Tensor, axis: int) -> torch.Tensor:
    return spikes.sum(dim=axis).double()


def wiring_of(net: QuantisedNetwork) -> Wiring:
    """The wiring of the integer network as its weights are now."""
    fan_outs: dict[int, torch.Tensor] = {}
    attention = []
    for population in net.populations:
        for k, edge in enumerate(population.population.edges):
            if isinstance(edge.map, AttentionMap):
                attention.append((edge, population.population.shape))
                continue
            source = edge.sources[0]
            each = fan_out(edge.map, population.integers(k).detach(), net.graph.shape_of(source))
            fan_outs[source] = fan_outs[source] + each if source in fan_outs else each
    return Wiring(fan_outs, attention)


class Counter(Protocol):
    """Counts the events of the clips that a network has just seen."""

    @property
    def modules(self) -> Sequence[nn.Module]:
        """Those whose outputs are spikes of populations."""
        ...

    def renew(self) -> None:
        """Take the fan-outs anew, at the start of an epoch."""
        ...

    def events(self, x: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Events of each clip (N,); x: clips as they came, seen: what `modules` made of them."""
        ...


class QuantisedCounter:
    """Exact: the fan-outs and spikes are the integer network's of this step."""

    def __init__(self, net: QuantisedNetwork, places: Callable[[torch.Tensor], torch.Tensor]):
        """places: clips as they come to (N, C, x, y, T)."""
        self.net, self.places = net, places
        self.modules = list(net.populations[:-1])

    def renew(self) -> None:
        """Every step has its own fan-outs."""

    def events(self, x: torch.Tensor, seen: Seen) -> torch.Tensor:
        """See `Counter`."""
        spikes = {k: seen[m][0] for k, m in enumerate(self.modules, start=1)}
        spikes[0] = (self.places(x) != 0).float()
        return wiring_of(self.net).events(spikes)


class FloatCounter:
    """Of a float network's spikes, with the fan-outs it would have if it were quantised now.

    traced: network on the CPU -> its graph, and its clips as places. copy: another network of the
    same kind, which is traced in its place.
    """

    def __init__(
        self,
        net: nn.Module,
        copy: nn.Module,
        traced: Callable[[nn.Module], tuple[FloatGraph, Callable[[torch.Tensor], torch.Tensor]]],
        limit: int,
    ) -> None:
        self.net, self.copy, self.traced, self.limit = net, copy, traced, limit
        self.renew()
        paths = dict(net.named_modules())
        self.modules = list({paths[p.name]: None for p in self.graph.populations if not p.exact})
        self.paths = paths

    def renew(self) -> None:
        """Trace the network as it is."""
        self.copy.load_state_dict(self.net.state_dict())
        self.graph, self.places = self.traced(self.copy)
        twin = QuantisedNetwork(self.graph, weight_scales(self.graph, self.limit))
        self.wiring = wiring_of(twin.to(next(self.net.parameters()).device))

    def events(self, x: torch.Tensor, seen: Seen) -> torch.Tensor:
        """See `Counter`."""
        return self.wiring.events(self.spikes(x, seen))

    def spikes(self, x: torch.Tensor, seen: Seen) -> dict[int, torch.Tensor]:
        """Spikes of all populations, (N, C, X, Y, T) each."""
        calls = {module: iter(outputs) for module, outputs in seen.items()}
        spikes = {0: (self.places(x) != 0).float()}
        for p in self.graph.populations:
            if p.exact:
                spikes[p.number] = _gate(p, spikes)
                continue
            out = next(calls[self.paths[p.name]])
            spikes[p.number] = out.reshape(len(out), p.channels, *p.places, out.shape[-1])
        return spikes


def _gate(p: FloatPopulation, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
    """a AND b as a product, whose gradient is that of the float network."""
    a, b = (e.map.apply(e.map.weight.to(spikes[0].device), spikes[e.sources[0]]) for e in p.edges)
    return a * b


@contextmanager
def watched(modules: Sequence[nn.Module]) -> Iterator[Seen]:
    """What these modules return while this lasts, call by call."""
    seen: dict[nn.Module, list[torch.Tensor]] = defaultdict(list)

    def keep(module: nn.Module, _: object, output: torch.Tensor) -> None:
        seen[module].append(output)

    hooks = [module.register_forward_hook(keep) for module in modules]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
