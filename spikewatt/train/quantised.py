"""The integer network as a torch module: fine-tunes with straight-through gradients, then exports.

Each population of a traced network gets one scale, which multiplies weights, bias and threshold
alike so that the weights fill their 8 bits. Tensors are (N, C, X, Y, T); weights are in slayer's
units (integer / 64), sums of them are exact in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from spikewatt.export.lowering import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.integers import Integers, lowered
from spikewatt.network import DECAY_MAX, GAIN_UNITY, IntArray, Network
from spikewatt.train.host import QuantisedHost
from spikewatt.train.neuron import CubaNeuron
from spikewatt.train.quantize import (
    CURRENT_MAX,
    READOUT_LEFT,
    READOUT_MARGIN,
    WEIGHT_SCALE,
    gained,
    quantize_bias,
    quantize_gain,
    quantize_weight,
    to_integers,
)
from spikewatt.train.scales import (
    TINY,
    arriving,
    largest_voltage,
    reach,
    readout_scale,
    weight_scales,
)

CALIBRATED_AT_ONCE = 32  # clips


def _rounded(
    quantise: Callable[[torch.Tensor], torch.Tensor], values: torch.Tensor, scale: float = 1.0
) -> torch.Tensor:
    """Quantised values, the same in float64: on which side a half lies is float32's to say."""
    return quantise(values.float() * scale).to(values.dtype)


