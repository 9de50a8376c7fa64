"""Dask workers that share samples: equal to one process, whatever becomes of a worker."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster
from native_cases import assert_same
from processes import until

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.cluster import ClusterEngine, Workers
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, Readout

LIF = CubaLif(i_decay=1000, v_decay=300, v_threshold=700)


def request(neurons: int, samples: int, steps: int) -> Request:
    """Three layers, recorded with their states, biases, delays and a read-out."""
    rng = np.random.default_rng(0)

    def dense() -> Dense:
        weight = (2 * rng.integers(-20, 24, (neurons, neurons))).astype(np.int32)
        delay = np.repeat(rng.integers(0, 3, (neurons, 1)), neurons, axis=1).astype(np.int32)
        return Dense(weight, delay)

    bias = rng.integers(0, 9, neurons).astype(np.int32)
    network = Network(
        Input(0, (neurons,)),
        tuple(Population(i, (neurons,), LIF, bias) for i in (1, 2, 3)),
        tuple(Projection(i - 1, i, dense()) for i in (1, 2, 3)),
        readout=Readout("membrane", 4),
    )
    x = (rng.random((samples, neurons, steps)) < 0.1).astype(np.int32)
    return Request(network, x, clips(network, samples, steps), (1, 3), record_state=True)


def workers_here() -> list[psutil.Process]:
    """Dask's processes that this process has started."""
    children = psutil.Process().children(recursive=True)
    return [p for p in children if "spawn_main" in " ".join(p.cmdline())]


class KillOne:
    """Progress that kills a worker once some steps, and not all, are done."""

    def __init__(self) -> None:
        self.killed: int | None = None
        self.seen: list[int] = []

    def __call__(self, done: int, total: int) -> None:
        self.seen.append(done)
        if self.killed is None and 0 < done < total:
            victim = workers_here()[0]
            self.killed = victim.pid
            os.kill(victim.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("native", (400, 24, 200)), pytest.param("lava", (8, 2, 6000), marks=pytest.mark.lava)],
)
def test_a_killed_worker_loses_nothing(name: str, sizes: tuple[int, int, int]) -> None:
    whole = request(*sizes)
    progress = KillOne()
    found = ClusterEngine(name, Workers(2)).run(whole, progress)
    assert progress.killed is not None
    assert not psutil.pid_exists(progress.killed)
    assert progress.seen[-1] == whole.schedule.total_steps
    assert_same(engine("native").run(whole), found)
    assert found.engine == name
    assert until(lambda: not workers_here(), 10)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 2, "memory_limit": 0}
    with LocalCluster(dashboard_address=None, silence_logs=50, **options) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("name", ["native", pytest.param("lava", marks=pytest.mark.lava)])
def test_workers_of_a_scheduler_equal_one_process(scheduler: str, name: str) -> None:
    whole = request(16, 6, 30)
    found = ClusterEngine(name, Workers(scheduler=scheduler)).run(whole)
    assert_same(engine("native").run(whole), found)
    with Client(scheduler) as client:
        assert len(client.scheduler_info()["workers"]) == 2  # they stay


def test_an_error_of_a_worker_is_the_users(scheduler: str) -> None:
    with pytest.raises(SpikewattError, match="Unknown engine 'cray'"):
        ClusterEngine("cray", Workers(scheduler=scheduler)).run(request(4, 2, 3))


def test_a_scheduler_that_is_not_there() -> None:
    with pytest.raises(SpikewattError, match="cannot be reached"):
        ClusterEngine("native", Workers(scheduler="tcp://127.0.0.1:9")).run(request(4, 2, 3))


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts commands on an otherwise empty path."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(name: str, script: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return put


def test_without_slurm_it_says_so(commands: Callable[[str, str], None]) -> None:
    with pytest.raises(SpikewattError, match=r"SLURM is unavailable, because .* sbatch"):
        ClusterEngine("native", Workers(2, slurm=True)).run(request(4, 2, 3))


def test_slurm_needs_to_know_what_a_job_takes(commands: Callable[[str, str], None]) -> None:
    commands("sbatch", "exit 1")
    with pytest.raises(SpikewattError, match=r"cores.*jobqueue\.yaml"):
        ClusterEngine("native", Workers(2, slurm=True)).run(request(4, 2, 3))


def test_jobs_as_slurm_would_start_them(
    commands: Callable[[str, str], None], tmp_path: Path
) -> None:
    """sbatch's interface, on this machine: a job is what its script starts."""
    log = tmp_path / "jobs"
    start = 'cp "$1" "$1.job"; setsid sh "$1.job" >/dev/null 2>&1 &'
    commands("sbatch", f'{start}\necho $! >>{log}\necho "Submitted batch job $!"')
    commands("scancel", f'echo "cancel $1" >>{log}; kill -- -$1')
    job = {"cores": 1, "memory": "1GB", "walltime": "00:10:00"}
    whole = request(8, 4, 10)
    with dask.config.set({f"jobqueue.slurm.{k}": v for k, v in job.items()}):
        found = ClusterEngine("native", Workers(2, slurm=True)).run(whole)
    assert_same(engine("native").run(whole), found)
    lines = log.read_text().splitlines()
    started = [int(x) for x in lines if x.isdigit()]
    assert len(started) == 2
    assert until(lambda: not any(psutil.pid_exists(pid) for pid in started), 20)


def test_a_run_without_workers_imports_no_dask(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom spikewatt.commands import running\n"
        "assert not {'dask', 'distributed', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SpikewattError, match=r"pip install spikewatt\[cluster\]"):
        ClusterEngine("native", Workers(2)).run(request(4, 2, 3))
