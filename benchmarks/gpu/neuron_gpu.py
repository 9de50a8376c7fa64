"""Our CUBA neuron beside slayer's on one GPU: the same spikes, the same gradients, how long."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import torch
from slayer_cuda import slayer
from torch import nn

from spikewatt.commands.bench.turns import turns
from spikewatt.train.neuron import CubaNeuron, lif, plif

CUBA = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.5, "tau_grad": 0.01}
SHAPES = ((64, 128, 1, 25, 64), (32, 64, 1, 20, 16), (32, 1024, 64))  # samples, ..., steps
ROUNDS, PASSES = 9, 20


def currents(shape: tuple[int, ...]) -> torch.Tensor:
    """Normal currents that make neurons fire now and then, on the GPU."""
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return drawn.cuda().requires_grad_()


def first_use_s() -> float:
    """Seconds of our first pass in this process, Triton's compiler included, CUDA's start not."""
    x = currents((4, 8, 16))
    torch.cuda.synchronize()
    begun = perf_counter()
    CubaNeuron(**CUBA).cuda()(x).sum().backward()
    torch.cuda.synchronize()
    return perf_counter() - begun


def agreement(shape: tuple[int, ...]) -> dict[str, Any]:
    """Spikes and gradients of ours, of slayer's CUDA kernels and of slayer's CPU code.

    slayer's CUDA kernels cut the threshold to a whole number: a voltage that meets it exactly is
    reset without a spike, which neither slayer's CPU code nor the chip does. Neurons to which that
    happens are apart. Gradients are compared with the largest one's magnitude.
    """
    x = currents(shape)
    pull = torch.randn(shape, generator=torch.Generator().manual_seed(1)).cuda()
    neuron, theirs = CubaNeuron(**CUBA).cuda(), slayer().neuron.cuba.Neuron
    ours, ours_grad = _outcome(neuron, x, pull)
    cuda, cuda_grad = _outcome(theirs(**CUBA).cuda(), x, pull)
    cpu, cpu_grad = _outcome(theirs(**CUBA), x.detach().cpu().requires_grad_(), pull.cpu())
    with torch.no_grad():
        voltage = neuron.dynamics(x)[1]
    met = (voltage == neuron.threshold).any(dim=-1)
    return {
        "neurons": met.numel(),
        "spikes": int(ours.sum()),
        "of_slayers_cpu_differ": int((ours.cpu() != cpu).sum()),
        "of_slayers_cuda_differ": int((ours != cuda).sum()),
        "neurons_that_meet_the_threshold": int(met.sum()),
        "of_slayers_cuda_differ_elsewhere": int((ours != cuda)[~met].sum()),
        "gradient_off_slayers_cpu": _off(ours_grad.cpu(), cpu_grad),
        "gradient_off_slayers_cuda_elsewhere": _off(ours_grad[~met], cuda_grad[~met]),
    }


def _outcome(
    neuron: nn.Module, x: torch.Tensor, pull: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    x.grad = None
    spikes = neuron(x)
    spikes.backward(pull)
    return spikes.detach(), x.grad.clone()


def _off(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def _pass(network: nn.Module, x: torch.Tensor, pull: torch.Tensor) -> Callable[[], float]:
    """Milliseconds of a forward and backward pass, as the GPU's own clock sees a run of them."""

    def once() -> float:
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begun.record()
        for _ in range(PASSES):
            x.grad = None
            network(x).backward(pull)
        ended.record()
        torch.cuda.synchronize()
        return begun.elapsed_time(ended) / PASSES

    once()
    return once


def _copy(x: torch.Tensor) -> Callable[[], float]:
    def once() -> float:
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begun.record()
        for _ in range(PASSES):
            x.detach().clone()
        ended.record()
        torch.cuda.synchronize()
        return begun.elapsed_time(ended) / PASSES

    return once


def timing(shape: tuple[int, ...]) -> dict[str, Any]:
    """Milliseconds a pass of each, in turn; ratios to ours are taken within a round."""
    x, pull = currents(shape), torch.ones(shape, device="cuda")
    builds: Mapping[str, Callable[[], nn.Module]] = {
        "spikewatt CUBA": lambda: CubaNeuron(**CUBA),
        "slayer CUBA": lambda: slayer().neuron.cuba.Neuron(**CUBA),
        "spikewatt LIF": lambda: lif(2.0),
        "spikewatt PLIF": lambda: plif(2.0),
    }
    measures = {name: _pass(build().cuda(), x, pull) for name, build in builds.items()}
    measures["a copy"] = _copy(x)
    values: dict[str, list[float]] = {name: [] for name in measures}
    for order in turns(list(measures), ROUNDS):
        for name in order:
            values[name].append(measures[name]())
    base = values["spikewatt CUBA"]
    return {
        name: {
            "ms": statistics.median(found),
            "ratio": statistics.median(a / b for a, b in zip(found, base, strict=True)),
        }
        for name, found in values.items()
    }


def measured() -> dict[str, Any]:
    """Everything, by shape."""
    return {
        " x ".join(map(str, shape)): {"agreement": agreement(shape), "timing": timing(shape)}
        for shape in SHAPES
    }
