"""One request from plan to results: its periods on one or more threads."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter

import numpy as np

from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress
from spikewatt.lava_runtime.native.clock import Clock
from spikewatt.lava_runtime.native.kernels import update_lif
from spikewatt.lava_runtime.native.ledger import Ledger
from spikewatt.lava_runtime.native.program import Program, build
from spikewatt.lava_runtime.native.worker import Worker
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Sparse,
    Synapses,
)

log = logging.getLogger("spikewatt")


def _run_alone(program: Program, ledger: Ledger, progress: Progress) -> None:
    total, done = ledger.request.schedule.total_steps, 0

    def tick(steps: int) -> None:
        nonlocal done
        done = min(total, done + steps)
        progress(done, total)

    worker = Worker(program, ledger)
    for period in program.clock.periods():
        worker.run(period, tick)


def _run_threads(program: Program, ledger: Ledger, progress: Progress, workers: int) -> None:
    """Periods on several threads; the kernels release the interpreter's lock."""
    free: SimpleQueue[Worker] = SimpleQueue()
    for _ in range(workers):
        free.put(Worker(program, ledger))

    def run(period: int) -> None:
        worker = free.get()
        try:
            worker.run(period, lambda steps: None)
        finally:
            free.put(worker)

    periods, total = program.clock.periods(), ledger.request.schedule.total_steps
    pool = ThreadPoolExecutor(workers)
    try:
        for done, _ in enumerate(pool.map(run, periods), start=1):
            progress(total * done // len(periods), total)
    finally:
        pool.shutdown(cancel_futures=True)


def execute(
    request: Request, workers: int | None, chunk_cells: int, progress: Progress
) -> Execution:
    """Execute a checked request; SpikewattError where the network cannot be executed here."""
    begun = perf_counter()
    stimulus = np.require(request.stimulus, np.int32, ["C", "W"])  # what the kernels compiled for
    request = replace(request, stimulus=stimulus)
    program = build(request.network, Clock(request.network, request.schedule), chunk_cells)
    ledger = Ledger(request)
    threads = min(workers or len(os.sched_getaffinity(0)), len(program.clock.periods()))
    built = perf_counter()
    if threads == 1:
        _run_alone(program, ledger, progress)
    else:
        _run_threads(program, ledger, progress, threads)
    return Execution(
        engine="native",
        spikes=ledger.shaped(ledger.spikes),
        u=ledger.shaped(ledger.u),
        v=ledger.shaped(ledger.v),
        readout=ledger.readout_sums(),
        counts=ledger.counts(),
        build_s=built - begun,
        wall_s=perf_counter() - built,
        details={"threads": float(threads)},
    )


def _tiny() -> Request:
    """A request that touches every kernel."""
    one, two = np.ones((1, 1), np.int32), np.ones((2, 1), np.int32)
    index = np.zeros(1, np.int32)
    synapses: dict[int, Synapses] = {
        1: Conv(one.reshape(1, 1, 1, 1)),
        2: Dense(two, delay=np.array([[0], [1]], np.int32)),
        3: Sparse(index, index, one[0], shape=(1, 2), dense_macs=2),
    }
    shapes = {1: (1, 1, 1), 2: (2,), 3: (1,)}
    network = Network(
        input=Input(0, (1, 1, 1)),
        populations=tuple(Population(i, s, CubaLif(4096, 0, 1)) for i, s in shapes.items()),
        projections=tuple(Projection(i - 1, i, s) for i, s in synapses.items()),
    )
    stimulus = np.ones((1, 1, 1, 1, 2), np.int32)
    return Request(network, stimulus, stream(2), record=(1, 2, 3), record_state=True)


@cache
def warm_up() -> None:
    """Load the kernels once per process; the first time on a machine compiles them."""
    if not any(Path(str(update_lif.stats.cache_path)).glob("kernels.update_lif-*.nbi")):
        log.info("Compiling the native engine; this takes some seconds, once.")
    begun = perf_counter()
    execute(_tiny(), 1, 1, no_progress)
    if update_lif.stats.cache_misses:
        log.info("Compiled the native engine in %.1f s.", perf_counter() - begun)
