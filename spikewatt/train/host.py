"""The host's stage as a torch module: its integers in the forward pass, gradients straight through.

Values are float64 in their own units, whole multiples of 2**-12; sums of products are exact there,
so that the module computes what `lava_runtime/host.py` does, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from spikewatt.export.lowering.host import FloatHostMap, HostTerm
from spikewatt.host import (
    NUMBER_BITS,
    WEIGHT_BITS,
    HostAnd,
    HostConv,
    HostFire,
    HostMap,
    HostPart,
    HostPool,
    HostStage,
    HostSum,
    HostTransform,
)
from spikewatt.network import DECAY_MAX
from spikewatt.train.neuron import CubaNeuron
from spikewatt.train.neuron.rounding import quantize

NUMBER, WEIGHT = 2.0**-NUMBER_BITS, 2.0**-WEIGHT_BITS  # the smallest of each


class QuantisedMap(nn.Module):
    """Weights and bias of a `HostMap`, quantised as they are used."""

    def __init__(self, origin: FloatHostMap) -> None:
        super().__init__()
        self.weight = nn.Parameter(origin.weight.clone())
        self.bias = nn.Parameter(origin.bias.clone())
        self.groups = origin.groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> (N, O, V, T), a number."""
        weight = quantize(self.weight.double(), WEIGHT)
        kv, kt = weight.shape[2:]
        n, _, places, steps = x.shape
        padded = nn.functional.pad(x, (kt // 2, kt // 2, kv // 2, kv // 2))
        grouped = weight.unflatten(0, (self.groups, -1))
        total = 0
        for i in range(kv):  # by matrices: a library's convolution may not add, but transform
            for j in range(kt):
                seen = padded[:, :, i : i + places, j : j + steps]
                seen = seen.reshape(n, self.groups, -1, places * steps)
                total = total + grouped[..., i, j] @ seen
        bias = quantize(self.bias.double(), NUMBER)
        return quantize(total, NUMBER).view(n, -1, places, steps) + bias[:, None, None]

    def lower(self) -> HostMap:
        """The integers."""
        weight, bias = _whole(self.weight, WEIGHT), _whole(self.bias, NUMBER)
        return HostMap(weight, bias, self.groups)


def _whole(values: torch.Tensor, unit: float) -> Any:
    return torch.round(values.detach().cpu().double() / unit).to(torch.int32).numpy()


class QuantisedHost(nn.Module):
    """A stage whose weights train; those of transforms are fixed, and travel with the module."""

    def __init__(self, term: HostTerm) -> None:
        super().__init__()
        self.stage = stage = term.stage
        self.maps = nn.ModuleList(QuantisedMap(m) for m in stage.maps)
        self.output = nn.Parameter(term.weight / stage.shape[2])  # a logit for each spike
        self.neurons = nn.ModuleDict(
            {str(k): _neuron(stage.parts[k], neuron) for k, neuron in stage.neurons.items()}
        )
        for k, part in enumerate(stage.parts):
            if isinstance(part, HostTransform):
                self.register_buffer(f"transform_{k}", torch.as_tensor(part.weight))

    def forward(self, counts: torch.Tensor, scale: float) -> torch.Tensor:
        """What is added to the read-out, in its units over 4096: (N, C, V, T) -> (N, groups).

        counts: sums of the spikes that the stage reads. scale: of a logit in these units.
        """
        values = [counts.double()]
        for number, part in enumerate(self.stage.parts):
            values.append(_RUN[type(part)](self, number, part, values))
        weight = quantize(self.output.double() * scale, NUMBER)
        return values[-1].sum(dim=(2, 3)) @ weight.T

    def lower(self, scale: float) -> HostStage:
        """The integers; inputs are still the traced network's numbers of populations."""
        stage, fixed = self.stage, dict(self.named_buffers(recurse=False))
        parts = (
            replace(p, weight=fixed[f"transform_{k}"].cpu().numpy())
            if isinstance(p, HostTransform)
            else p
            for k, p in enumerate(stage.parts)
        )
        return HostStage(
            name=stage.name,
            inputs=stage.inputs,
            shape=stage.shape,
            maps=tuple(m.lower() for m in self.maps),
            parts=tuple(parts),
            output=_whole(self.output.double() * scale, NUMBER),
        )


def _neuron(part: HostFire, origin: Any) -> CubaNeuron:
    return CubaNeuron(
        threshold=part.threshold * NUMBER,
        current_decay=1.0,
        voltage_decay=part.decay / DECAY_MAX,
        tau_grad=origin.tau_rho / origin.threshold,
        scale_grad=origin.scale_rho,
        surrogate=origin.surrogate,
        detach_reset=origin.detach_reset,
    )


def _conv(net: QuantisedHost, number: int, part: HostConv, values: list) -> torch.Tensor:
    return net.maps[part.map](values[part.source])


def _transform(net: QuantisedHost, number: int, part: HostTransform, values: list) -> torch.Tensor:
    x = values[part.source]
    weight = getattr(net, f"transform_{number}").double() * WEIGHT
    rows = weight.flatten(2).flatten(0, 1)  # (D * S, C * T)
    seen = x.transpose(1, 2).flatten(2)  # (N, V, C * T)
    made = quantize(seen @ rows.T, NUMBER)
    return made.unflatten(-1, weight.shape[:2]).transpose(1, 2)


def _fire(net: QuantisedHost, number: int, part: HostFire, values: list) -> torch.Tensor:
    return net.neurons[str(number)](values[part.source])


def _and(net: QuantisedHost, number: int, part: HostAnd, values: list) -> torch.Tensor:
    return values[part.source] * values[part.other]


def _pool(net: QuantisedHost, number: int, part: HostPool, values: list) -> torch.Tensor:
    return values[part.source].sum(dim=2, keepdim=True)


def _sum(net: QuantisedHost, number: int, part: HostSum, values: list) -> torch.Tensor:
    return torch.stack([values[s] for s in part.sources]).sum(dim=0)


_RUN: dict[type[HostPart], Callable[..., torch.Tensor]] = {
    HostConv: _conv,
    HostTransform: _transform,
    HostFire: _fire,
    HostAnd: _and,
    HostPool: _pool,
    HostSum: _sum,
}
