"""Stepping time of lava-dl as it is shipped, in a process of its own, beside our Lava engine.

    uv run python benchmarks/stock_lava.py ntidigits|pilotnet [STEPS]

prints JSON: milliseconds a step of both, run in turn, their ratio, and whether the outputs are
equal. `stock_ntidigits`, `stock_pilotnet` and `stock_file` give one run to callers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import spikewatt
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.schedule import stream

GTS = Path(sysconfig.get_paths()["purelib"]) / "tests/lava/lib/dl/netx/gts"
SIDE = Path(__file__).with_name("stock_lava_side.py")


@dataclass(frozen=True, eq=False)
class StockRun:
    """What lava-dl did: seconds of building and of stepping, and what its output layer gave.

    spikes: (*shape, T). v: (*shape), its voltage after the last step.
    """

    build_s: float
    wall_s: float
    steps: int
    spikes: np.ndarray
    v: np.ndarray


@dataclass(frozen=True, eq=False)
class Job:
    """A file that lava-dl loads unchanged, and what to run it on.

    stimulus: (*shape, T) integers as `spikewatt run --input` takes them, T >= the steps, or T = 1
    for a value that is held. layers: how many of the file's, or None. reset: steps between
    resets, or None.
    """

    path: Path
    stimulus: np.ndarray
    layers: int | None = None
    reset: int | None = None


def ntidigits() -> Job:
    """64-256-256-242 with axonal delays; up to 3000 steps of spikes."""
    folder = GTS / "ntidigits"
    return Job(folder / "ntidigits.net", np.load(folder / "input.npy"), layers=5)


def pilotnet() -> Job:
    """Five convolutions and four dense layers behind neurons that an image drives."""
    folder = GTS / "pilotnet_lif"
    return Job(folder / "network.net", np.rint(np.load(folder / "image.npy")), reset=17)


def request(job: Job, steps: int) -> Request:
    """The job as our engines take it; the output's spikes and state are recorded."""
    network = spikewatt.load(job.path, layers=job.layers)
    shape = network.input.shape
    values = job.stimulus.reshape(*shape, -1)[..., :steps].astype(np.int32)
    values = np.ascontiguousarray(np.broadcast_to(values, (*shape, steps)))
    return Request(network, values[None], stream(steps, job.reset), (network.output.layer,), True)


def stock(job: Job, steps: int) -> StockRun:
    """Run it in lava-dl; RuntimeError with Lava's words where lava-dl cannot."""
    asked = request(job, steps)
    source = asked.network.input
    options: dict[str, Any] = {"input_message_bits": source.message_bits}
    if job.layers is not None:
        options["num_layers"] = job.layers
    if job.reset is not None:  # 1 where no input layer takes the first place
        first = 0 if source.drives_bias or source.drives_dendrite else 1
        options |= {"reset_interval": job.reset, "reset_offset": first}
    told = {"network": str(Path(job.path).absolute()), "steps": steps, "options": options}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(told))
        np.save(folder / "stimulus.npy", asked.stimulus[0])
        _run_side(folder)
        seconds = json.loads((folder / "result.json").read_text())
        arrays = {key: np.load(folder / f"{key}.npy") for key in ("spikes", "v")}
        return StockRun(**seconds, steps=steps, **arrays)


def _run_side(folder: Path) -> None:
    command = [sys.executable, str(SIDE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / "result.json").exists():
        raise RuntimeError(f"lava-dl failed, status {done.returncode}: {done.stderr[-2000:]}")


def stock_ntidigits(steps: int) -> StockRun:
    """lava-dl on its own N-TIDIGITS network."""
    return stock(ntidigits(), steps)


def stock_pilotnet(steps: int) -> StockRun:
    """lava-dl on its own PilotNet LIF, state cleared every 17 steps."""
    return stock(pilotnet(), steps)


def stock_file(
    path: Path | str, stimulus: np.ndarray, steps: int, reset: int | None = None
) -> StockRun:
    """lava-dl on a file that it loads unchanged; see `Job`. Starts `together`, as lava-dl does."""
    return stock(Job(Path(path), stimulus, reset=reset), steps)


def ours(job: Job, steps: int) -> Execution:
    """Our Lava engine on the same, counting."""
    return engine("lava").run(request(job, steps))


def same(execution: Execution, run: StockRun) -> bool:
    """Whether the outputs are equal: every spike at its step, and the last voltages."""
    (spikes,), (v,) = execution.spikes.values(), execution.v.values()
    spikes_equal = np.array_equal(spikes[0].ravel(), run.spikes.ravel())
    return spikes_equal and np.array_equal(v[0, ..., -1].ravel(), run.v.ravel())


JOBS = {"ntidigits": (ntidigits, 200), "pilotnet": (pilotnet, 24)}


def main() -> None:
    """Print one comparison as JSON."""
    make, steps = JOBS[sys.argv[1]]
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else steps
    theirs, mine = stock(make(), steps), ours(make(), steps)
    print(
        json.dumps(
            {
                "network": sys.argv[1],
                "steps": steps,
                "stock_ms_a_step": 1000 * theirs.wall_s / steps,
                "ours_ms_a_step": 1000 * mine.wall_s / steps,
                "ratio": theirs.wall_s / mine.wall_s,
                "stock_build_s": theirs.build_s,
                "ours_build_s": mine.build_s,
                "spikes": int(np.count_nonzero(theirs.spikes)),
                "voltages": int(np.count_nonzero(theirs.v)),
                "equal": same(mine, theirs),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
