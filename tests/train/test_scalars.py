"""Scalars for TensorBoard: one point an epoch, resumed or not, or one clear line."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import pytest
import small_networks as small
import torch

from spikewatt.train import checkpoint as ckpt
from spikewatt.train.loop import Training
from spikewatt.train.recipe import Events

THERE = importlib.util.find_spec("tensorboard") is not None
PRICE = Events(weight=0.1, start_epoch=1)
ON = {"tensorboard": True, "ema": 0.5, "epochs": 2, "finetune_epochs": 1, "events": PRICE}
NAME = "signal-sgn-core"


class Killed(Exception):
    """What ends a run in the middle."""


def silent(done: int, total: int) -> None:
    pass


def kill_in_second_epoch(done: int, total: int) -> None:
    if done > total // 3:
        raise Killed


def run_cut(folder: Path) -> Path:
    with pytest.raises(Killed):
        Training(small.job(NAME, folder, **ON), kill_in_second_epoch).run()
    return Training(small.job(NAME, folder, resume=True, **ON), silent).run()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_watching_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths = [
        Training(small.job(NAME, tmp_path / "off", **{**ON, "tensorboard": False}), silent).run(),
        Training(small.job(NAME, tmp_path / "on", **ON), silent).run(),
        run_cut(tmp_path / "cut"),
    ]
    first, *others = (ckpt.load(p) for p in paths)
    for other in others:
        assert all(torch.equal(w, other.weights[n]) for n, w in first.weights.items())
        assert other.record["quantised_accuracy"] == first.record["quantised_accuracy"]
    told = [r for r in caplog.messages if "TensorBoard is unavailable" in r]
    assert len(told) == (0 if THERE else 3)  # one for each run
    assert (tmp_path / "on" / "tensorboard").is_dir() == THERE


def test_the_flag_may_change_on_resume(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        Training(small.job(NAME, tmp_path, **ON), kill_in_second_epoch).run()
    off = {**ON, "tensorboard": False}
    Training(small.job(NAME, tmp_path, resume=True, **off), silent).run()


@pytest.mark.skipif(not THERE, reason="tensorboard is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("run", [run_cut, None], ids=["resumed", "whole"])
def test_a_point_an_epoch(run, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    path = run(tmp_path) if run else Training(small.job(NAME, tmp_path, **ON), silent).run()
    found = EventAccumulator(str(path.parent / "tensorboard")).Reload()
    wanted = {"train/loss/total", "train/lr", "test/accuracy"}
    assert wanted <= set(found.Tags()["scalars"])
    for tag in wanted:
        assert [event.step for event in found.Scalars(tag)] == [1, 2, 3]
    for tag in ("train/loss/events", "train/synaptic_events"):
        assert [event.step for event in found.Scalars(tag)] == [2, 3]
    record = ckpt.load(path).record
    for kind in ("float", "quantised"):
        (event,) = found.Scalars(f"test/{kind}_accuracy")
        assert event.value == pytest.approx(record[f"{kind}_accuracy"])
    assert found.Scalars("test/accuracy")[-1].value == pytest.approx(record["quantised_accuracy"])
