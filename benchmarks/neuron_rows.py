"""Forward and backward of our neuron beside slayer's and, where installed, two libraries' LIF.

`python benchmarks/neuron_rows.py [--shape 16,64,1,25,32] [--threads 1]` prints one table: rows
take turns, so that a busy machine slows all alike. snnTorch and SpikingJelly count only where this
environment has them; `neurons.py` gives them environments of their own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numba
import torch
from measuring import Cell, in_turn

SHAPE = (16, 64, 1, 25, 32)  # samples, channels, height, joints, steps
CUBA = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.5, "tau_grad": 0.01}
TAU = 2.0
ROUNDS, BUDGET_S = 15, 60.0

Network = Callable[[torch.Tensor], torch.Tensor]


def own_cuba() -> Network:
    """Our CUBA neuron."""
    from spikewatt.train.neuron import CubaNeuron

    return CubaNeuron(**CUBA)


def own_lif() -> Network:
    """Our LIF: ATan, reset detached."""
    from spikewatt.train.neuron import lif

    return lif(TAU)


def own_plif() -> Network:
    """Our PLIF, one learned time constant."""
    from spikewatt.train.neuron import plif

    return plif(TAU)


def slayer_cuba() -> Network:
    """lava-dl's neuron."""
    from spikewatt.export.slayer import slayer

    return slayer.neuron.cuba.Neuron(**CUBA)


def snntorch_leaky() -> Network:
    """snnTorch's Leaky, which its users call once a step."""
    import snntorch

    neuron = snntorch.Leaky(beta=1 - 1 / TAU, reset_mechanism="zero")

    def run(x: torch.Tensor) -> torch.Tensor:
        membrane, spikes = neuron.init_leaky(), []
        for step in x.unbind(-1):
            spike, membrane = neuron(step, membrane)
            spikes.append(spike)
        return torch.stack(spikes, dim=-1)

    return run


def spikingjelly_lif() -> Network:
    """SpikingJelly's LIFNode over many steps, time first as it wants it."""
    from spikingjelly.activation_based import functional, neuron

    node = neuron.LIFNode(tau=TAU, detach_reset=True, step_mode="m")

    def run(x: torch.Tensor) -> torch.Tensor:
        functional.reset_net(node)
        return node(x)

    return run


def currents(shape: tuple[int, ...], time_first: bool = False) -> torch.Tensor:
    """Normal currents that let neurons fire now and then, (N, C, ..., T) or (T, N, C, ...)."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return x.movedim(-1, 0).contiguous() if time_first else x


def pass_ms(build: Callable[[], Network], shape: tuple[int, ...], first: bool) -> Any:
    """A function that runs forward and backward once and says how long it took, in ms."""
    network, x = build(), currents(shape, first).requires_grad_()
    pull = torch.ones_like(x)

    def once() -> float:
        x.grad = None
        begun = perf_counter()
        network(x).backward(pull)
        return 1000 * (perf_counter() - begun)

    once()  # compiles
    return once


ROWS: dict[str, tuple[Callable[[], Network], bool]] = {
    "spikewatt CUBA": (own_cuba, False),
    "slayer CUBA": (slayer_cuba, False),
    "spikewatt LIF": (own_lif, False),
    "spikewatt PLIF": (own_plif, False),
    "snnTorch Leaky": (snntorch_leaky, False),
    "SpikingJelly LIFNode": (spikingjelly_lif, True),
}


def medians(shape: tuple[int, ...] = SHAPE, rounds: int = ROUNDS) -> dict[str, Cell]:
    """Milliseconds of every row that can be had, measured in turn; the others say why not."""
    measures, missing = {}, {}
    for name, (build, time_first) in ROWS.items():
        try:
            measures[name] = pass_ms(build, shape, time_first)
        except ImportError as error:
            missing[name] = Cell(unavailable=str(error))
    return in_turn(measures, rounds, BUDGET_S) | missing


def main() -> None:
    """Print medians, and ratios to our CUBA neuron taken round by round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default=",".join(map(str, SHAPE)))
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    numba.set_num_threads(told.threads)
    cells = medians(tuple(int(n) for n in told.shape.split(",")))
    base = cells["spikewatt CUBA"]
    print(f"{'forward + backward':24}{'ms':>10}{'ratio':>10}   (shape {told.shape}, CPU)")
    for name, cell in cells.items():
        if not cell.values:
            print(f"{name:24} unavailable: {cell.unavailable}")
            continue
        print(f"{name:24}{cell.median:10.2f}{cell.over(base).median:10.1f}")


if __name__ == "__main__":
    main()
