"""SLAYER's own forward pass of a quantised network: the reference an engine is checked against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import NamedTuple

import numpy as np
import torch

from spikewatt.memory import check_room
from spikewatt.train.neuron import CubaNeuron
from spikewatt.train.quantize import WEIGHT_SCALE

CURRENT_SHIFT = 6  # Lava's v counts in 2**-6 of the weights' unit


@contextmanager
def slayer_neurons(net: torch.nn.Module) -> Iterator[None]:
    """Neurons run lava-dl's own code while this lasts, step by step, not the compiled pass.

    Where lava-dl cannot be used, the step-by-step pass of `stepwise` runs, which equals it.
    lava-dl compares integer voltages with a float threshold, which torch does in its default type.
    """
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    neurons = [m for m in net.modules() if isinstance(m, CubaNeuron)]
    for neuron in neurons:
        neuron.compiled = False
    try:
        yield
    finally:
        torch.set_default_dtype(default)
        for neuron in neurons:
            neuron.compiled = True


@contextmanager
def _in_float64(net: torch.nn.Module) -> Iterator[None]:
    """The module itself, since large ones have no room for a copy; float32 comes back exactly."""
    training, held = net.training, (*net.parameters(), *net.buffers())
    kinds = [t.dtype for t in held]
    net.double().eval()
    try:
        yield
    finally:
        for tensor, kind in zip((*net.parameters(), *net.buffers()), kinds, strict=True):
            tensor.data = tensor.data.to(kind)
        net.train(training)


def _check_room(net: torch.nn.Module, stimuli: np.ndarray) -> None:
    """Spikes of all populations in float64 and as integers, and the weights' second half."""
    cells = stimuli.shape[0] * stimuli.shape[-1] * sum(prod(p.shape) for p in net.graph.populations)
    weights = sum(p.numel() for p in net.parameters())
    hint = "Take fewer clips, or shorter ones."
    what = f"SLAYER's pass over {len(stimuli)} clips of {stimuli.shape[-1]} steps"
    check_room(what, (8 + 4) * cells + 4 * weights, hint)


class SlayerSpikes(NamedTuple):
    """What slayer's neurons do; decision: None where it is the read-out."""

    spikes: list[np.ndarray]
    readout: np.ndarray
    decision: np.ndarray | None


@torch.no_grad()
def slayer_spikes(net: torch.nn.Module, stimuli: np.ndarray) -> SlayerSpikes:
    """Spikes of each population (N, x, y, channel, T) int32, and the read-out's v (N, classes).

    The decision, (clips, classes) in the read-out's units, has what the host adds. stimuli:
    (N, x, y, channel, T), Lava's order. Neurons run as in `slayer_neurons`, in float64: in float32
    a threshold of 4096 or more swallows the epsilon by which slayer's >= says what Lava's > says.
    """
    x = torch.as_tensor(stimuli, dtype=torch.float64).permute(0, 3, 1, 2, 4).contiguous()
    _check_room(net, stimuli)
    with _in_float64(net), slayer_neurons(net):
        trace = net.spikes(x)
        membrane = net.membrane(x, trace)
        decision = net.decision(x, trace) if net.decides_apart else None
    spikes = [trace.pop(0).permute(0, 2, 3, 1, 4).numpy().astype(np.int32) for _ in trace[:]]
    decided = None if decision is None else _units(decision)
    return SlayerSpikes(spikes, _units(membrane), decided)


def _units(voltage: torch.Tensor) -> np.ndarray:
    """Whole numbers of Lava's v."""
    return np.rint(voltage.double().numpy() * (WEIGHT_SCALE << CURRENT_SHIFT)).astype(np.int64)
