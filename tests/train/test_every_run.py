"""Every network through the loop: two epochs at once, and the same in two runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch

from spikewatt.commands.training import run_export
from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.lava_runtime.agreement import compare, load_reference
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.batches import plain_batches
from spikewatt.train.job import Job
from spikewatt.train.loop import Training, restore
from spikewatt.train.models import MODELS

FAST = ("mk-sgn", "svformer-3stg", "sdt", "ctr-gcn")
NAMES = [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in sorted(MODELS)]


class Killed(Exception):
    """What ends a run in the middle."""


def silent(done: int, total: int) -> None:
    pass


def kill_in_second_half(done: int, total: int) -> None:
    if done > total // 2:
        raise Killed


def assert_same(a: ckpt.Checkpoint, b: ckpt.Checkpoint) -> None:
    assert a.record == b.record
    for part in ("weights", "float_weights", "averaged"):
        first, second = (getattr(c, part) for c in (a, b))
        assert (first is None) == (second is None)
        for name in first or ():
            assert torch.equal(first[name], second[name]), f"{part} {name}"


def run_twice(job: Job) -> tuple[ckpt.Checkpoint, ckpt.Checkpoint]:
    """A run that is left alone, and one that is killed in its second half and resumed."""
    whole = ckpt.load(Training(replace(job, out=job.out / "whole"), silent).run())
    cut = replace(job, out=job.out / "cut")
    with pytest.raises(Killed):
        Training(cut, kill_in_second_half).run()
    assert 0 < ckpt.load(cut.out / "last.ckpt").epoch < whole.epoch
    return whole, ckpt.load(Training(replace(cut, resume=True), silent).run())


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_is_the_whole_run(name: str, tmp_path: Path) -> None:
    whole, resumed = run_twice(small.job(name, tmp_path))
    assert whole.epoch == 2
    assert_same(whole, resumed)
    path = tmp_path / "whole" / "last.ckpt"
    if MODELS[name].deploys and "float_only" not in whole.record:
        assert 0 <= whole.record["quantised_accuracy"] <= 1
        assert set(whole.weights) == set(restore(path)[0].state_dict())
        return
    assert "quantised_accuracy" not in whole.record
    with pytest.raises(SpikewattError, match=f"holds {name}, which has no integer form"):
        restore(path)


def test_resume_is_exact_with_averaged_weights(tmp_path: Path) -> None:
    changes = {"ema": 0.9, "epochs": 2, "finetune_epochs": 2}
    whole, resumed = run_twice(small.job("signal-sgn-core", tmp_path, **changes))
    assert_same(whole, resumed)
    restored = restore(tmp_path / "whole" / "last.ckpt")[0].state_dict()
    assert all(torch.equal(restored[name], w) for name, w in whole.averaged.items())


def test_a_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    path = Training(small.job("ctr-gcn", tmp_path, ema=0.9), silent).run()
    before = ckpt.load(path)
    Training(small.job("ctr-gcn", tmp_path, resume=True, ema=0.9), silent).run()
    assert_same(before, ckpt.load(path))


def test_options_without_integer_form_are_told_in_front_of_all_epochs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = small.job("signal-sgn", tmp_path)
    job = replace(job, options=replace(job.options, released_compat=True))
    training = Training(job, silent)
    assert "trains as a float network only" in caplog.text
    assert (training.form.deployable, training.float_epochs) == (False, 2)
    path = training.run()
    with pytest.raises(SpikewattError, match=r"no integer form here.*released_compat = false"):
        restore(path)


@pytest.mark.lava
def test_svformer_with_norms_of_steps_is_the_same_in_slayer_native_and_lava(tmp_path: Path) -> None:
    job = small.job("svformer-3stg", tmp_path, epochs=3, batch_size=4)
    assert job.options.time_norm
    job = replace(job, options=replace(job.options, threshold=0.05))  # with 1 little fires so early
    checkpoint = Training(job, silent).run()
    assert "quantised_accuracy" in restore(checkpoint)[1]
    path, reference = tmp_path / "network.net", tmp_path / "slayer.npz"
    run_export(checkpoint, path, reference)
    network, expected = netx.read(path), load_reference(reference)
    assert network.table_steps == job.recipe.frames
    gained = [q for q in network.projections if q.step_gain is not None]
    assert len({q.target for q in gained}) < len(gained)  # shortcuts: several gains at a layer
    x = expected.input[:2]
    request = Request(network, x, clips(network, 2, x.shape[-1]), tuple(network.by_layer))
    native = NativeEngine().run(request)
    for layer, spikes in expected.spikes.items():
        np.testing.assert_array_equal(native.spikes[layer], spikes[:2], f"layer {layer}")
    np.testing.assert_array_equal(native.readout, expected.readout[:2])
    agreement = compare(network, native, LavaEngine().run(request), request)
    assert agreement.equal, str(agreement)
    fired = [int(spikes.sum()) for spikes in native.spikes.values()]
    assert min(fired[:-1]) > 100  # the read-out never does


def test_what_the_host_computes_resumes_exactly(tmp_path: Path) -> None:
    job = small.job("signal-sgn", tmp_path, epochs=1, finetune_epochs=2)
    whole, resumed = run_twice(job)
    assert any(name.startswith("host.") for name in whole.weights)
    assert_same(whole, resumed)
    assert torch.equal(whole.sample, resumed.sample)
    assert whole.record["encoder"] != Training(job, silent).encoder.to_dict()
    restore(tmp_path / "whole" / "last.ckpt")


FOUR = ("joint", "bone", "joint_motion", "bone_motion")


def test_fusion_weights_are_those_of_the_training_clips(tmp_path: Path) -> None:
    job = small.job("mk-sgn", tmp_path / "four", modalities=FOUR)
    training = Training(job, silent)
    saved = ckpt.load(training.run())
    frozen = saved.float_weights["fusion.bounds"]
    assert torch.count_nonzero(frozen) == 12  # all pairs of different modalities
    net, clips = training.form.net, training.material.encoder
    torch.manual_seed(job.seed * 1_000_003 + 1)
    net.freeze_fusion(plain_batches(job.dataset.train, clips, job.recipe.batch_size))
    assert torch.equal(net.fusion.bounds, frozen)


@pytest.mark.slow
def test_four_modalities_resume_exactly(tmp_path: Path) -> None:
    assert_same(*run_twice(small.job("mk-sgn", tmp_path, modalities=FOUR)))


def test_fine_tuning_that_does_harm_is_taken_back(tmp_path: Path) -> None:
    changes = {"epochs": 1, "finetune_epochs": 1, "finetune_lr": 3.0, "ema": 0.5}
    training = Training(small.job("signal-sgn-core", tmp_path, **changes), silent)
    found = ckpt.load(training.run())
    assert found.record["tuned"] is False
    assert found.scales == found.record["untuned"]["scales"]
    untuned = training.form.twin(found.scales).state_dict()
    assert all(torch.equal(w, untuned[name]) for name, w in found.deployed.items())
