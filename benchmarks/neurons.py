"""The training neuron's forward and backward pass beside slayer's, snnTorch's and SpikingJelly's.

All take the same currents. The others run in environments of their own that `uv` makes; each
stays up as a process that is asked for one pass at a time, so that all take turns.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from measuring import Cell, Effort, Group, Measure, Section, attempt, guarded, in_turn, reason

SIDE = Path(__file__).with_name("peers_neuron.py")
BASE = "spikewatt"
INSTALL_S, TURN_S = 240.0, 60.0


@dataclass(frozen=True)
class Environment:
    """Where peers run: a Python, what is installed, and the neurons that are taken from it."""

    python: str
    packages: tuple[str, ...]
    neurons: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        """What runs its Python."""
        withs = [part for p in self.packages for part in ("--with", p)]
        isolated = ["--no-project", "--isolated", "--python", self.python]
        return ["uv", "run", "-q", *isolated, *withs, "python"]


@dataclass(frozen=True)
class Place:
    """Where a neuron computes: cpu or cuda, and the CPU threads that it may take."""

    device: str
    threads: int

    def __str__(self) -> str:
        if self.device == "cuda":
            return "CUDA GPU"
        return "CPU, one thread" if self.threads == 1 else f"CPU, {self.threads} threads"


# The first has our torch and Python; SpikingJelly 2 needs newer ones.
ENVIRONMENTS = {
    "": Environment(
        "3.10",
        ("torch==2.3.1", "numpy<2", "snntorch==1.0.0", "spikingjelly==0.0.0.0.14"),
        ("snnTorch Leaky", "snnTorch Synaptic", "SpikingJelly LIFNode"),
    ),
    ", newest": Environment(
        "3.11", ("torch==2.13.0", "numpy", "spikingjelly==2.0.0"), ("SpikingJelly LIFNode",)
    ),
}


class Peer:
    """A process that answers a line with a line."""

    def __init__(self, environment: Environment, currents: Path, place: Place) -> None:
        told = [str(currents), place.device, str(place.threads)]
        command = [*environment.command, str(SIDE), *told]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.versions = self.ask("versions", INSTALL_S)["versions"]

    def ask(self, line: str, patience_s: float = TURN_S) -> dict[str, Any]:
        """One turn; RuntimeError where the other side fails or takes too long."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(patience_s):
                self.close()
                raise RuntimeError(f"no answer within {patience_s:.0f} s")
        said = self.process.stdout.readline()
        if not said:
            raise RuntimeError("its environment could not be made, or its process ended")
        found: dict[str, Any] = json.loads(said)
        if "error" in found:
            raise RuntimeError(found["error"])
        return found

    def measure(self, neuron: str) -> Measure:
        """Milliseconds of one pass."""
        return lambda: 1000 * float(self.ask(neuron)["seconds"])

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


@contextmanager
def peers(
    currents: np.ndarray, place: Place, quick: bool
) -> Iterator[tuple[dict[str, Measure], dict[str, str], dict[str, Any]]]:
    """Measures by name, reasons by name where there are none, and versions."""
    measures: dict[str, Measure] = {}
    missing: dict[str, str] = {}
    versions: dict[str, Any] = {}
    running: list[Peer] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "currents.npy"
        np.save(path, currents)
        for suffix, environment in list(ENVIRONMENTS.items())[: 1 if quick else None]:
            names = {f"{n}{suffix}": n for n in environment.neurons}
            try:
                peer = Peer(environment, path, place)
            except (OSError, RuntimeError) as error:
                missing |= dict.fromkeys(names, reason(error))
                continue
            running.append(peer)
            versions |= dict.fromkeys(names, peer.versions)
            measures |= {shown: peer.measure(n) for shown, n in names.items()}
        try:
            yield measures, missing, versions
        finally:
            for peer in running:
                peer.close()


def timed(make: Callable[[], Any], x: torch.Tensor) -> Measure:
    """Milliseconds of forward and backward of a module on currents (N, C, T)."""
    neuron: list[Any] = []

    def once() -> float:
        x.grad = None
        begun = perf_counter()
        spikes = neuron[0](x)
        spikes.backward(torch.ones_like(spikes))
        if x.is_cuda:
            torch.cuda.synchronize()
        return 1000 * (perf_counter() - begun)

    def measure() -> float:
        if not neuron:
            neuron.append(make().to(x.device))
            once()
            once()
        return once()

    return measure


OWN = ("spikewatt CUBA", "slayer CUBA", "spikewatt LIF", "spikewatt PLIF")


def own(x: torch.Tensor) -> dict[str, Measure]:
    """The neurons of this environment."""
    from neuron_rows import ROWS

    return {name: timed(ROWS[name][0], x) for name in OWN}


def currents(shape: tuple[int, int, int]) -> np.ndarray:
    """Currents (N, C, T) that make the neurons fire now and then."""
    drawn = np.random.default_rng(0).normal(0.05, 0.3, shape)
    return drawn.astype(np.float32)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """torch and numba on so many threads."""
    import numba

    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(count)
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])


def neuron_group(shape: tuple[int, int, int], place: Place, effort: Effort) -> Group:
    """All neurons in one place."""
    values = currents(shape)
    x = torch.tensor(values, device=place.device, requires_grad=True)
    with threads(place.threads), peers(values, place, effort.quick) as (asked, missing, versions):
        runs = own(x) | asked
        for measure in runs.values():  # warm: compilers and caches come first
            attempt(measure)
        cells = in_turn(runs, 2 * effort.rounds, effort.budget_s / 2)
    cells |= {name: Cell(unavailable=why) for name, why in missing.items()}
    n, c, t = shape
    name = f"{place}: {n} x {c} neurons, {t} steps"
    return Group(name, f"{BASE} CUBA", "ms", cells, {"versions": versions})


def no_gpu() -> Group:
    """The rows of a GPU that is not there."""
    cells = {name: Cell(unavailable="there is no CUDA GPU") for name in OWN}
    return Group("CUDA GPU", f"{BASE} CUBA", "ms", cells)


TEXT = """Milliseconds of one forward and backward pass over the same float32 currents, in turn.
CUBA neurons (ours, slayer's, snnTorch's Synaptic) have a current and a voltage; LIF, PLIF, Leaky
and LIFNode have a voltage only. Ours and slayer's compute the chip's integers, the others floats.
snnTorch and SpikingJelly run in an environment of their own with the same torch and Python; the
newest SpikingJelly needs newer ones and stands apart."""


def section(effort: Effort) -> Section:
    """The neurons' table."""
    shape = (8, 256, 32) if effort.quick else (32, 1024, 64)
    cores = len(os.sched_getaffinity(0))
    places = [Place("cpu", 1)] if effort.quick else [Place("cpu", 1), Place("cpu", cores)]
    places += [Place("cuda", cores)] if torch.cuda.is_available() else []
    groups = []
    for place in places:
        empty = Group(str(place), f"{BASE} CUBA", "ms", {})
        groups.append(guarded(empty, lambda place=place: neuron_group(shape, place, effort)))
    if not torch.cuda.is_available():
        groups.append(no_gpu())
    return Section("neurons", "The training neuron", TEXT, tuple(groups))
