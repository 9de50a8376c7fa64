"""SLAYER's own forward pass of a quantised network: the reference an engine is checked against."""

from __future__ import annotations

import numpy as np
import torch

from spikewatt.train.neuron import CubaNeuron
from spikewatt.train.quantize import WEIGHT_SCALE

CURRENT_SHIFT = 6  # Lava's v counts in 2**-6 of the weights' unit


@torch.no_grad()
def slayer_spikes(net: torch.nn.Module, x: torch.Tensor) -> tuple[list[np.ndarray], np.ndarray]:
    """Spikes of each unit (N, V C, T) int32, and the read-out's v (N, classes) int64.

    x: (N, C, V, T). Neurons run slayer's own code, step by step, not the compiled pass.
    """
    neurons = [m for m in net.modules() if isinstance(m, CubaNeuron)]
    for neuron in neurons:
        neuron.compiled = False
    try:
        trace = net.eval().spikes(x)
        membrane = net.readout.membrane(trace[-1])
    finally:
        for neuron in neurons:
            neuron.compiled = True
    flat = [s.permute(0, 2, 1, 3).flatten(1, 2).numpy().astype(np.int32) for s in trace]
    units = membrane.double().numpy() * WEIGHT_SCALE
    return flat, np.rint(units).astype(np.int64) << CURRENT_SHIFT
