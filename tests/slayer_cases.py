"""SLAYER's forward pass beside the execution of the network made from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from spikewatt.export.modules import from_slayer
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network, StartRule

STEPS = 16
CUBA = {"threshold": 1.0, "current_decay": 0.4, "voltage_decay": 0.2}


@dataclass(frozen=True)
class Stimulus:
    """What SLAYER sees, (N, C, [H, W,] T), and the integers that the network sees instead."""

    x: torch.Tensor
    integers: torch.Tensor


def spikes(shape: tuple[int, ...], seed: int = 5, steps: int = STEPS) -> Stimulus:
    """Three clips of random spikes."""
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(3, *shape, steps, generator=generator) < 0.4).float()
    return Stimulus(x, x)


def numbers(shape: tuple[int, ...], seed: int = 5) -> Stimulus:
    """Three clips of random numbers on SLAYER's 8-bit grid, beside their mantissas."""
    generator = torch.Generator().manual_seed(seed)
    k = torch.randint(-20, 40, (3, *shape, STEPS), generator=generator)
    return Stimulus(k / 32, 2 * k)


def lava_order(x: torch.Tensor) -> np.ndarray:
    """(N, C, [H, W,] T) to (N, [W, H,] C, T)."""
    a = x.detach().numpy()
    return np.ascontiguousarray(np.moveaxis(a, range(1, a.ndim - 1), range(a.ndim - 2, 0, -1)))


def request(network: Network, integers: torch.Tensor) -> Request:
    """Clips of the stimulus; the output is recorded."""
    stimulus = lava_order(integers).astype(np.int32)
    schedule = clips(network, len(stimulus), stimulus.shape[-1])
    return Request(network, stimulus, schedule, (network.output.layer,))


def execute(network: Network, stimulus: Stimulus) -> Execution:
    """The native engine's execution."""
    return NativeEngine().run(request(network, stimulus.integers))


def forward(module: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """SLAYER's output from rest: a batch of another size makes it forget."""
    module.eval()
    with torch.no_grad():
        module(x[:1])
        return module(x)


def assert_same(
    module: torch.nn.Sequential, stimulus: Stimulus, unit: int = 1, shifts: int | None = None
) -> Network:
    """SLAYER's output in whole units equals the spikes of the network; returns the network.

    shifts: by how many steps SLAYER's output lags its last neurons; None counts the blocks'.
    """
    want = lava_order(forward(module, stimulus.x)) * unit
    assert want.any()
    network = from_slayer(module, stimulus.x[:1])
    found = execute(network, stimulus).spikes[network.output.layer]
    if network.start is StartRule.TOGETHER:  # windows start at the output's depth
        lag = sum(getattr(b, "delay_shift", False) for b in module)
    else:  # the last block's own shift only
        lag = int(getattr(module[-1], "delay_shift", False))
    np.testing.assert_array_equal(found[..., : want.shape[-1] - lag], want[..., lag:])
    return network


def randomised(block: torch.nn.Module, gain: float = 1.0) -> torch.nn.Module:
    """Weights drawn anew, so that neurons fire."""
    for p in block.parameters():
        if p.dim() > 1:
            p.data = gain * torch.randn(p.shape)
    return block


__all__ = [
    "CUBA",
    "STEPS",
    "Stimulus",
    "assert_same",
    "execute",
    "forward",
    "lava_order",
    "numbers",
    "randomised",
    "request",
    "spikes",
]
