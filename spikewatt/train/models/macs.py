"""Parameters, dense MACs and neurons of a network, counted by running it on shapes alone."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from spikewatt.train.models.kinds import OTHER, layers
from spikewatt.train.neuron import CubaNeuron


def parameters(net: nn.Module) -> int:
    """Trainable parameters, as papers count them."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


@dataclass(frozen=True)
class Counted:
    """One inference.

    macs: dense MACs, all persons and steps; by_kind: the same by kind of layer, `other` are
    products outside of layers; on_values: those before the first neurons, which no spike drives.
    neurons: LIF neurons, of all persons.
    """

    macs: int
    by_kind: dict[str, int]
    on_values: int
    neurons: int


def counted(net: nn.Module, sample_shape: tuple[int, ...]) -> Counted:
    """Counts of one inference on a tensor of this shape, batch axis included.

    All weights and padding taps count, at every step: convolutions, linear maps and matrix
    products, as torch's flop counter sees them, at two flops a MAC. Norms, neurons, biases and
    sums do not count. The network itself stays as it is: its copy runs on the meta device.
    """
    shapes = copy.deepcopy(net).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        tally = _Tally(counter)
        tally.watch(shapes)
        shapes(torch.empty(sample_shape, device="meta"))
    total = tally.macs()
    of_layers = sum(tally.by_kind.values())
    rest = {OTHER: total - of_layers} if total > of_layers else {}
    on_values = total if tally.on_values is None else tally.on_values
    return Counted(total, {**tally.by_kind, **rest}, on_values, tally.neurons)


def dense_macs(net: nn.Module, sample_shape: tuple[int, ...]) -> int:
    """`counted(...).macs`: multiply-accumulates of one inference."""
    return counted(net, sample_shape).macs


@dataclass
class _Tally:
    """What the watched modules have done so far."""

    counter: FlopCounterMode
    by_kind: Counter[str] = field(default_factory=Counter)
    on_values: int | None = None
    neurons: int = 0
    entered: list[int] = field(default_factory=list)

    def macs(self) -> int:
        return self.counter.get_total_flops() // 2

    def watch(self, net: nn.Module) -> None:
        """Hooks on the layers; neurons pass shapes on and loop over no steps."""
        for module in net.modules():
            if isinstance(module, CubaNeuron):
                module.forward = self._spikes
        for kind, layer in layers(net):
            layer.register_forward_pre_hook(self._enter)
            layer.register_forward_hook(partial(self._leave, kind))

    def _spikes(self, current: torch.Tensor) -> torch.Tensor:
        if self.on_values is None:
            self.on_values = self.macs()
        self.neurons += current.numel() // current.shape[-1]  # the last axis are steps
        return torch.zeros_like(current)

    def _enter(self, module: nn.Module, given: object) -> None:
        self.entered.append(self.macs())

    def _leave(self, kind: str, module: nn.Module, given: object, result: object) -> None:
        done = self.macs() - self.entered.pop()
        if done:
            self.by_kind[kind] += done
