"""Peak memory of one run, in a process of its own: `python peak_memory.py RUN JSON` prints MB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import workloads
from measuring import Measure


def peak_mb() -> float:
    """The largest resident memory that this process has had since it started.

    Not `ru_maxrss`: a child's begins with that of the process that spawned it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kib) * 1024 / 1e6


def native(shape: workloads.Synthetic) -> float:
    """Our compiled engine."""
    from spikewatt.lava_runtime.engines import engine

    engine("native").run(shape.request())
    return peak_mb()


def torch(shape: workloads.Synthetic) -> float:
    """The dense pass."""
    from spikewatt.commands.bench.dense_torch import DenseTorch

    DenseTorch(shape.request()).run()
    return peak_mb()


def lava(shape: workloads.Synthetic) -> float:
    """Our Lava engine: all its processes, shared pages shared out."""
    from spikewatt.lava_runtime.engines import engine

    return engine("lava").run(shape.request()).details["memory_mb"]


RUNS: dict[str, Callable[[workloads.Synthetic], float]] = {
    "native": native,
    "dense torch": torch,
    "our Lava engine": lava,
}


def measure(name: str, shape: workloads.Synthetic) -> Measure:
    """A run in a process of its own."""

    def run() -> float:
        command = [sys.executable, str(Path(__file__)), name, json.dumps(asdict(shape))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr[-500:])
        return float(done.stdout)

    return run


if __name__ == "__main__":
    print(RUNS[sys.argv[1]](workloads.Synthetic(**json.loads(sys.argv[2]))))
