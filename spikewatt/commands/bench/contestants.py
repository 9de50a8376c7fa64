"""What can be timed on a network: engines, its dense pass in torch, an ANN in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from spikewatt.errors import unknown_name
from spikewatt.lava_runtime.engine import Execution, Progress, Request
from spikewatt.lava_runtime.engines import ENGINES, engine

if TYPE_CHECKING:
    from spikewatt.commands.bench.dense_torch import DenseTorch

TORCH = "torch"


@dataclass(frozen=True, eq=False)
class Timed:
    """One timed run; execution: what it did, where it tells."""

    build_s: float
    wall_s: float
    execution: Execution | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known before anything is timed.

    execution: what it does, where timed runs do not tell. readout, theoretical_j: answers (N,
    classes) and the papers' energy a sample of one that executes another network.
    """

    execution: Execution | None = None
    readout: npt.NDArray[Any] | None = None
    theoretical_j: float | None = None


class Contestant(Protocol):
    """Somebody who runs the samples of one network.

    Every method raises SpikewattError with the reason where it cannot.
    """

    name: str

    def check(self, request: Request) -> Facts:
        """Get ready, untimed."""
        ...

    def run(self, request: Request, progress: Progress) -> Timed:
        """Run once; only stepping counts as `wall_s`."""
        ...


@dataclass
class OfEngine:
    """An engine; every run of it counts."""

    name: str

    def check(self, request: Request) -> Facts:
        """Nothing yet; a reason why there is no such engine here comes at once."""
        engine(self.name)
        return Facts()

    def run(self, request: Request, progress: Progress) -> Timed:
        """Execute."""
        done = engine(self.name).run(request, progress)
        return Timed(done.build_s, done.wall_s, done)


@dataclass
class OfTorch:
    """The network on the host as dense torch, cpu or cuda; it counts in a run of its own."""

    device: str = "cpu"
    name: str = TORCH
    _built: DenseTorch | None = field(default=None, init=False, repr=False)

    def check(self, request: Request) -> Facts:
        """Counts, spikes and read-out; also warms torch up."""
        from spikewatt.commands.bench.dense_torch import DenseTorch

        return Facts(DenseTorch(request, self.device).execute())

    def run(self, request: Request, progress: Progress) -> Timed:
        """All steps, without counting."""
        from spikewatt.commands.bench.dense_torch import DenseTorch

        if self._built is None or self._built.request is not request:
            self._built = DenseTorch(request, self.device)
        done = self._built.run()
        return Timed(done.build_s, done.wall_s)


def contestant(name: str, device: str = "cpu") -> Contestant:
    """The backend of this name; device: torch's. SpikewattError with the known names."""
    if name not in (*ENGINES, TORCH):
        raise unknown_name("backend", name, [*ENGINES, TORCH])
    return OfTorch(device) if name == TORCH else OfEngine(name)
