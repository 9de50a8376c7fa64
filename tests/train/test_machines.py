"""Runs shared by two processes: alike on both, resumed exactly, one device's steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import small_networks as small
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.loop import Training
from spikewatt.train.machines import launched

HERE = Path(__file__).parent
RUN = """
import os, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
import small_networks as small
from spikewatt.train.loop import Training

folder, stop, changes = Path(sys.argv[2]), int(sys.argv[3]), eval(sys.argv[4])

def progress(done, total):
    if done == stop:
        os._exit(3)

training = Training(small.job(sys.argv[5], folder, True, **changes), progress)
training.run()
rank = training.fabric.global_rank
averaged = {f"averaged {n}": w for n, w in training.learner.average.weights.items()}
tensors = {**training.state.net.state_dict(), **averaged}
torch.save(tensors, folder.parent / f"{folder.name}-{rank}.pt")
"""
NEVER = 0


def run_in_two(folder: Path, name: str, stop: int, **changes) -> int:
    """Exit code of a run in two processes; the first of them ends after batch number `stop`."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    script = folder.parent / "run.py"
    script.write_text(RUN)
    command = [*launcher, "--standalone", script, HERE, folder, stop, repr(changes), name]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([str(c) for c in command], env=environment, timeout=500).returncode


def tensors_of(folder: Path, rank: int) -> dict[str, torch.Tensor]:
    return torch.load(folder.parent / f"{folder.name}-{rank}.pt", weights_only=True)


def assert_equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert set(a) == set(b)
    assert all(torch.equal(w, b[name]) for name, w in a.items())


@pytest.mark.slow
def test_two_processes_agree_and_resume(tmp_path: Path) -> None:
    changes = {"epochs": 2, "finetune_epochs": 1, "ema": 0.5, "batch_size": 5}  # of 16: one is left
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert run_in_two(whole, "signal-sgn-core", NEVER, **changes) == 0
    assert_equal(tensors_of(whole, 0), tensors_of(whole, 1))
    assert run_in_two(cut, "signal-sgn-core", 6, **changes) != 0
    assert ckpt.load(cut / "last.ckpt").epoch == 1
    assert run_in_two(cut, "signal-sgn-core", NEVER, **changes) == 0
    assert_equal(tensors_of(cut, 1), tensors_of(whole, 0))
    assert ckpt.load(cut / "last.ckpt").record == ckpt.load(whole / "last.ckpt").record
    assert [p.name for p in whole.iterdir()] == ["last.ckpt"]


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    changes = {"epochs": 0, "finetune_epochs": 1, "ema": 0.5, "batch_size": 5}
    assert run_in_two(tmp_path / "two", "signal-sgn-core", NEVER, **changes) == 0
    job = small.job("signal-sgn-core", tmp_path / "one", **changes)
    one = ckpt.load(Training(job, lambda done, total: None).run())
    two = ckpt.load(tmp_path / "two" / "last.ckpt")
    for name, w in one.averaged.items():
        torch.testing.assert_close(two.averaged[name], w, rtol=1e-4, atol=1e-6)


def test_launchers_say_how_many_processes_there_are() -> None:
    assert launched({}) == (1, 1)
    assert launched({"LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "1"}) == (1, 1)
    assert launched({"LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}) == (4, 2)
    assert launched({"SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_NUM_NODES": "3"}) == (2, 3)
    assert launched({"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NUM_NODES": "1"}) == (2, 1)
    assert launched({"SLURM_NTASKS": "4"}) == (1, 1)  # a batch script, whose steps are to come
    for uneven in (
        {"LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "5"},
        {"SLURM_STEP_NUM_TASKS": "5", "SLURM_STEP_NUM_NODES": "2"},
    ):
        with pytest.raises(SpikewattError, match="as many on every machine"):
            launched(uneven)
