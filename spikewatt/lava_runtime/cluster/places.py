"""Where workers are: processes of this machine, those of a scheduler, or SLURM's jobs."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import CRITICAL
from typing import TYPE_CHECKING, Any

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.cluster.slurm import jobs

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 10
WORKERS_S = 60  # for the first worker of a scheduler
EXTRA = "pip install spikewatt[cluster]"


@dataclass(frozen=True)
class Workers:
    """number: processes here, or SLURM's jobs; scheduler: address of one that has its workers."""

    number: int = 1
    scheduler: str | None = None
    slurm: bool = False

    @property
    def threads(self) -> int:
        """Of the native engine in each: here they share the cores, elsewhere Dask's threads do."""
        if self.scheduler or self.slurm:
            return 1
        return max(1, len(os.sched_getaffinity(0)) // self.number)


@contextmanager
def connected(workers: Workers) -> Iterator[Client]:
    """A client of the workers; processes and jobs that are started for it end with it.

    Raises SpikewattError without Dask, without SLURM, and where no worker can be reached.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise SpikewattError(
            f"Sharing samples among workers needs dask.distributed, which is not installed: "
            f"{EXTRA}. Without workers, the native engine uses all cores of this machine."
        ) from error
    if workers.scheduler:
        place = _remote(workers.scheduler)
    else:
        place = jobs(workers.number) if workers.slurm else _local(workers.number)
    with place as client:
        yield client


@contextmanager
def _local(number: int) -> Iterator[Client]:
    """Processes of this machine; they never hear Ctrl-C, so that only this process decides."""
    import dask
    from distributed import Client, LocalCluster

    with tempfile.TemporaryDirectory(prefix="spikewatt-dask-") as folder:
        options: dict[str, Any] = {
            "n_workers": number,
            "threads_per_worker": 1,
            "memory_limit": 0,  # Dask would end a worker for its size
            "dashboard_address": None,
            "silence_logs": CRITICAL,
        }
        with (
            dask.config.set({"temporary-directory": folder}),
            _loop() as loop,
            LocalCluster(loop=loop, **options) as cluster,
            Client(cluster) as client,
        ):
            yield client


@contextmanager
def _loop() -> Iterator[Any]:
    """Dask's event loop in a thread that blocks SIGINT, as do all processes begun from it."""
    from distributed.utils import LoopRunner

    runner = LoopRunner(asynchronous=False)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        runner.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield runner.loop
    finally:
        runner.stop()


@contextmanager
def _remote(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, asyncio.TimeoutError, ValueError) as error:
        raise SpikewattError(
            f"The scheduler {address} cannot be reached: {error}. Start one with `dask scheduler` "
            "and workers with `dask worker ADDRESS`, and give its address, tcp://HOST:PORT."
        ) from error
    with client:
        _await_worker(client, f"The scheduler {address}", WORKERS_S)
        yield client


def _await_worker(client: Client, whose: str, patience_s: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience_s)
    except asyncio.TimeoutError as error:
        raise SpikewattError(
            f"{whose} has no worker after {patience_s:.0f} s. Start some: `dask worker ADDRESS`."
        ) from error
