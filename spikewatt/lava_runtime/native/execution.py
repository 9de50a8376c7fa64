"""One request from plan to results: its periods on one or more threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from time import perf_counter

from spikewatt.lava_runtime.deciding import decided
from spikewatt.lava_runtime.engine import Execution, Progress, Request
from spikewatt.lava_runtime.native.clock import Clock
from spikewatt.lava_runtime.native.ledger import Ledger
from spikewatt.lava_runtime.native.program import Program, build
from spikewatt.lava_runtime.native.worker import Worker


def _run_alone(program: Program, ledger: Ledger, progress: Progress) -> None:
    total, done = ledger.request.schedule.total_steps, 0

    def tick(steps: int) -> None:
        nonlocal done
        done = min(total, done + steps)
        progress(done, total)

    worker = Worker(program, ledger)
    for periods in program.batches():
        worker.run(periods, tick)


def _run_threads(program: Program, ledger: Ledger, progress: Progress, workers: int) -> None:
    """Periods on several threads; the kernels release the interpreter's lock."""
    free: SimpleQueue[Worker] = SimpleQueue()
    for _ in range(workers):
        free.put(Worker(program, ledger))

    def run(periods: range) -> None:
        worker = free.get()
        try:
            worker.run(periods, lambda steps: None)
        finally:
            free.put(worker)

    batches, total = list(program.batches()), ledger.request.schedule.total_steps
    pool = ThreadPoolExecutor(workers)
    try:
        for done, _ in enumerate(pool.map(run, batches), start=1):
            progress(total * done // len(batches), total)
    finally:
        pool.shutdown(cancel_futures=True)


def execute(
    request: Request, workers: int | None, chunk_cells: int, progress: Progress
) -> Execution:
    """Execute a checked request; SpikewattError where the network cannot be executed here."""
    begun = perf_counter()
    clock = Clock(request.network, request.schedule)
    threads = min(workers or len(os.sched_getaffinity(0)), len(clock.periods()))
    program = build(request.network, clock, chunk_cells, threads)
    ledger = Ledger(request)
    built = perf_counter()
    if threads == 1:
        _run_alone(program, ledger, progress)
    else:
        _run_threads(program, ledger, progress, threads)
    execution = Execution(
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
    return decided(request, execution, ledger.read_by_host)