class QuantisedPopulation(nn.Module):
    """One population: quantised maps into it, bias and neurons."""

    def __init__(self, population: FloatPopulation, scale: float) -> None:
        super().__init__()
        self.population, self.scale = population, scale
        trains = not population.exact
        self.weights = nn.ParameterList(
            nn.Parameter(e.map.weight.clone(), requires_grad=trains) for e in population.edges
        )
        table = population.step_bias
        # a table takes up what the places of a channel share
        biased = trains and (table is None or bool(population.bias.any()))
        self.bias = nn.Parameter(population.bias.clone(), requires_grad=biased)
        self.step_bias = None if table is None else nn.Parameter(table.clone())
        tables = {str(k): (e.gain, e.bias) for k, e in enumerate(population.edges)}
        self.gains, self.gained_biases = (
            nn.ParameterDict({k: t[i].clone() for k, t in tables.items() if t[i] is not None})
            for i in (0, 1)
        )
        self.neuron = _neuron(population, scale)

    def rescaled(self, scale: float) -> None:
        """Take another scale: weights, bias and threshold go with it."""
        self.scale, neuron = scale, _neuron(self.population, scale)
        self.neuron = neuron and neuron.to(self.bias.device).train(self.training)

    def integers(self, k: int) -> torch.Tensor:
        """Quantised weights of edge k."""
        return _rounded(quantize_weight, self.weights[k], self.scale)

    def gain(self, k: int) -> torch.Tensor | None:
        """Quantised gains of edge k, (C, T), shares of 1."""
        return _rounded(quantize_gain, self.gains[str(k)]) if str(k) in self.gains else None

    def constant_bias(self) -> torch.Tensor:
        """Quantised bias without what steps add, (C, X, Y)."""
        return _rounded(quantize_bias, self.bias, self.scale)

    def bias_of_steps(self) -> torch.Tensor | None:
        """What steps add to the bias, quantised, (C, T)."""
        table = self.step_bias
        return None if table is None else _rounded(quantize_bias, table, self.scale)

    def gained_bias(self, k: int) -> torch.Tensor | None:
        """Quantised bias that the gains of edge k multiply, (C, X, Y)."""
        key = str(k)
        if key not in self.gained_biases:
            return None
        return _rounded(quantize_bias, self.gained_biases[key], self.scale)

    def bias_by_step(self) -> torch.Tensor:
        """Quantised bias, (C, X, Y, 1 or T)."""
        bias, table = self.constant_bias()[..., None], self.bias_of_steps()
        bias = bias if table is None else bias + table[:, None, None]
        for k in map(int, self.gained_biases):
            own, gain = self.gained_bias(k), self.gain(k)
            own = own[..., None].expand(*own.shape, gain.shape[-1])
            bias = bias + gained(own[None], gain)[0]
        return bias

    def current(self, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """What arrives in a step without the bias."""
        parts = [self._through(k, e, spikes) for k, e in enumerate(self.population.edges)]
        return torch.stack(parts).sum(dim=0) if len(parts) > 1 else parts[0]

    def _through(self, k: int, edge: Edge, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """What an edge brings."""
        arrived = edge.map.apply(self.integers(k), *(spikes[s] for s in edge.sources))
        gain = self.gain(k)
        return arrived if gain is None else gained(arrived, gain)

    def forward(self, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """Spikes of the clip, (N, C, X, Y, T)."""
        # with all current lost every step, the bias may enter before the current
        return self.neuron(self.current(spikes) + self.bias_by_step())


def _neuron(p: FloatPopulation, scale: float) -> CubaNeuron | None:
    if p.threshold == float("inf"):
        return None
    model = p.surrogate
    neuron = CubaNeuron(
        threshold=round(scale * p.threshold * WEIGHT_SCALE) / WEIGHT_SCALE,
        current_decay=p.i_decay / DECAY_MAX,
        voltage_decay=p.v_decay / DECAY_MAX,
        tau_grad=model.tau_rho / model.threshold if model is not None else 1,
        scale_grad=model.scale_rho if model is not None else 1,
        surrogate=model.surrogate if model is not None else None,
        detach_reset=model.detach_reset if model is not None else False,
    )
    # half a step of the states: >= says what > says, and float32 keeps it at every threshold
    neuron.threshold_eps = 0.5 / neuron.s_scale
    return neuron


class QuantisedNetwork(nn.Module):
    """All populations of a traced network in integers over 64, and its integrating read-out."""

    def __init__(self, graph: FloatGraph, scales: list[float]) -> None:
        super().__init__()
        assert graph.readout is not None
        self.graph = graph
        everyone = (*graph.populations, graph.readout)
        self.populations = nn.ModuleList(
            QuantisedPopulation(p, s) for p, s in zip(everyone, scales, strict=True)
        )
        self.host = None if graph.host is None else QuantisedHost(graph.host)

    @property
    def scales(self) -> list[float]:
        """One a population, the read-out's last."""
        return [p.scale for p in self.populations]

    def groups(self) -> list[dict[str, Any]]:
        """Parameters for an optimiser, whose step is `share` of its learning rate.

        A step is as large in every population's integers, however small its folded weights are.
        """
        found = [{"params": own.parameters(), "share": 1 / own.scale} for own in self.populations]
        beside = [] if self.host is None else [{"params": self.host.parameters(), "share": 1.0}]
        trained = [
            group | {"params": [p for p in group["params"] if p.requires_grad]}
            for group in (*found, *beside)
        ]
        return [group for group in trained if group["params"]]

    @torch.no_grad()
    def hold_within(self, limit: int, x: torch.Tensor) -> list[str]:
        """Names of populations whose weights outgrew the 24-bit state: their scale becomes smaller.

        Fine-tuning has room to grow (`GROWTH_ROOM`, `READOUT_MARGIN`), and nothing holds it within.
        limit: of the input's values. x: the clips that calibrated the read-out.
        """
        grown = []
        for own in self.populations[:-1]:
            p = own.population
            pairs = zip(p.edges, own.weights, strict=True)
            current = sum(reach(self.graph, e, limit, w) for e, w in pairs)
            largest = CURRENT_MAX / WEIGHT_SCALE / max(current, TINY)
            if own.scale > largest:
                own.rescaled(largest)
                grown.append(p.name)
        readout = self.populations[-1]
        parts = self._parts(x)
        voltage = WEIGHT_SCALE * max(
            float(self.membrane(part, self.spikes(part)).abs().max()) for part in parts
        )
        if voltage * READOUT_LEFT > CURRENT_MAX:
            readout.rescaled(readout.scale * CURRENT_MAX / (READOUT_MARGIN * voltage))
            grown.append(readout.population.name)
        return grown

    def _parts(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """Clips on the network's device, a few at a time: all spikes of all of them take room."""
        device = self.populations[-1].bias.device
        return (part.to(device) for part in x.split(CALIBRATED_AT_ONCE))

    @torch.no_grad()
    def calibrate(self, x: torch.Tensor) -> None:
        """Give the read-out the scale that these clips leave it; x (N, C, X, Y, T)."""
        readout = self.populations[-1]
        weights, p = list(readout.weights), readout.population
        largest = max(
            largest_voltage(p, weights, readout.bias, [part, *self.spikes(part)])
            for part in self._parts(x)
        )
        readout.scale = readout_scale(p, largest)

    def spikes(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Spikes of every population but the read-out, (N, C, X, Y, T) each."""
        found = {0: x}
        for number, population in enumerate(self.populations[:-1], start=1):
            found[number] = population(found)
        return [found[n] for n in range(1, len(found))]

    @property
    def remembers(self) -> bool:
        """Whether the read-out sums over the steps."""
        return self.populations[-1].population.v_decay == 0

    def membrane(self, x: torch.Tensor, spikes: list[torch.Tensor]) -> torch.Tensor:
        """The read-out's voltage after the last step over 64, (N, classes), in float64."""
        readout = self.populations[-1]
        total = {0: x, **dict(enumerate(spikes, start=1))}
        charge = 0
        for k, edge in enumerate(readout.population.edges):
            seen = (arriving(total[s], edge.delay, self.remembers) for s in edge.sources)
            charge = charge + edge.map.apply(readout.integers(k).double(), *seen)
        steps = x.shape[-1] if self.remembers else 1
        return (charge[..., 0] + readout.constant_bias() * steps).flatten(1)

    @property
    def decides_apart(self) -> bool:
        """Whether a clip's decision is more than one sample's read-out."""
        return self.host is not None or self.graph.persons > 1

    def decision(self, x: torch.Tensor, spikes: list[torch.Tensor]) -> torch.Tensor:
        """Read-outs of each clip's persons and what the host adds, in the units of `membrane`."""
        by_clip = (-1, self.graph.persons)
        voltage = self.membrane(x, spikes).unflatten(0, by_clip).sum(dim=1)
        if self.host is None:
            return voltage
        channels, places, steps = self.host.stage.shape
        read = torch.stack([spikes[n - 1] for n in self.host.stage.inputs]).sum(dim=0)
        counts = read.view(len(x), channels, places, steps).unflatten(0, by_clip).sum(dim=1)
        return voltage + self.host(counts, self.logit_scale(steps))

    def logit_scale(self, steps: int) -> float:
        """A logit of the float network in the units of `membrane`."""
        summed = steps if self.remembers else 1
        return self.populations[-1].scale * summed * self.graph.persons

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N M, C, X, Y, T), M persons a clip -> (N, classes) logits on the float net's scale."""
        voltage = self.decision(x, self.spikes(x)).to(x.dtype)
        return voltage / self.logit_scale(x.shape[-1])

    @torch.no_grad()
    def lower(self, sample: torch.Tensor, facts: Mapping[str, Any]) -> Network:
        """The integer network; sample (N, C, X, Y, T) gives the shape only."""
        integers = [_integers(p) for p in self.populations]
        host = self.host and self.host.lower(self.logit_scale(sample.shape[-1]))
        return lowered(self.graph, integers, facts, host)


def _integers(p: QuantisedPopulation) -> Integers:
    table, edges = p.bias_of_steps(), range(len(p.weights))
    return Integers(
        weights=(to_integers(p.integers(k)) for k in range(len(p.weights))),
        bias=_places(p.constant_bias()),
        threshold=None if p.neuron is None else int(p.neuron.device_params["vThMant"]),
        gains=[(_shares(p.gain(k)), _places(p.gained_bias(k))) for k in edges],
        step_bias=None if table is None else np.ascontiguousarray(to_integers(table).T),
    )


def _places(bias: torch.Tensor | None) -> IntArray | None:
    """(C, X, Y) -> (X, Y, C)."""
    return None if bias is None else np.ascontiguousarray(to_integers(bias).transpose(1, 2, 0))


def _shares(gain: torch.Tensor | None) -> IntArray | None:
    """(C, T) -> (T, C), shares of 4096."""
    return None if gain is None else np.ascontiguousarray(to_integers(gain, GAIN_UNITY).T)


@torch.no_grad()
def quantised(
    graph: FloatGraph, x: torch.Tensor, limit: int, device: torch.device | str = "cpu"
) -> QuantisedNetwork:
    """Quantise a traced network; x (N, C, X, Y, T): inputs to calibrate the read-out with."""
    net = QuantisedNetwork(graph, weight_scales(graph, limit)).eval().to(device)
    net.calibrate(x)
    return net
