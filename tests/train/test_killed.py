"""A run that is killed with SIGKILL at any moment goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from spikewatt.train import checkpoint as ckpt

HERE = Path(__file__).parent
RUN = """
import sys, torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
import small_networks as small
from spikewatt.train.loop import Training
changes = {"epochs": 30, "finetune_epochs": 30, "ema": 0.9}
job = small.job("signal-sgn-core", __import__("pathlib").Path(sys.argv[2]), True, **changes)
training = Training(job, lambda done, total: None)
print("ready", flush=True)
training.run()
"""


def start(folder: Path) -> subprocess.Popen:
    """A training process that has got as far as its first epoch."""
    command = [sys.executable, "-c", RUN, str(HERE), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen) -> float:
    """Seconds from the first epoch to the end."""
    began = time.monotonic()
    assert process.wait(timeout=300) == 0
    return time.monotonic() - began


@pytest.mark.slow
def test_killed_twice_and_resumed(tmp_path: Path) -> None:
    whole_s = finish(start(tmp_path / "whole"))
    rng = np.random.default_rng()  # another moment each time
    moments = rng.uniform(0.05, 0.5, 2) * whole_s
    for moment in moments:
        process = start(tmp_path / "cut")
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL, f"ended before {moments} s"
        if (tmp_path / "cut" / "last.ckpt").exists():
            ckpt.load(tmp_path / "cut" / "last.ckpt")  # whole, whatever the moment
    finish(start(tmp_path / "cut"))
    whole, cut = (ckpt.load(tmp_path / d / "last.ckpt") for d in ("whole", "cut"))
    assert cut.record == whole.record, f"killed after {moments} s"
    for part in ("weights", "float_weights", "averaged"):
        first, second = getattr(whole, part), getattr(cut, part)
        assert all(torch.equal(first[name], second[name]) for name in first), f"{part}, {moments}"
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["last.ckpt"]  # no leftovers


def test_leftovers_are_cleared(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    left, other = tmp_path / ".last.ckpt.123.part", tmp_path / ".other.ckpt.123.part"
    for file in (path, left, other):
        file.write_bytes(b"x")
    ckpt.clear_leftovers(path)
    assert sorted(tmp_path.iterdir()) == sorted((path, other))
