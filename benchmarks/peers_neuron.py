"""Forward and backward of other libraries' neurons; runs in their environment, without spikewatt.

    python peers_neuron.py CURRENTS.npy DEVICE THREADS

answers each line of stdin, `versions` or the name of a neuron, with a line of JSON: {"seconds"},
{"versions"} or {"error"}. The process stays, so that its turns alternate with the caller's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

BETA, ALPHA = 0.5, 0.75  # shares of voltage and of current that stay
WARM = 3  # torch compiles SpikingJelly's steps in its first passes
PACKAGES = ("torch", "snntorch", "spikingjelly")


def leaky() -> Callable[[Any], Any]:
    """snnTorch's Leaky, stepped in a loop as its tutorials do."""
    import snntorch

    neuron = snntorch.Leaky(beta=BETA, reset_mechanism="zero")

    def run(x: Any) -> Any:
        membrane, spikes = neuron.init_leaky(), []
        for step in x:
            spike, membrane = neuron(step, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    return run


def synaptic() -> Callable[[Any], Any]:
    """snnTorch's Synaptic: with a current of its own, as the CUBA neuron."""
    import snntorch

    neuron = snntorch.Synaptic(alpha=ALPHA, beta=BETA, reset_mechanism="zero")

    def run(x: Any) -> Any:
        current, membrane = neuron.init_synaptic()
        spikes = []
        for step in x:
            spike, current, membrane = neuron(step, current, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    return run


def lif_node() -> Callable[[Any], Any]:
    """SpikingJelly's LIFNode over all steps at once (step mode `m`)."""
    from spikingjelly.activation_based import functional, neuron

    node = neuron.LIFNode(tau=1 / (1 - BETA), detach_reset=True, step_mode="m")

    def run(x: Any) -> Any:
        functional.reset_net(node)
        return node(x)

    return run


NEURONS: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "snnTorch Leaky": leaky,
    "snnTorch Synaptic": synaptic,
    "SpikingJelly LIFNode": lif_node,
}


@cache
def made(name: str) -> Callable[[Any], Any]:
    """A neuron, made once."""
    return NEURONS[name]()


def finish(device: str) -> None:
    """Wait for a GPU."""
    if device == "cuda":
        torch.cuda.synchronize()


def seconds(run: Callable[[Any], Any], x: Any, device: str) -> float:
    """One forward and backward pass over currents (T, N, C)."""
    x.grad = None
    finish(device)
    begun = time.perf_counter()
    spikes = run(x)
    spikes.backward(torch.ones_like(spikes))
    finish(device)
    return time.perf_counter() - begun


def versions() -> dict[str, str]:
    """What is installed here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def answer(asked: str, x: Any, device: str) -> dict[str, Any]:
    """One turn."""
    if asked == "versions":
        return {"versions": versions()}
    try:
        first = made.cache_info().currsize
        run = made(asked)
        for _ in range(WARM if made.cache_info().currsize != first else 0):
            seconds(run, x, device)
        return {"seconds": seconds(run, x, device)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main(path: str, device: str, threads: str) -> None:
    """Answer until stdin ends."""
    torch.set_num_threads(int(threads))
    currents = np.load(path).transpose(2, 0, 1).copy()  # (N, C, T) to (T, N, C)
    x = torch.tensor(currents, device=device, requires_grad=True)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(line.strip(), x, device)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
