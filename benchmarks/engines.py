"""Ratio of the engines' stepping time on lava-dl's ntidigits, in one run.

    uv run python benchmarks/engines.py [STEPS]

Every engine executes the same request in turn, three times; medians are compared. Counting is on.
"""

from __future__ import annotations

import statistics
import sys
import sysconfig
from pathlib import Path

import numpy as np

import spikewatt
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.schedule import stream

REPEATS = 3
FOLDER = Path(sysconfig.get_paths()["purelib"]) / "tests/lava/lib/dl/netx/gts/ntidigits"


def main() -> None:
    """Print milliseconds a step of each engine, and their ratio."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    network = spikewatt.load(FOLDER / "ntidigits.net", layers=5)
    stimulus = np.load(FOLDER / "input.npy").astype(np.int32)[:, :steps]
    stimulus = stimulus.reshape(1, *network.input.shape, steps)
    request = Request(network, stimulus, stream(steps))
    seconds: dict[str, list[float]] = {"native": [], "lava": []}
    for _ in range(REPEATS):
        for name, runs in seconds.items():
            runs.append(engine(name).run(request).wall_s)
    medians = {name: statistics.median(runs) for name, runs in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {1000 * median / steps:.4f} ms a step")
    print(f"lava / native: {medians['lava'] / medians['native']:.0f}")


if __name__ == "__main__":
    main()
