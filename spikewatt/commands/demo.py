"""demo: the whole path on generated skeletons, every claim checked on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TextIO

from spikewatt.commands.comparing import run_compare
from spikewatt.commands.running import RunJob, RunResult, run_network
from spikewatt.commands.training import TrainJob, run_export, run_training
from spikewatt.data.baseline import mean_pose_baseline
from spikewatt.data.datasets import load
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import names
from spikewatt.lava_runtime.engine import Progress
from spikewatt.report.record import save

LAVA_CLIPS = 8
CONFIG = Path(__file__).with_name("demo.toml")
NETWORK, REFERENCE = "network.net", "reference.npz"
NATIVE, LAVA, PAGE = "run.json", "run-lava.json", "comparison.html"


def run_demo(out: Path, seed: int, progress: Progress, file: TextIO) -> None:
    """Train, export, run natively and in Lava, verify, compare; leaves its files in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    _train(out, seed, progress, file)
    _execute(out, seed, progress, file)
    file.write("5. What it would cost:\n\n")
    run_compare((out / NATIVE,), tuple(names()), {"html": out / PAGE}, file)
    left = ", ".join((NETWORK, REFERENCE, NATIVE, LAVA, PAGE))
    file.write(f"\nLeft in {out}: {left}. Open {out / PAGE} in a browser.\n")


def _train(out: Path, seed: int, progress: Progress, file: TextIO) -> None:
    dataset = load("synthetic", seed)
    file.write(
        f"1. {len(dataset.train)} training and {len(dataset.test)} test clips of "
        f"{len(dataset.classes)} actions. A linear classifier on the mean pose gets "
        f"{mean_pose_baseline(dataset):.1%} of the test clips.\n"
    )
    file.flush()
    job = TrainJob("signal-sgn-core", "synthetic", out / "train", seed=seed, config=CONFIG)
    network, _ = run_export(run_training(job, progress), out / NETWORK, out / REFERENCE)
    file.write(
        f"2. Trained signal-sgn-core: {network.training['float_accuracy']:.1%} as a float "
        f"network, {network.training['quantised_accuracy']:.1%} quantised. Exported "
        f"{sum(p.size for p in network.populations)} LIF neurons.\n"
    )
    file.flush()


def _execute(out: Path, seed: int, progress: Progress, file: TextIO) -> None:
    """All test clips natively; some in Lava, compared with native and with SLAYER."""
    job = RunJob(out / NETWORK, data="synthetic", seed=seed, command="spikewatt demo")
    native = run_network(replace(job, verify=str(out / REFERENCE)), progress)
    _require_equal(native)
    file.write(
        f"3. Executed all {native.record.samples} test clips with the native engine: accuracy "
        f"{native.record.accuracy:.1%}. On the sample clips of the export, spikes and read-outs "
        "equal SLAYER's quantised forward pass.\n"
    )
    file.flush()
    lava = run_network(replace(job, backend="lava", limit=LAVA_CLIPS, verify="native"), progress)
    _require_equal(lava)
    file.write(
        f"4. Executed {LAVA_CLIPS} of them in Lava, {lava.record.wall_s:.1f} s of stepping: "
        "spikes, read-outs and counts equal the native engine's.\n"
    )
    save(native.record, out / NATIVE)
    save(lava.record, out / LAVA)


def _require_equal(result: RunResult) -> None:
    if result.agreement is None or not result.agreement.equal:
        raise SpikewattError(f"The {result.record.backend} engine disagrees. {result.agreement}")
