"""What counting costs in our Lava engine: stepping with the counters and without, in turn.

    uv run python benchmarks/lava_counting.py ntidigits|pilotnet [STEPS [REPEATS]]

prints JSON: milliseconds a step of wall time and of all processes' CPU time, the best of all
repeats, since others use the machine too, and what counting adds in percent.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from stock_lava import JOBS, request

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava.engine import ONE_THREAD
from spikewatt.lava_runtime.lava.results import Recorder
from spikewatt.lava_runtime.lava.tally import Tally
from spikewatt.lava_runtime.lava.workplace import Workplace

REPEATS = 9


@contextmanager
def uncounted() -> Iterator[None]:
    """Populations that step and send, and count nothing. Forked processes take it with them."""
    with (
        patch.object(Recorder, "count", lambda *_: None),
        patch.object(Tally, "add", lambda *_: None),
    ):
        yield


def cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def run(asked: Request) -> tuple[float, float]:
    """Wall seconds of stepping, and CPU seconds from the start of the processes to their end."""
    from spikewatt.lava_runtime.lava.build import LavaNetwork

    with tempfile.TemporaryDirectory() as folder:
        place = Workplace(Path(folder))
        place.write_request(asked)
        network = LavaNetwork(*place.read_request(), place)
        network.start()
        begin, used = time.perf_counter(), cpu_s()
        network.run()
        wall = time.perf_counter() - begin
        network.runtime.stop()
        return wall, cpu_s() - used


def main() -> None:
    """Print one comparison as JSON."""
    if not ONE_THREAD.items() <= os.environ.items():  # as the engine's processes have it
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    make, steps = JOBS[sys.argv[1]]
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else steps
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else REPEATS
    asked = replace(request(make(), steps), record=(), record_state=False)
    pairs = []
    for _ in range(repeats):
        with uncounted():
            without = run(asked)
        pairs.append((run(asked), without))
    told: dict[str, object] = {"network": sys.argv[1], "steps": steps, "repeats": repeats}
    for k, name in enumerate(("wall", "cpu")):
        counting, without = (1000 * min(pair[i][k] for pair in pairs) / steps for i in (0, 1))
        told[f"{name}_ms_a_step_counting"] = counting
        told[f"{name}_ms_a_step_without"] = without
        told[f"{name}_added_percent"] = 100 * (counting / without - 1)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
