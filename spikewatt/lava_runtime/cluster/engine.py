"""An engine of workers: each shard of samples goes to whoever is free, and again if it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from spikewatt.lava_runtime.cluster.places import Workers, connected
from spikewatt.lava_runtime.cluster.shards import joined, shards
from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress
from spikewatt.lava_runtime.request import check


@dataclass
class ClusterEngine:
    """Executes clips with an engine on many workers; the result is that of one process, exactly.

    name: of the engine that each worker runs. threads: of the native engine in each worker, an
    equal part of the cores by default.
    """

    name: str
    workers: Workers
    threads: int | None = None

    def run(self, request: Request, progress: Progress = no_progress) -> Execution:
        """Execute; building is getting workers, stepping all that they do, building included.

        Raises SpikewattError for a stream, without workers, and as the workers' engine does.
        """
        check(request)
        shards(request, 1)
        begun = perf_counter()
        with connected(self.workers) as client:
            from spikewatt.lava_runtime.cluster.hands import Hands

            here = perf_counter()
            threads = self.threads or self.workers.threads
            parts = Hands(client, request, self.name, threads).parts(progress)
            return joined(request, parts, here - begun, perf_counter() - here)
