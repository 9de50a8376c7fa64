"""The integer network as a torch module: fine-tunes with straight-through gradients, then exports.

Each population of a traced network gets one scale, which multiplies weights, bias and threshold
alike so that the weights fill their 8 bits. Tensors are (N, C, X, Y, T); weights are in slayer's
units (integer / 64), sums of them are exact in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from spikewatt.export.lowering import FloatGraph, FloatPopulation
from spikewatt.export.lowering.integers import Integers, lowered
from spikewatt.network import DECAY_MAX, Network
from spikewatt.train.neuron import CubaNeuron
from spikewatt.train.quantize import WEIGHT_SCALE, quantize_bias, quantize_weight, to_integers
from spikewatt.train.scales import arriving, readout_scale_of, weight_scales


class QuantisedPopulation(nn.Module):
    """One population: quantised maps into it, bias and neurons."""

    def __init__(self, population: FloatPopulation, scale: float) -> None:
        super().__init__()
        self.population, self.scale = population, scale
        trains = not population.exact
        self.weights = nn.ParameterList(
            nn.Parameter(e.map.weight.clone(), requires_grad=trains) for e in population.edges
        )
        self.bias = nn.Parameter(population.bias.clone(), requires_grad=trains)
        self.neuron = _neuron(population, scale)

    def integers(self, k: int) -> torch.Tensor:
        """Quantised weights of edge k."""
        return quantize_weight(self.weights[k] * self.scale)

    def step_bias(self) -> torch.Tensor:
        """Quantised bias, (C, X, Y)."""
        return quantize_bias(self.bias * self.scale)

    def current(self, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """What arrives in a step without the bias."""
        parts = [
            e.map.apply(self.integers(k), *(spikes[s] for s in e.sources))
            for k, e in enumerate(self.population.edges)
        ]
        return torch.stack(parts).sum(dim=0) if len(parts) > 1 else parts[0]

    def forward(self, spikes: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """Spikes of the clip, (N, C, X, Y, T)."""
        # with all current lost every step, the bias may enter before the current
        return self.neuron(self.current(spikes) + self.step_bias()[None, ..., None])


def _neuron(p: FloatPopulation, scale: float) -> CubaNeuron | None:
    if p.threshold == float("inf"):
        return None
    model = p.surrogate
    return CubaNeuron(
        threshold=round(scale * p.threshold * WEIGHT_SCALE) / WEIGHT_SCALE,
        current_decay=p.i_decay / DECAY_MAX,
        voltage_decay=p.v_decay / DECAY_MAX,
        tau_grad=model.tau_rho / model.threshold if model is not None else 1,
        scale_grad=model.scale_rho if model is not None else 1,
        surrogate=model.surrogate if model is not None else None,
        detach_reset=model.detach_reset if model is not None else False,
    )


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

    @property
    def scales(self) -> list[float]:
        """One a population, the read-out's last."""
        return [p.scale for p in self.populations]

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
        return (charge[..., 0] + readout.step_bias() * steps).flatten(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, X, Y, T) -> (N, classes) logits on the float network's scale."""
        voltage = self.membrane(x, self.spikes(x)).to(x.dtype)
        steps = x.shape[-1] if self.remembers else 1
        return voltage / (self.populations[-1].scale * steps)

    @torch.no_grad()
    def lower(self, sample: torch.Tensor, facts: Mapping[str, Any]) -> Network:
        """The integer network; sample (N, C, X, Y, T) gives the shape only."""
        return lowered(self.graph, [_integers(p) for p in self.populations], facts)


def _integers(p: QuantisedPopulation) -> Integers:
    bias = to_integers(p.step_bias()).transpose(1, 2, 0)  # (C, X, Y) -> (X, Y, C)
    return Integers(
        weights=[to_integers(p.integers(k)) for k in range(len(p.weights))],
        bias=np.ascontiguousarray(bias),
        threshold=None if p.neuron is None else int(p.neuron.device_params["vThMant"]),
    )


@torch.no_grad()
def quantised(graph: FloatGraph, x: torch.Tensor, limit: int) -> QuantisedNetwork:
    """Quantise a traced network; x (N, C, X, Y, T): inputs to calibrate the read-out with."""
    assert graph.readout is not None
    net = QuantisedNetwork(graph, weight_scales(graph, limit)).eval()
    net.populations[-1].scale = readout_scale_of(graph.readout, [x, *net.spikes(x)])
    return net
