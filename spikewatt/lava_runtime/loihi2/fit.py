"""What Lava's own processes cannot do, said before anything is built."""

from __future__ import annotations

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.loihi2.board import Board
from spikewatt.network import Attention, Conv, CubaLif, Dense, Projection, Sparse
from spikewatt.tables import stepping

INSTEAD = "Use the lava or the native engine."


def check_fits(request: Request, board: Board) -> None:
    """Raise SpikewattError for a request that Lava's own processes cannot execute exactly."""
    for p in request.network.projections:
        _check_projection(request, p)
    for population in request.network.populations:
        if request.schedule.period is not None and not isinstance(population.neuron, CubaLif):
            kind = type(population.neuron).__name__
            raise SpikewattError(
                f"Layer {population.layer} has {kind} neurons, which Lava's own processes cannot "
                f"reset between samples. Run one stream without --reset. {INSTEAD}"
            )
    if stepping(request.network):
        raise SpikewattError(f"Lava's own processes have no gains or biases of steps. {INSTEAD}")
    if request.network.host is not None:
        raise SpikewattError(
            f"The host's stage reads spikes of populations, which are not sent to it yet. {INSTEAD}"
        )
    if request.record_state:
        raise SpikewattError(f"Engine loihi2 records spikes, not u and v. {INSTEAD}")
    _check_stimulus(request, board)


def _check_projection(request: Request, p: Projection) -> None:
    if isinstance(p.synapses, Attention):
        raise SpikewattError(
            f"Layer {p.target} takes attention, for which Lava has no process. {INSTEAD}"
        )
    if isinstance(p.synapses, Conv) and (p.delay or p.axon_delay is not None):
        raise SpikewattError(
            f"The convolution into layer {p.target} has a delay, which Lava's Conv has not. "
            f"{INSTEAD}"
        )
    if request.schedule.period is not None and _waits(p):
        raise SpikewattError(
            f"The projection into layer {p.target} has delays, and the buffers of Lava's own "
            f"delayed synapses outlive a reset. Run one stream without --reset. {INSTEAD}"
        )


def _waits(p: Projection) -> bool:
    own = p.synapses.delay if isinstance(p.synapses, Dense | Sparse) else None
    return bool(p.delay) or p.axon_delay is not None or (own is not None and bool(own.any()))


def _check_stimulus(request: Request, board: Board) -> None:
    source = request.network.input
    held = request.stimulus.shape[-1] == 1 or request.schedule.steps == 1
    if source.drives_bias and not held:
        raise SpikewattError(
            "The stimulus changes a population's bias at every step; on a board it is set between "
            f"samples. Give one frame a sample. {INSTEAD}"
        )
    if source.drives_bias and board.probes and request.schedule.samples > 1:
        raise SpikewattError(
            "A measuring run has no pauses, so one frame is held for all of it; found "
            f"{request.schedule.samples}. Give one."
        )
