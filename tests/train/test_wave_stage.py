"""Signal-SGN's wavelets as a stage of the host: against the float module, and end to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch
from torch import nn

from spikewatt.commands.running import RunJob, run_network
from spikewatt.commands.training import run_export
from spikewatt.energy.deployment import HOST, deployment
from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.graph import Edge, FloatGraph
from spikewatt.export.lowering.host import neuron_gain
from spikewatt.export.lowering.maps import identity
from spikewatt.export.lowering.wires import Wire
from spikewatt.hardware_profiles import load as load_profile
from spikewatt.host import HostTransform
from spikewatt.lava_runtime.engine import no_progress
from spikewatt.lava_runtime.host import run_stage, stage_values
from spikewatt.train.host import QuantisedHost
from spikewatt.train.loop import Training
from spikewatt.train.models.signal_sgn import Options, WaveHead
from spikewatt.train.wave_stage import wave_head

CHANNELS, JOINTS, STEPS = 16, 5, 8
HALF_WEIGHT, HALF_NUMBER = 2.0**-17, 2.0**-13  # the most that rounding moves each


def spiking_wire(populations: int = 2) -> Wire:
    """The sum of the spikes of populations 1, 2, ..."""
    graph = FloatGraph((JOINTS, 1, 3), running=["waves"])
    edges = tuple(Edge((n + 1,), identity(CHANNELS)) for n in range(populations))
    shape = torch.Size((1, CHANNELS, JOINTS, STEPS))
    return Wire(graph, shape, CHANNELS, (JOINTS, 1), edges, torch.zeros(CHANNELS, JOINTS, 1))


def head(mix_heads: bool = True) -> WaveHead:
    """A settled branch, loud enough to spike everywhere."""
    torch.manual_seed(0)
    options = Options(channels=(CHANNELS,), heads=4, levels=2, mix_heads=mix_heads)
    module = WaveHead(CHANNELS, options)
    for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)):
        norm.momentum = 0.5
        nn.init.uniform_(norm.weight, 1.5, 2.5)
        nn.init.normal_(norm.bias, std=0.2)
    for seed in range(6):
        module(counts(8, seed).float())
    return module.eval()


def counts(samples: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 3, (samples, CHANNELS, JOINTS, STEPS), generator=generator)


@torch.no_grad()
def lowered(module: WaveHead) -> QuantisedHost:
    found, nothing = wave_head(module, spiking_wire())
    assert nothing is None
    return QuantisedHost(found.host)


@torch.no_grad()
def test_numbers_are_those_of_the_float_module_as_far_as_they_are_rounded() -> None:
    module, x = head(), counts(3)
    stage = lowered(module).lower(scale=100.0)
    first, second = (torch.as_tensor(m.weight).double().abs() * 2.0**-16 for m in stage.maps[:2])
    taps = [m[0].numel() for m in (first, second)]
    narrow = module.fusion.narrow(x.float())
    error = 2 * taps[0] * HALF_WEIGHT + 2 * HALF_NUMBER
    error = float(second.sum(dim=(1, 2, 3)).max()) * error + 2 * HALF_NUMBER
    error += taps[1] * HALF_WEIGHT * float(narrow.abs().max())
    coefficients = module.fusion.coefficients(x.float())
    pyramid = [p for pair in module.fusion.pyramid(coefficients) for p in pair]
    where = [k + 1 for k, p in enumerate(stage.parts) if isinstance(p, HostTransform)]
    assert len(where) == len(pyramid) == 4
    for n, clip in enumerate(x.numpy()):
        values = stage_values(stage, clip.astype(np.int64))
        assert np.abs(values[2] / 4096 - coefficients[n].numpy()).max() < error
        for number, expected in zip(where, pyramid, strict=True):
            weight = np.abs(stage.parts[number - 1].weight).reshape(8 * STEPS, -1) * 2.0**-16
            largest = error * weight.sum(axis=1).max() + HALF_NUMBER
            largest += weight.shape[1] * HALF_WEIGHT * float(coefficients.abs().max())
            assert np.abs(values[number] / 4096 - expected[n].numpy()).max() < largest


@torch.no_grad()
@pytest.mark.parametrize("mix_heads", [False, True])
def test_the_stage_finds_what_the_float_branch_finds(mix_heads: bool) -> None:
    module, x = head(mix_heads), counts(6)
    twin = lowered(module)
    stage = twin.lower(scale=1000.0 * STEPS)
    expected, _ = module(x.float())
    logits = run_stage(stage, x.numpy()).sums / (4096 * 1000.0 * STEPS)
    assert 0.05 < expected.mean() < 0.95  # it spikes, and not always
    # a current that rounding moves across a threshold moves a spike; few do
    assert np.abs(logits - expected.numpy()).mean() < 0.02
    assert np.mean(np.abs(logits - expected.numpy()) < 0.5 / STEPS) > 0.9


@torch.no_grad()
def test_each_layer_does_with_the_same_spikes_what_the_float_one_does() -> None:
    module = head()
    attention = module.fusion.attention
    stage = lowered(module).lower(scale=100.0)
    values = stage_values(stage, counts(1)[0].numpy().astype(np.int64))
    last = len(values) - 1
    # value read, current, spikes: of the first attention, then of the layer behind all of them
    for layer, source, current in (
        (attention.query, 7, 9),
        (attention.key, 7, 11),
        (attention.value, 8, 13),
        (attention.project, 19, 20),
        (module.layer, last - 2, last - 1),
    ):
        read = torch.as_tensor(values[source])[None].float()
        read = read / JOINTS if layer is module.layer else read
        gain = neuron_gain(layer.neuron)
        expected = gain * layer.norm(layer.conv(read))[0].numpy()
        bound = values[source].sum(axis=0).max() * HALF_WEIGHT + 2 * HALF_NUMBER
        assert np.abs(values[current] / 4096 - expected).max() < bound + 1e-5
        number = torch.as_tensor(values[current])[None].float() / 4096 / gain
        number = number[:, :, 0] if layer is module.layer else number  # it has no places
        spikes = layer.neuron(number)[0].numpy().reshape(values[current].shape)
        assert np.array_equal(spikes, values[current + 1])
        assert 0 < values[current + 1].mean() < 1


def test_the_module_that_trains_computes_the_integers() -> None:
    twin, x = lowered(head()), counts(4, seed=9)
    found = twin(x, 700.0)
    outcome = run_stage(twin.lower(700.0), x.numpy())
    assert np.array_equal((found * 4096).detach().numpy(), outcome.sums)
    (found * torch.randn(found.shape)).sum().backward()
    quiet = [n for n, p in twin.named_parameters() if p.requires_grad and not p.grad.any()]
    assert quiet == []


def test_what_is_no_sum_of_spikes_is_refused() -> None:
    with pytest.raises(SpikewattError, match="sums of spikes"):
        wave_head(head(), spiking_wire() * 2.0)
    found, _ = wave_head(head(), spiking_wire())
    with pytest.raises(SpikewattError, match="only the logits"):
        found.close("late", {})
    with pytest.raises(SpikewattError, match="Two stages"):
        found + found


@pytest.mark.lava
def test_from_training_to_engines(tmp_path: Path) -> None:
    job = small.job("signal-sgn", tmp_path, batch_size=4)
    options = replace(job.options, channels=(16,), attention=False)
    checkpoint = Training(replace(job, options=options), no_progress).run()
    path, reference = tmp_path / "net.net", tmp_path / "ref.npz"
    network, report = run_export(checkpoint, path, reference)
    assert network.host is not None
    assert not report.for_lava_dl
    run = RunJob(path, data="synthetic", limit=2, verify=str(reference))
    by_slayer = run_network(run, no_progress)
    assert by_slayer.agreement.equal, str(by_slayer.agreement)
    assert any("decision" in what for what in by_slayer.agreement.compared)
    by_lava = run_network(replace(run, verify="lava"), no_progress)
    assert by_lava.agreement.equal, str(by_lava.agreement)
    record, found = by_lava.record, by_lava.execution
    assert record.predictions == found.decision.argmax(axis=1).tolist()
    assert record.host.module == "waves"
    assert (record.host.macs, record.host.acs) == (found.host.work.macs, found.host.work.acs)
    assert min(record.host.macs, record.host.neuron_updates) > 0
    assert 0 < record.host.dense_macs_share < 1
    deployed = deployment(network, load_profile("loihi2_derived"))
    stage = next(m for m in deployed.modules if m.module.startswith("waves"))
    assert (stage.runs_on, stage.host, stage.cores) == (HOST, deployed.host.neurons, 0)
    assert any("still to come" in line for line in deployed.changes)
