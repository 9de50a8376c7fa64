"""The native engine's door; what it needs of numba is imported when it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress

READOUTS = ("membrane", "rate")


def _check_stimulus(request: Request) -> None:
    source, schedule = request.network.input, request.schedule
    want = (schedule.samples, *source.shape, schedule.steps)
    held = (*want[:-1], 1) if source.drives_bias else want
    if request.stimulus.shape not in (want, held):
        other = "" if held == want else f" or {held}"
        raise SpikewattError(
            f"The stimulus has shape {request.stimulus.shape}; this run takes {want}{other}: "
            "samples, the input's shape, steps. Reshape it, or change samples and steps."
        )


def _check_readout(request: Request) -> None:
    readout, size = request.network.readout, request.network.output.size
    if readout is None:
        return
    if readout.kind not in READOUTS:
        raise SpikewattError(
            f"Unknown read-out {readout.kind!r}. Known: {', '.join(READOUTS)}. Change the file's."
        )
    if readout.groups < 1 or size % readout.groups:
        raise SpikewattError(
            f"The read-out sums {size} neurons in {readout.groups} equal groups; the number of "
            "groups must divide the number of neurons. Change the read-out's groups."
        )


def check(request: Request) -> None:
    """Raise SpikewattError for a request that does not fit its own network."""
    _check_stimulus(request)
    _check_readout(request)
    unknown = sorted(set(request.record) - set(request.network.by_layer))
    if unknown:
        known = ", ".join(str(layer) for layer in request.network.by_layer)
        raise SpikewattError(
            f"Layer {unknown[0]} cannot be recorded: it has no neurons. Layers that have: {known}."
        )


@dataclass
class NativeEngine:
    """Lava's fixed point without Lava: event-driven, compiled, on all cores.

    workers: threads, all cores by default. chunk_cells: neurons x steps of a population that are
    worked on at once, so that they stay in the cache. Results do not depend on either.
    """

    workers: int | None = None
    chunk_cells: int = 2**17
    name: str = field(default="native", init=False)

    def run(self, request: Request, progress: Progress = no_progress) -> Execution:
        """Execute a request.

        Raises SpikewattError where it does not fit its network, or where the network goes back
        or has synapses that this engine does not know.
        """
        from spikewatt.lava_runtime.native.execution import execute, warm_up  # numba: 0.5 s

        check(request)
        warm_up()
        return execute(request, self.workers, self.chunk_cells, progress)
