"""One request from plan to results: its periods on one or more threads."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from time import perf_counter

from spikewatt.lava_runtime.deciding import decided
from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress
from spikewatt.lava_runtime.native.clock import Clock
from spikewatt.lava_runtime.native.ledger import Ledger
from spikewatt.lava_runtime.native.program import Program, build
from spikewatt.lava_runtime.native.worker import Worker

TURN_S = 1e-5


def _run_alone(program: Program, worker: Worker, progress: Progress) -> None:
    total, done = program.clock.schedule.total_steps, 0

    def tick(steps: int) -> None:
        nonlocal done
        done = min(total, done + steps)
        progress(done, total)

    for periods in program.batches():
        worker.run(periods, tick)


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Threads that come out of a kernel get the interpreter at once.

    Python lets whoever has it go on for 5 ms, which is longer than a batch of a small network.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads that run already, since stepping is timed without their start."""
    with ThreadPoolExecutor(max(1, count)) as pool:
        there = Barrier(count + 1)
        try:
            for _ in range(count):
                pool.submit(there.wait)
            there.wait()
        except BaseException:
            there.abort()  # else those that are there would wait on
            raise
        yield pool


def _run_threads(
    program: Program, workers: list[Worker], pool: ThreadPoolExecutor, progress: Progress
) -> None:
    """Batches, the longest first, on this thread and one of the pool for each further worker.

    The kernels release the interpreter's lock. Only this thread tells the progress.
    """
    left = deque(sorted(program.batches(), key=len, reverse=True))
    total, count = program.clock.schedule.total_steps, len(left)

    def work(worker: Worker, tell: Progress) -> None:
        while True:
            try:
                periods = left.popleft()
            except IndexError:  # another took the last
                return
            worker.run(periods, lambda steps: None)
            tell(total * (count - len(left)) // (count + 1), total)

    try:
        others = [pool.submit(work, worker, no_progress) for worker in workers[1:]]
        work(workers[0], progress)
        for other in others:
            other.result()
    finally:
        left.clear()
    progress(total, total)


def execute(
    request: Request, workers: int | None, chunk_cells: int, progress: Progress
) -> Execution:
    """Execute a checked request; SpikewattError where the network cannot be executed here."""
    begun = perf_counter()
    clock = Clock(request.network, request.schedule)
    threads = min(workers or len(os.sched_getaffinity(0)), len(clock.periods()))
    program = build(request.network, clock, chunk_cells, threads)
    ledger = Ledger(request)
    made = [Worker(program, ledger) for _ in range(threads)]
    with _threads(threads - 1) as pool:
        built = perf_counter()
        if threads == 1:
            _run_alone(program, made[0], progress)
        else:
            with _quick_turns():
                _run_threads(program, made, pool, progress)
        readout, counts = ledger.readout_sums(), ledger.counts()
        wall_s = perf_counter() - built
    execution = Execution(
        engine="native",
        spikes=ledger.shaped(ledger.spikes),
        u=ledger.shaped(ledger.u),
        v=ledger.shaped(ledger.v),
        readout=readout,
        counts=counts,
        build_s=built - begun,
        wall_s=wall_s,
        details={"threads": float(threads)},
    )
    return decided(request, execution, ledger.read_by_host)
