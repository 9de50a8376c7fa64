"""Synaptic events while a network trains: those of the engine, and fewer where they cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch

from spikewatt.commands.training import run_export
from spikewatt.data.encode import Encoder
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Network
from spikewatt.train import checkpoint as ckpt
from spikewatt.train.batches import Share
from spikewatt.train.events import watched
from spikewatt.train.job import Job
from spikewatt.train.loop import Training
from spikewatt.train.objective import COUNTED
from spikewatt.train.recipe import Events

PRICED = {"events": Events(weight=0.2), "epochs": 1, "finetune_epochs": 1}
# options that a network needs for its integer form
DEPLOYED = {"signal-sgn": {"waves": False}, "svformer-3stg": {"time_norm": False}}
FAST = ["signal-sgn-core", "sdt"]
SLOW = ["signal-sgn", "signal-sgn-loihi", "mk-sgn", "spikformer", "base-sgn"]
NAMES = [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
TIMED = pytest.param("svformer-3stg", marks=pytest.mark.slow)


def silent(done: int, total: int) -> None:
    pass


def job(name: str, out: Path, **changes) -> Job:
    found = small.job(name, out, **{**PRICED, **changes})
    return replace(found, options=replace(found.options, **DEPLOYED.get(name, {})))


def engine_events(network: Network, stimuli: np.ndarray) -> np.ndarray:
    """Synaptic events of each clip, (N,), counted in an execution."""
    schedule = clips(network, len(stimuli), stimuli.shape[-1])
    counts = NativeEngine().run(Request(network, stimuli, schedule, ())).counts
    return sum(layer.synaptic_events.sum(axis=1) for layer in counts.layers)


def counted(training: Training, encoder: Encoder) -> tuple[torch.Tensor, torch.Tensor]:
    """Events of the first training batch as the loss has them, and the batch."""
    training.learner.begin(training.state.epoch)
    x = next(iter(training.clips.epoch(5, 0, Share()))).clips
    objective = training.learner.objective
    with watched(objective.counter.modules) as seen:
        objective.net(objective.shaped(x))
    return objective.counter.events(x, seen), x


@pytest.mark.parametrize("name", [*NAMES, TIMED])
def test_events_in_fine_tuning_are_the_engines(name: str, tmp_path: Path) -> None:
    training = Training(job(name, tmp_path), silent)
    training.run()
    found, x = counted(training, training.encoder)
    with torch.no_grad():
        places = training.learner.objective.shaped(x)
    bits = {"message_bits": int(training.encoder.limit).bit_length()}
    network = training.state.net.lower(places, bits)
    stimuli = places.permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    expected = engine_events(network, stimuli)
    assert found.tolist() == expected.tolist()
    assert expected.min() > 0
    assert len(set(expected)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_float_spikes_lie_as_the_graphs_populations_do(name: str, tmp_path: Path) -> None:
    training = Training(job(name, tmp_path), silent)
    training.prepare()
    objective = training.learner.objective.eval()
    objective.begin(0)
    counter, x = objective.counter, next(iter(training.clips.epoch(5, 0, Share()))).clips
    with watched(counter.modules) as seen, torch.no_grad():
        objective.net(objective.shaped(x))
    spikes = counter.spikes(x, seen)
    given = {**spikes, 0: counter.places(x)}
    for p in counter.graph.populations:
        arriving = [e.map.apply(e.map.weight, *(given[s] for s in e.sources)) for e in p.edges]
        current = sum(arriving) + p.bias[None, ..., None]
        if p.exact:
            assert torch.equal(spikes[p.number], (current > p.threshold).float()), p.name
            continue
        v, fired = torch.zeros_like(current[..., 0]), []
        for at in current.unbind(-1):
            v = v * (1 - p.v_decay / 4096) + at
            fired.append((v > p.threshold).float())
            v = v * (1 - fired[-1])
        alike = (torch.stack(fired, dim=-1) == spikes[p.number]).double().mean()
        assert alike > 0.99, p.name  # the input's norms are rounded apart


def trained_events(out: Path, events: Events) -> int:
    """Events of the exported network on its sample of test clips."""
    steps = {"epochs": 8, "finetune_epochs": 4, "batch_size": 4, "lr": 0.01, "finetune_lr": 5e-2}
    path = Training(job("signal-sgn-core", out, events=events, **steps), silent).run()
    network, _ = run_export(path, out / "n.net", None)
    return int(engine_events(network, ckpt.load(path).sample.numpy().astype(np.int32)).sum())


def test_a_price_lowers_the_events_of_the_exported_network(tmp_path: Path) -> None:
    free = trained_events(tmp_path / "free", Events())
    fine = trained_events(tmp_path / "fine", Events(weight=3.0, start_epoch=8))
    both = trained_events(tmp_path / "both", Events(weight=3.0))
    assert fine < 0.95 * free
    assert both < 0.8 * free


def test_a_target_that_is_met_changes_nothing(tmp_path: Path) -> None:
    met, free = Events(weight=3.0, target=1e12), Events()
    weights = [
        ckpt.load(Training(job("signal-sgn-core", tmp_path / n, events=e), silent).run()).weights
        for n, e in (("met", met), ("free", free))
    ]
    assert all(torch.equal(w, weights[1][name]) for name, w in weights[0].items())


def test_a_priced_run_resumes_exactly(tmp_path: Path) -> None:
    whole = ckpt.load(Training(job("sdt", tmp_path / "whole", epochs=2), silent).run())

    class Killed(Exception):
        pass

    def kill(done: int, total: int) -> None:
        if done > total // 3:  # in the second of three epochs
            raise Killed

    with pytest.raises(Killed):
        Training(job("sdt", tmp_path / "cut", epochs=2), kill).run()
    again = replace(job("sdt", tmp_path / "cut", epochs=2), resume=True)
    cut = ckpt.load(Training(again, silent).run())
    assert cut.record == whole.record
    assert all(torch.equal(w, cut.weights[name]) for name, w in whole.weights.items())


def test_events_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="spikewatt")
    training = Training(job("signal-sgn-core", tmp_path), silent)
    training.prepare()
    training.learner.begin(0)
    losses = training.learner.step(next(iter(training.clips.epoch(5, 0, Share()))), 1e-3, 1)
    mean, price = losses[COUNTED].item(), 0.2 * losses["events"].item()
    assert losses["total"].item() == pytest.approx(losses["class"].item() + price, rel=1e-5)
    assert np.exp(losses["events"].item()) <= mean  # the geometric mean is the smaller one
    training.run()
    assert " events a clip" in caplog.text


def test_networks_without_spikes_have_no_events_to_price(tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match="ctr-gcn has no integer form"):
        Training(job("ctr-gcn", tmp_path), silent)
    released = small.job("signal-sgn", tmp_path, **PRICED)
    released = replace(released, options=replace(released.options, released_compat=True))
    with pytest.raises(SpikewattError, match="released_compat = false"):
        Training(released, silent)
    for wrong in ({"weight": -1.0}, {"target": 0.0}, {"start_epoch": -1}):
        with pytest.raises(SpikewattError, match=r"\[events\]"):
            Events(**wrong)
