"""A run that is killed with SIGKILL at any moment goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_networks as small
import torch

from spikewatt.train import checkpoint as ckpt
from spikewatt.train.loop import Training
from spikewatt.train.recipe import Distill, Events

HERE = Path(__file__).parent
RUN = """
import sys, torch
from pathlib import Path
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
import small_networks as small
from spikewatt.train.loop import Training
from spikewatt.train.recipe import Distill, Events
job = small.job(sys.argv[3], Path(sys.argv[2]), True, **eval(sys.argv[4]))
training = Training(job, lambda done, total: None)
print("ready", flush=True)
training.run()
"""
KILLS = 4
AVERAGED = {"epochs": 30, "finetune_epochs": 30, "ema": 0.9}
PRICED = {"epochs": 5, "finetune_epochs": 25, "ema": 0.9, "events": Events(weight=0.1)}
TAUGHT = {"epochs": 10, "finetune_epochs": 3, "ema": 0.9}


def start(folder: Path, name: str, changes: dict[str, Any]) -> subprocess.Popen:
    """A training process that has got as far as its first epoch."""
    command = [sys.executable, "-c", RUN, str(HERE), str(folder), name, repr(changes)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen) -> float:
    """Seconds from the first epoch to the end."""
    began = time.monotonic()
    assert process.wait(timeout=300) == 0
    return time.monotonic() - began


def kill_at(process: subprocess.Popen, moment_s: float, path: Path) -> bool:
    """Whether it was still running; its checkpoint is whole, whatever the moment."""
    time.sleep(moment_s)
    os.kill(process.pid, signal.SIGKILL)
    killed = process.wait(timeout=30) == -signal.SIGKILL
    if path.exists():
        ckpt.load(path)
    return killed


def taught(folder: Path) -> dict[str, Any]:
    """A student's recipe, with a teacher that is trained first."""
    job = small.job("ctr-gcn", folder / "teacher", modalities=("joint",), epochs=1)
    teacher = str(Training(job, lambda done, total: None).run())
    distill = Distill(
        teachers=(teacher,),
        teacher_weights=(1.0,),
        student_blocks=(2, 3),
        teacher_blocks=(4, 5),
        inner_share=0.0,
    )
    return {**TAUGHT, "distill": distill}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes"),
    [("signal-sgn-core", AVERAGED), ("signal-sgn-core", PRICED), ("mk-sgn", None)],
    ids=["averaged", "priced", "taught"],
)
def test_killed_at_any_moment_and_resumed(
    name: str, changes: dict[str, Any] | None, tmp_path: Path
) -> None:
    changes = taught(tmp_path) if changes is None else changes
    whole_s = finish(start(tmp_path / "whole", name, changes))
    path = tmp_path / "cut" / "last.ckpt"
    rng = np.random.default_rng()  # other moments each time
    moments = rng.uniform(0.02, 0.4, KILLS) * whole_s
    killed = [kill_at(start(tmp_path / "cut", name, changes), m, path) for m in moments]
    assert any(killed)
    finish(start(tmp_path / "cut", name, changes))
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
