"""The native engine's door; what it needs of numba is imported when it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress
from spikewatt.lava_runtime.request import check


@dataclass
class NativeEngine:
    """Lava's fixed point without Lava: event-driven, compiled, on all cores.

    workers: threads, all cores by default. chunk_cells: neurons x steps of a population that are
    worked on at once, so that they stay in the cache. Results do not depend on either.
    """

    workers: int | None = None
    chunk_cells: int = 2**18
    name: str = field(default="native", init=False)

    def run(self, request: Request, progress: Progress = no_progress) -> Execution:
        """Execute a request.

        Raises SpikewattError where it does not fit its network, or where the network loops
        through several populations.
        """
        from spikewatt.lava_runtime.native.execution import execute  # numba: 0.5 s
        from spikewatt.lava_runtime.native.warmth import warm_up

        check(request)
        warm_up()
        return execute(request, self.workers, self.chunk_cells, progress)
