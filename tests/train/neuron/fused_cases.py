"""Run by test_fused.py under Triton's interpreter: the kernels' results beside the CPU's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product

import torch
import triton.language as tl

from spikewatt.train.neuron import (
    ATan,
    ChannelBias,
    CubaNeuron,
    Rectangular,
    Sigmoid,
    cpu,
    fused,
    passes,
    plif,
)

DECAYS = {"current_decay": 0.3, "voltage_decay": 0.1, "tau_grad": 0.01}
OWN = {"current_decay": (0.1, 0.9), "voltage_decay": (0.0, 0.5), "shared_param": False}


def biased() -> CubaNeuron:
    neuron = CubaNeuron(1.0, **DECAYS, detach_reset=True, surrogate=Sigmoid())
    neuron.norm = ChannelBias(torch.tensor([0.1, -0.2, 0.3]))
    return neuron


def normed() -> CubaNeuron:
    return CubaNeuron(1.0, **DECAYS, norm=lambda: torch.nn.BatchNorm2d(3), persistent_state=True)


CASES: dict[str, Callable[[], CubaNeuron]] = {
    "slayer": lambda: CubaNeuron(1.0, **DECAYS),
    "own decays": lambda: CubaNeuron(0.5, **OWN, requires_grad=True, persistent_state=True),
    "gain": lambda: CubaNeuron(1.0, **OWN, requires_grad=True, input_gain="decay"),
    "graded": lambda: CubaNeuron(1.0, **DECAYS, graded_spike=True),
    "plif": lambda: plif(3.0, surrogate=ATan()),
    "box": lambda: plif(1.5, surrogate=Rectangular(), detach_reset=False),
    "bias": biased,
    "norm": normed,
}


STEPS = (7, 8, 6)  # one, four, two at a time


class Copied:
    """The kernels on copies: the interpreter writes every argument back in place."""

    @staticmethod
    def forward_pass(x, table, states, *rest):  # type: ignore[no-untyped-def]
        states = None if states is None else states.clone()
        return fused.forward_pass(x.clone(), table.clone(), states, *rest)

    @staticmethod
    def backward_pass(grad, saved, table, states, *rest):  # type: ignore[no-untyped-def]
        copies = tuple(None if t is None else t.clone() for t in saved)
        states = None if states is None else states.clone()
        return fused.backward_pass(grad.clone(), copies, table.clone(), states, *rest)


def outcome(build: Callable[[], CubaNeuron], engine, device: str, steps: int):  # type: ignore[no-untyped-def]
    """Spikes, states and gradients of two calls, through one engine."""
    passes.engine_of = lambda x: engine
    torch.manual_seed(0)
    neuron = build()
    x = (2 * torch.randn(3, 3, 50, steps)).to(device).requires_grad_()
    pulls = torch.randn(2, 3, 3, 50, steps).to(device)
    neuron._meet(x.detach().cpu())  # draws the decays before they move
    neuron = neuron.to(device)
    if isinstance(neuron.norm, ChannelBias):
        neuron.norm.values.requires_grad_()
    neuron.reset()
    spikes = [neuron(x) for _ in range(2)]
    sum((s * pull).sum() for s, pull in zip(spikes, pulls, strict=True)).backward()
    learned = [p.grad for p in neuron.parameters() if p.grad is not None]
    if isinstance(neuron.norm, ChannelBias):
        learned.append(neuron.norm.values.grad)
    states = [neuron.current_state, neuron.voltage_state]
    return [t.detach().cpu() for t in (*spikes, *states, x.grad, *learned)]


def main(device: str) -> None:
    """Compare every case; an AssertionError names the first that differs."""
    engine = Copied if device == "cpu" else fused
    if device == "cpu":
        tl.static_range = range  # Triton 2's interpreter takes constants only, and has none
    for (name, build), steps in product(CASES.items(), STEPS):
        expected, found = outcome(build, cpu, "cpu", steps), outcome(build, engine, device, steps)
        assert len(expected) == len(found), name
        for i, (a, b) in enumerate(zip(expected, found, strict=True)):
            if i < 4:
                assert torch.equal(a, b), f"{name}: {i}"
            scale = float(a.abs().max())
            within = 1e-6 if i == 4 else 1e-5  # sums of many terms
            torch.testing.assert_close(
                b, a, rtol=within, atol=within * scale, msg=lambda m, n=name, i=i: f"{n} {i}: {m}"
            )
        print(name, float(expected[0].mean()))


if __name__ == "__main__":
    main(sys.argv[1])
