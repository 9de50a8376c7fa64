"""Parameters and dense MACs of a network, counted by running it on shapes alone."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from spikewatt.train.neuron import CubaNeuron


def parameters(net: nn.Module) -> int:
    """Trainable parameters, as papers count them."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def dense_macs(net: nn.Module, sample_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of one inference on a tensor of this shape, batch axis included.

    All weights and padding taps count, at every step: convolutions, linear maps and matrix
    products, as torch's flop counter sees them, at two flops a MAC. Norms, neurons, biases and
    sums do not count. The network itself stays as it is: its copy runs on the meta device.
    """
    shapes = _without_values(net)
    sample = torch.empty(sample_shape, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shapes(sample)
    return counter.get_total_flops() // 2


def _without_values(net: nn.Module) -> nn.Module:
    """A copy for inference without values; its neurons pass shapes on and loop over no steps."""
    shapes = copy.deepcopy(net).to("meta").eval()
    for module in shapes.modules():
        if isinstance(module, CubaNeuron):
            module.forward = torch.zeros_like
    return shapes
