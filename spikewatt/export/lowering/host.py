"""A part of a float network that a processor computes: the program of the host's stage in floats.

`HostBuilder` writes the program of a module, `train/host.py` quantises its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.maps import ConvMap, Map
from spikewatt.host import (
    NUMBER_BITS,
    WEIGHT_BITS,
    HostAnd,
    HostConv,
    HostFire,
    HostPart,
    HostPool,
    HostSum,
    HostTransform,
)


@dataclass(frozen=True, eq=False)
class FloatHostMap:
    """Weights (O, C / groups, kernel v, kernel t) and bias (O,) of `HostMap`, unquantised."""

    weight: torch.Tensor
    bias: torch.Tensor
    groups: int = 1


@dataclass(frozen=True, eq=False)
class FloatHost:
    """A stage whose weights are floats.

    inputs: numbers of the populations whose spikes are added. neurons: the module whose surrogate
    gradient a part's neurons take, by the part's number.
    """

    name: str
    inputs: tuple[int, ...]
    shape: tuple[int, int, int]
    maps: tuple[FloatHostMap, ...]
    parts: tuple[HostPart, ...]
    neurons: dict[int, Any]


@dataclass(frozen=True, eq=False)
class HostTerm:
    """weight times the mean over steps of what a stage finds; weight: (channels, C)."""

    stage: FloatHost
    weight: torch.Tensor

    def mapped(self, m: Map) -> HostTerm:
        """Behind a linear map of channels."""
        if not isinstance(m, ConvMap) or m.groups != 1 or not m.pointwise:
            raise SpikewattError(
                f"What the host finds passes a {type(m).__name__}; only maps of channels follow it."
            )
        return replace(self, weight=m.weight[..., 0, 0] @ self.weight)

    def scaled(self, gain: torch.Tensor) -> HostTerm:
        """Times a number, or one a channel."""
        return replace(self, weight=gain.reshape(-1, 1) * self.weight)


def neuron_gain(neuron: Any) -> float:
    """What neurons multiply their input by."""
    gain = neuron.gain(neuron.decays()[1]) if hasattr(neuron, "gain") else 1.0
    return float(gain)


@dataclass
class HostBuilder:
    """Writes a stage, part by part; a method returns the number of the value that its part makes.

    inputs: populations whose spikes, added, are value 0.
    """

    name: str
    inputs: tuple[int, ...]
    shape: tuple[int, int, int]
    maps: list[FloatHostMap] = field(default_factory=list)
    parts: list[HostPart] = field(default_factory=list)
    neurons: dict[int, Any] = field(default_factory=dict)

    def map(self, weight: torch.Tensor, bias: torch.Tensor | None = None, groups: int = 1) -> int:
        """Number of weights that parts share."""
        bias = torch.zeros(len(weight)) if bias is None else bias
        self.maps.append(FloatHostMap(weight.detach().clone(), bias.detach().clone(), groups))
        return len(self.maps) - 1

    def add(self, part: HostPart) -> int:
        """A further part."""
        self.parts.append(part)
        return len(self.parts)

    def conv(self, source: int, number: int) -> int:
        """Weights applied to a value."""
        return self.add(HostConv(source, number))

    def transform(self, source: int, weight: torch.Tensor) -> int:
        """Fixed weights (D, S, C, T) over channels and steps."""
        whole = np.rint(weight.double().numpy() * 2**WEIGHT_BITS).astype(np.int32)
        return self.add(HostTransform(source, whole))

    def fire(self, source: int, neuron: Any) -> int:
        """Neurons that read a number; what multiplies their input is in the weights before."""
        decay = int(neuron.device_params["vDecay"])
        threshold = round(float(neuron.threshold) * 2**NUMBER_BITS)
        number = self.add(HostFire(source, decay, threshold))
        self.neurons[number - 1] = neuron
        return number

    def both(self, source: int, other: int) -> int:
        """AND of spikes."""
        return self.add(HostAnd(source, other))

    def pool(self, source: int) -> int:
        """The sum over places."""
        return self.add(HostPool(source))

    def total(self, sources: Sequence[int]) -> int:
        """The sum of values."""
        return self.add(HostSum(tuple(sources)))

    def stage(self) -> FloatHost:
        """The stage as written."""
        maps, parts = tuple(self.maps), tuple(self.parts)
        return FloatHost(self.name, self.inputs, self.shape, maps, parts, dict(self.neurons))


def folded(
    conv: nn.Module, norm: nn.Module, gain: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (O, I) and bias (O,) of gain * norm(conv(x)), with the norm's running statistics."""
    share = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    bias = torch.zeros(len(share)) if conv.bias is None else conv.bias.detach()
    shift = norm.bias.detach() + (bias - norm.running_mean) * share
    weight = conv.weight.detach().flatten(1)
    return gain * share[:, None] * weight, gain * shift
