"""The process that imports Lava: `python -m spikewatt.lava_runtime.lava.child FOLDER PID`.

It reads the request from the folder, builds, runs, and leaves the results there. PID is the
engine's process. Standard input is a pipe whose end says that the engine wants it to stop.
`lava_runtime/loihi2/child.py` is another such process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from spikewatt.lava_runtime.lava.guard import Guard, die_with_parent, keep_together
from spikewatt.lava_runtime.lava.workplace import Workplace, session_members

Execute: TypeAlias = Callable[[Workplace, Guard], None]


def memory_mb(processes: list[int]) -> float:
    """Memory of processes; what several share is counted once."""
    total_kb = 0
    for pid in processes:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1024


def execute(place: Workplace, guard: Guard) -> None:
    """Build and run; the summary tells that all went well."""
    begin = time.perf_counter()
    from spikewatt.lava_runtime.lava.build import LavaNetwork

    request, table = place.read_request()
    network = LavaNetwork(request, table, place)
    guard.workers = network.start()
    built = time.perf_counter()
    network.run()
    ended = time.perf_counter()
    processes = session_members(os.getpid())
    place.write_summary(
        {
            "build_s": built - begin,
            "wall_s": ended - built,
            "processes": len(processes),
            "memory_mb": memory_mb(processes),
        }
    )


def serve(execute: Execute) -> None:
    """Run to the end, whatever it is, and leave no process behind."""
    place = Workplace(Path(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine decides; Lava would hang
    guard = Guard(place, engine=int(sys.argv[2]))
    guard.start()
    die_with_parent()
    keep_together(place.segment_prefix)
    status = 1
    try:
        execute(place, guard)
        status = 0
    except BaseException:
        place.fail(traceback.format_exc())
    guard.end(status)


if __name__ == "__main__":
    serve(execute)
