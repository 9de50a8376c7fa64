"""One request in the hands of workers: what is in flight, what is done, how far each shard is."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from concurrent.futures import CancelledError
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import uuid4

import dask
from distributed import Client, Future, KilledWorker, wait

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.cluster.shards import shards
from spikewatt.lava_runtime.cluster.task import How, execute, hold, installed
from spikewatt.lava_runtime.engine import Execution, Progress, Request
from spikewatt.network import Network

POLL_S = 0.2
LONELY_S = 60.0  # without any worker, until a run is given up
SHARDS_A_WORKER = {"native": 4}  # elsewhere 1: a shard in Lava takes seconds to build
IN_FLIGHT = 2  # shards a worker, so that none waits and a large input stays here

_log = logging.getLogger("spikewatt")


class Hands:
    """Gives shards out, and takes their executions back in any order."""

    def __init__(self, client: Client, request: Request, engine: str, threads: int) -> None:
        self.client, self.request = client, request
        workers = max(1, len(self._workers()))
        self.shards = shards(request, workers * SHARDS_A_WORKER.get(engine, 1))
        self.at_once = IN_FLIGHT * workers
        self.how = How(
            engine,
            threads,
            request.schedule.steps,
            request.record,
            request.record_state,
            topic=f"spikewatt-{uuid4().hex}",
            version=installed(),
        )
        self.done: dict[int, Execution] = {}
        self.steps: dict[int, int] = {}
        self.holders: dict[int, str] = {}
        self.alone_since: float | None = None

    def parts(self, progress: Progress) -> list[Execution]:
        """Executions of all shards, in order."""
        self.client.subscribe_topic(self.how.topic, self._hear)
        # keys of this run alone, since equal keys would join the runs of several users
        network = self._submit("network", hold, _bare(self.request.network))
        waiting = deque(enumerate(self.shards))
        flying: dict[Future[Any], int] = {}
        while waiting or flying:
            while waiting and len(flying) < self.at_once:
                number, shard = waiting.popleft()
                given = (network, shard.stimulus(self.request), number, self.how)
                flying[self._submit(f"shard-{number}", execute, *given)] = number
            for future in self._ended(list(flying)):
                self.done[flying.pop(future)] = _result(future)
            self._tell(progress)
        return [self.done[number] for number in range(len(self.shards))]

    def _submit(self, name: str, task: Any, *given: Any) -> Future[Any]:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return self.client.submit(task, *given, key=f"{name}-{self.how.topic}")

    def _workers(self) -> Any:
        return self.client.scheduler_info(n_workers=-1)["workers"]

    def _ended(self, flying: list[Future[Any]]) -> set[Future[Any]]:
        """What has ended within a while; SpikewattError where nobody is left to work."""
        try:
            done: set[Future[Any]] = wait(flying, POLL_S, "FIRST_COMPLETED").done
            return done
        except asyncio.TimeoutError:
            self._check_company()
            return set()
        except CancelledError as error:
            raise _lost_scheduler() from error

    def _check_company(self) -> None:
        if self.client.status != "running":
            raise _lost_scheduler()
        alone = not self._workers()
        self.alone_since = (self.alone_since or monotonic()) if alone else None
        if self.alone_since and monotonic() - self.alone_since > LONELY_S:
            raise SpikewattError(
                f"All workers are gone since {LONELY_S:.0f} s; {len(self.done)} of "
                f"{len(self.shards)} parts are done. Look for what ended them (memory?)."
            )

    def _hear(self, event: tuple[float, tuple[int, str, int]]) -> None:
        """What a worker tells, in the client's own thread; only noted here."""
        number, address, steps = event[1]
        self.steps[number] = steps
        if self.holders.setdefault(number, address) != address:
            self.holders[number] = address
            first, last = self.shards[number].start, self.shards[number].stop - 1
            _log.info("A worker was lost; samples %d to %d begin again.", first, last)

    def _tell(self, progress: Progress) -> None:
        """Progress as if all ran in one process."""
        steps = {number: self.shards[number].steps(self.request) for number in self.done}
        total = self.request.schedule.total_steps
        progress(min(total, sum((dict(self.steps) | steps).values())), total)


def _result(future: Future[Any]) -> Execution:
    try:
        found: Execution = future.result()
    except KilledWorker as error:
        raise SpikewattError(
            "The same samples ended several workers, one after the other; their machines may be "
            "out of memory. Use fewer workers a machine, or shorter clips."
        ) from error
    except CancelledError as error:
        raise _lost_scheduler() from error
    return found


def _bare(network: Network) -> Network:
    """Without what no engine reads."""
    return replace(network, encoder=None, training={}, layer_types={}, names={})


def _lost_scheduler() -> SpikewattError:
    return SpikewattError(
        "The connection to the scheduler is lost, and with it what was not done yet. See whether "
        "it still runs, and start again."
    )
