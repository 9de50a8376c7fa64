"""Training on the embedded data: learning, exact resume, checkpoints, what is exported."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from spikewatt.commands.training import TrainJob, run_export, run_training, settings_of
from spikewatt.data.datasets import load
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import compare, load_reference
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.loop import Job, Training, restore
from spikewatt.train.models import model
from spikewatt.train.models.signal_sgn_core import Options
from spikewatt.train.recipe import Recipe, recipe_from_dict, settings_from_toml

TINY = Recipe(frames=8, epochs=2, finetune_epochs=1, batch_size=64)
SMALL = Options(channels=(8, 8), voltage_decay=(0.5, 0.25))


def job(out: Path, recipe: Recipe = TINY, resume: bool = False) -> Job:
    data = load("synthetic", 0)
    small = dataclasses.replace(data, train=data.train[::4], test=data.test[::4])
    return Job(model("signal-sgn-core"), small, "synthetic", recipe, SMALL, 3, out, "cpu", resume)


def silent(done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Training(job(tmp_path_factory.mktemp("run")), silent).run()


def test_a_run_records_what_it_did(trained: Path) -> None:
    record = ckpt.load(trained).record
    assert record["model"] == "signal-sgn-core"
    assert record["options"]["channels"] in ((8, 8), [8, 8])
    assert 0 <= record["quantised_accuracy"] <= 1
    json.dumps(record)


def test_resume_is_exact(trained: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill_in_second_epoch(done: int, total: int) -> None:
        if done > total // 2:
            raise Killed

    with pytest.raises(Killed):
        Training(job(tmp_path), kill_in_second_epoch).run()
    assert ckpt.load(tmp_path / "last.ckpt").epoch == 1
    resumed = ckpt.load(Training(job(tmp_path, resume=True), silent).run())
    whole = ckpt.load(trained)
    assert resumed.record == whole.record
    for name, tensor in whole.weights.items():
        assert torch.equal(tensor, resumed.weights[name]), name


def test_resume_refuses_another_run(trained: Path) -> None:
    other = dataclasses.replace(TINY, lr=1e-4)
    with pytest.raises(SpikewattError, match="has recipe"):
        Training(job(trained.parent, other, resume=True), silent).run()


@pytest.mark.lava
def test_slayer_and_native_agree_on_the_export(trained: Path, tmp_path: Path) -> None:
    reference = tmp_path / "ref.npz"
    network, _ = run_export(trained, tmp_path / "n.net", reference)
    expected = load_reference(reference)
    samples, steps = len(expected.input), expected.input.shape[-1]
    request = Request(
        network, expected.input, clips(network, samples, steps), tuple(network.by_layer)
    )
    found = NativeEngine().run(request)
    agreement = compare(network, expected, found)
    assert agreement.equal, str(agreement)
    assert set(expected.spikes) < set(network.by_layer)  # the read-out population is read by v
    assert sum(int(s.sum()) for s in expected.spikes.values()) > 0


def test_exported_integers_fill_their_bits(trained: Path, tmp_path: Path) -> None:
    network, _ = run_export(trained, tmp_path / "n.net", None)
    for p in network.projections[1:-1]:
        assert np.abs(p.synapses.weight).max() > 128


def test_a_checkpoint_of_another_model_is_refused(trained: Path, tmp_path: Path) -> None:
    content = torch.load(trained, weights_only=True)
    record = json.loads(content["record"])
    record["options"]["channels"] = [8, 16]
    content["record"] = json.dumps(record)
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(SpikewattError, match="is not of the model"):
        restore(tmp_path / "other.ckpt")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04broken"])
def test_other_files_are_no_checkpoints(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(SpikewattError, match="not a checkpoint"):
        ckpt.load(path)


def test_a_foreign_tensor_file_is_named_as_such(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "x.pt")
    with pytest.raises(SpikewattError, match="from_slayer"):
        ckpt.load(tmp_path / "x.pt")


def test_unquantised_runs_cannot_be_exported(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(done: int, total: int) -> None:
        if done > total // 2:
            raise Killed

    with pytest.raises(Killed):
        Training(job(tmp_path), kill).run()
    with pytest.raises(SpikewattError, match="--resume"):
        restore(tmp_path / "last.ckpt")


def test_recipes_from_files(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        "lr = 1\n[augment]\nyaw = 0.5\n[model]\nchannels = [4]\nvoltage_decay = [0.5]\n"
    )
    recipe, options = settings_from_toml(path, Recipe(), Options())
    assert (recipe.lr, options.channels, recipe.augment.yaw) == (1.0, (4,), 0.5)
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict())), Recipe(), "x") == recipe
    wrong = (
        ("lrr = 1", "unknown lrr"),
        ("lr = 'a'", "expected float"),
        ("=", "TOML"),
        ("model = 3", "table of options"),
        ("[model]\nchannel = 3", "unknown channel"),
    )
    for text, told in wrong:
        path.write_text(text)
        with pytest.raises(SpikewattError, match=told):
            settings_from_toml(path, Recipe(), Options())


def test_epochs_include_fine_tuning() -> None:
    entry = model("signal-sgn-core")
    recipe, _ = settings_of(TrainJob("signal-sgn-core", "synthetic", epochs=6), entry)
    assert (recipe.epochs, recipe.finetune_epochs) == (4, 2)


def test_training_is_decided_by_the_seed(trained: Path, tmp_path: Path) -> None:
    again = ckpt.load(Training(job(tmp_path), silent).run())
    for name, tensor in ckpt.load(trained).weights.items():
        assert torch.equal(tensor, again.weights[name])


def test_unknown_names_are_told() -> None:
    with pytest.raises(SpikewattError, match="signal-sgn-core"):
        run_training(TrainJob("nothing", "synthetic"), silent)


def test_options_of_which_no_network_can_be_made(tmp_path: Path) -> None:
    odd = dataclasses.replace(model("signal-sgn").options, channels=(8, 8))
    entry = dataclasses.replace(job(tmp_path), model=model("signal-sgn"), options=odd)
    with pytest.raises(SpikewattError, match="signal-sgn cannot be built with"):
        Training(entry, silent)
