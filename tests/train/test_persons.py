"""Clips of two persons: each is a sample on the chip, and the clip's decision adds them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch

from spikewatt.commands.running import RunJob, run_network
from spikewatt.commands.training import run_export
from spikewatt.data.datasets import load
from spikewatt.data.encode import PersonsEncoder, RangeEncoder, SkeletonEncoder, encoder_from_dict
from spikewatt.data.graph import NTU25
from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.lava_runtime.engine import Request, no_progress
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips as clips_of
from spikewatt.report.compare import compare
from spikewatt.train.inputs import deployed_encoder, to_clips, to_places, traced_shapes
from spikewatt.train.job import Job
from spikewatt.train.loop import Training
from spikewatt.train.lowering import lower
from spikewatt.train.models import model
from spikewatt.train.quantised import quantised
from spikewatt.train.task import SkeletonTask

JOINTS, ACTIONS, FRAMES = NTU25.size, 60, 6
TRAIN, TEST = 6, 4


@pytest.fixture(scope="module")
def ntu_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bodies that drift about, in the papers' arrays; in every third clip one is alone."""
    rng = np.random.default_rng(0)
    arrays = {}
    rest = rng.normal(0, 0.4, (TRAIN, 1, 2, JOINTS, 3))
    moves = np.cumsum(rng.normal(0, 0.05, (TRAIN, 20, 2, JOINTS, 3)), axis=1)
    for part, count in (("train", TRAIN), ("test", TEST)):
        again = rng.normal(0, 0.01, (count, 20, 2, JOINTS, 3))  # the read-out is scaled to these
        x = rest[:count] + moves[:count] + again + [[[0, 0, 3]], [[1, 0, 3]]]
        x = x.astype(np.float32)
        x[::3, :, 1] = 0
        arrays[f"x_{part}"] = x.reshape(count, 20, -1)
        arrays[f"y_{part}"] = np.eye(ACTIONS, dtype=np.float32)[np.arange(count) % 3]
    path = tmp_path_factory.mktemp("ntu") / "NTU60_CS.npz"
    np.savez(path, **arrays)
    return path


def base(persons: int = 2) -> SkeletonEncoder:
    return SkeletonEncoder(NTU25, ("joint",), frames=FRAMES, persons=persons)


def ranged(rng: np.random.Generator) -> RangeEncoder:
    gain, shift = rng.uniform(0.5, 2, (2, 2, 3, JOINTS)).astype(np.float32)
    return RangeEncoder(base(), gain, shift)


def test_persons_follow_one_another_with_gains_of_their_own(ntu_file: Path) -> None:
    clips = load(f"ntu60-xsub:{ntu_file}").test
    encoder = ranged(np.random.default_rng(1))
    found, plain = encoder.encode_all(clips), encoder.base.encode_all(clips)
    assert encoder.shape == (JOINTS, 1, 3)
    assert found.shape == (2 * len(clips), JOINTS, 1, 3, FRAMES)
    for n in range(len(clips)):
        for m in range(2):
            x = plain[n, :, m].astype(np.float64)  # (V, C, T)
            y = x * encoder.gain[m].T[..., None] + encoder.shift[m].T[..., None]
            share = (y - y.min(axis=0)) / (y.max(axis=0) - y.min(axis=0))
            np.testing.assert_array_equal(found[2 * n + m, :, 0], np.rint(127 * share))
    apart = PersonsEncoder(encoder.base).encode_all(clips)
    np.testing.assert_array_equal(apart[1::2, :, 0], plain[:, :, 1])
    for one in (encoder, PersonsEncoder(encoder.base)):
        again = encoder_from_dict(json.loads(json.dumps(one.to_dict())))
        np.testing.assert_array_equal(again.encode_all(clips), one.encode_all(clips))
    with pytest.raises(SpikewattError, match="gain of shape"):
        encoder_from_dict({**encoder.to_dict(), "base": base(1).to_dict()})


def network(name: str, **changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    task = SkeletonTask(NTU25, classes=4, channels=3, frames=FRAMES, persons=2)
    return model(name).build(task, replace(small.options(name), **changes))


def settled(net: torch.nn.Module, x: torch.Tensor) -> torch.nn.Module:
    for norm in (m for m in net.modules() if hasattr(m, "running_var")):
        norm.momentum = 0.5
        if norm.weight.numel() < JOINTS:
            torch.nn.init.constant_(norm.weight, 2.0)
    for _ in range(5):
        net(x)
    return net.eval()


@pytest.mark.parametrize("name", ["signal-sgn", "signal-sgn-loihi"])
def test_a_clip_is_decided_as_the_float_network_does(name: str, ntu_file: Path) -> None:
    data = load(f"ntu60-xsub:{ntu_file}")
    encoder = base()
    x = to_clips(encoder.encode_all((*data.train, *data.test)), encoder)
    net = settled(network(name), x)
    hosts = deployed_encoder(net, encoder)
    places = to_places(x, hosts)
    assert places.shape == (2 * len(x), 3, JOINTS, 1, FRAMES)
    twin = quantised(lower(net, *traced_shapes(hosts)), places, hosts.limit)
    logits = net(x)
    assert (twin(places) - logits).abs().mean() / logits.std() < 0.6
    stimuli = places.permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    facts = {"message_bits": hosts.limit.bit_length()}
    exported = twin.lower(places, facts)
    schedule = clips_of(exported, len(stimuli), FRAMES)
    found = NativeEngine().run(Request(exported, stimuli, schedule))
    membrane = twin.decision(places, twin.spikes(places)) * 4096
    assert np.array_equal(found.decision, membrane.detach().numpy().astype(np.int64))
    assert found.decision.shape == (len(x), 4)
    assert (exported.host is not None) == (name == "signal-sgn")


@pytest.mark.lava
def test_from_training_to_engines(ntu_file: Path, tmp_path: Path) -> None:
    entry, spec = model("signal-sgn"), f"ntu60-xsub:{ntu_file}"
    recipe = small.recipe(entry, persons=2, frames=FRAMES, batch_size=3)
    options = replace(small.options("signal-sgn"), channels=(16,), attention=False)
    job = Job(entry, load(spec), spec, recipe, options, 3, tmp_path, "cpu")
    checkpoint = Training(job, no_progress).run()
    path, reference = tmp_path / "net.net", tmp_path / "ref.npz"
    network, _ = run_export(checkpoint, path, reference)
    assert (network.persons, network.input.shape) == (2, (JOINTS, 1, 3))
    result = run_network(RunJob(path, data=spec, verify=str(reference)), no_progress)
    assert result.agreement.equal, str(result.agreement)
    record = result.record
    assert (record.samples, record.persons, record.clips) == (2 * TEST, 2, TEST)
    assert len(record.predictions) == TEST
    right = np.array(record.predictions) == [c.label for c in job.dataset.test]
    assert record.accuracy == right.mean()
    prices = load_profile("loihi2_derived")
    found = compare([record], [prices]).runs[0]
    event = found.profiles[prices.name].terms["synaptic_event"]
    assert event.count * TEST == pytest.approx(record.totals.synaptic_events)  # of a clip
    assert (found.samples, found.steps) == (TEST, 2 * FRAMES)
    assert "host" in found.profiles[prices.name].absent


def test_what_no_single_person_can_decide_is_refused() -> None:
    shapes = traced_shapes(base())
    with pytest.raises(SpikewattError, match=r"2 persons gains of its own.*min_max = true"):
        lower(network("signal-sgn", min_max=False), *shapes)
