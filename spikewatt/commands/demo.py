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
from spikewatt.lava_door import why_no_lava
from spikewatt.lava_runtime.engine import Progress
from spikewatt.report.record import save

LAVA_CLIPS = 8
LEFT_OUT = (
    f"the run of {LAVA_CLIPS} clips in Lava and the comparison with SLAYER's forward pass. "
    "Python 3.10 does both."
)
CONFIG = Path(__file__).with_name("demo.toml")
NETWORK, REFERENCE = "network.net", "reference.npz"
NATIVE, LAVA, PAGE = "run.json", "run-lava.json", "comparison.html"


def run_demo(out: Path, seed: int, progress: Progress, file: TextIO) -> None:
    """Train, export, run natively and in Lava, verify, compare; leaves its files in `out`.

    Where Lava cannot be used, what needs it is left out, in so many words.
    """
    out.mkdir(parents=True, exist_ok=True)
    missing = why_no_lava()
    _train(out, seed, progress, file)
    job = RunJob(out / NETWORK, data="synthetic", seed=seed, command="spikewatt demo")
    verified = replace(job, verify=None if missing else str(out / REFERENCE))
    _execute_natively(verified, out, progress, file)
    if missing is None:
        _execute_in_lava(job, out, progress, file)
    else:
        file.write(f"4. Left out, because {missing}: {LEFT_OUT}\n")
    file.write("5. What it would cost:\n\n")
    run_compare((out / NATIVE,), tuple(names()), {"html": out / PAGE}, file)
    left = ", ".join((NETWORK, *(() if missing else (REFERENCE, LAVA)), NATIVE, PAGE))
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
    reference = None if why_no_lava() else out / REFERENCE
    network, _ = run_export(run_training(job, progress), out / NETWORK, reference)
    file.write(
        f"2. Trained signal-sgn-core: {network.training['float_accuracy']:.1%} as a float "
        f"network, {network.training['quantised_accuracy']:.1%} quantised. Exported "
        f"{sum(p.size for p in network.populations)} LIF neurons.\n"
    )
    file.flush()


def _execute_natively(job: RunJob, out: Path, progress: Progress, file: TextIO) -> None:
    """All test clips; the sample clips of the export are compared with SLAYER if the job asks."""
    native, same = run_network(job, progress), ""
    if job.verify is not None:
        _require_equal(native)
        same = (
            " On the sample clips of the export, spikes and read-outs equal SLAYER's quantised "
            "forward pass."
        )
    file.write(
        f"3. Executed all {native.record.samples} test clips with the native engine: accuracy "
        f"{native.record.accuracy:.1%}.{same}\n"
    )
    file.flush()
    save(native.record, out / NATIVE)


def _execute_in_lava(job: RunJob, out: Path, progress: Progress, file: TextIO) -> None:
    """Some test clips in Lava, compared with native."""
    lava = run_network(replace(job, backend="lava", limit=LAVA_CLIPS, verify="native"), progress)
    _require_equal(lava)
    file.write(
        f"4. Executed {LAVA_CLIPS} of them in Lava, {lava.record.wall_s:.1f} s of stepping: "
        "spikes, read-outs and counts equal the native engine's.\n"
    )
    save(lava.record, out / LAVA)


def _require_equal(result: RunResult) -> None:
    if result.agreement is None or not result.agreement.equal:
        raise SpikewattError(f"The {result.record.backend} engine disagrees. {result.agreement}")
