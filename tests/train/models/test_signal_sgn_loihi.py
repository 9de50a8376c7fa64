"""signal-sgn-loihi: switches, gradients, and that its integers spike as the network does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from spikewatt.commands.training import slayer_reference
from spikewatt.data.graph import Skeleton
from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.maps import JointMap
from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train.lowering import lower
from spikewatt.train.models.macs import parameters
from spikewatt.train.models.signal_sgn_loihi import TABLE, Options, SignalSgnLoihi
from spikewatt.train.quantised import QuantisedNetwork, quantised
from spikewatt.train.task import SkeletonTask, VideoTask

BODY = Skeleton("body", tuple("abcde"), parents=(0, 0, 1, 2, 1), center=0)
TASK = SkeletonTask(BODY, classes=4, channels=6, frames=6)
SMALL = Options(channels=(8, 8, 16), voltage_decay=(0.5, 0.5, 0.25), heads=4, dropout=0.0)
QUICK = replace(SMALL, channels=(8, 16), voltage_decay=(0.5, 0.25))
LIMIT = 31


def clip(samples: int = 2, seed: int = 0, task: SkeletonTask = TASK) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (samples, task.channels, task.skeleton.size, task.frames)
    return torch.randint(-LIMIT, LIMIT + 1, shape, generator=generator).float()


def build(options: Options = SMALL, task: SkeletonTask = TASK) -> SignalSgnLoihi:
    torch.manual_seed(0)
    return SignalSgnLoihi(task, options)


def settled(options: Options = SMALL) -> SignalSgnLoihi:
    """A network whose norms have seen clips, with weights as training leaves them."""
    net = build(replace(options, branch_gain=2.0))  # loud enough for so few channels
    for name, p in net.named_parameters():
        if name.endswith(("edges", "bias.bias", "joints")):
            nn.init.normal_(p, std=0.5)
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm1d)):
        norm.momentum = 0.5
    for seed in range(5):
        net(clip(8, seed))
    return net.eval()


def twin_of(net: SignalSgnLoihi, x: torch.Tensor) -> QuantisedNetwork:
    graph = lower(net, (1, *x.shape[1:]), (x.shape[2], 1, x.shape[1]))
    return quantised(graph, x.unsqueeze(3), LIMIT)


def test_parameters_of_the_table() -> None:
    with torch.device("meta"):
        assert parameters(SignalSgnLoihi(TABLE, Options())) == 691_054


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"attention": False}, None),
        ({"frequency": False}, None),
        ({"joint_bias": False}, -5 * (8 + 8 + 16)),
        ({"window": False}, -3 * 5),
        ({"frequency_share": 2}, None),
        ({"branch": "complex"}, 3 * (8 + 8 + 16)),
        ({"branch_gain": 1.0}, 0),
    ],
    ids=str,
)
def test_switches(change: dict, difference: int | None) -> None:
    base, net = build(), build(replace(SMALL, **change))
    found = parameters(net) - parameters(base)
    assert found == difference if difference is not None else found != 0
    assert net(clip()).shape == (2, 4)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(SpikewattError, match="one of each per unit"):
        Options(voltage_decay=(0.5,))
    with pytest.raises(SpikewattError, match="multiples"):
        Options(channels=(64, 64, 130, 256))
    with pytest.raises(SpikewattError, match="skeletons"):
        SignalSgnLoihi(VideoTask(3), Options())


def test_residuals_are_whole_numbers_of_spikes() -> None:
    net, x = build(), clip() / 16
    for unit in net.units:
        x = unit(x)
        assert torch.equal(x, x.round())
    assert x.max() > 1


def test_persons_are_averaged() -> None:
    net = build().eval()
    both = torch.stack((clip(seed=1), clip(seed=2)), dim=1)
    expected = (net(both[:, 0]) + net(both[:, 1])) / 2
    torch.testing.assert_close(net(both), expected)


@pytest.mark.parametrize("branch", ["joined", "complex", "real"])
def test_gradients_reach_every_parameter(branch: str) -> None:
    net = build(replace(SMALL, branch=branch))
    for seed in range(3):
        nn.functional.cross_entropy(net(clip(4, seed)), torch.arange(4)).backward()
    trained = {n: p for n, p in net.named_parameters() if p.requires_grad}
    assert {n for n, p in trained.items() if not p.grad.abs().sum()} == set()


def test_the_same_seed_gives_the_same_training_step() -> None:
    outcomes = []
    for _ in range(2):
        net = build(replace(SMALL, dropout=0.3))
        logits = net(clip())
        logits.square().sum().backward()
        outcomes.append([logits, *(p.grad for p in net.parameters() if p.requires_grad)])
    assert all(torch.equal(a, b) for a, b in zip(*outcomes, strict=True))


def test_eight_clips_are_learned() -> None:
    task = replace(TASK, classes=8)
    net, x, y = build(QUICK, task), clip(8), torch.arange(8)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert (net(x).argmax(dim=1) == y).all()


@pytest.mark.parametrize("branch", ["joined", "complex"])
def test_engines_spike_as_the_quantised_network_does(branch: str) -> None:
    net, x = settled(replace(SMALL, branch=branch)), clip(3, seed=100)
    twin = twin_of(net, x)
    network = twin.lower(x.unsqueeze(3), {"message_bits": 6})
    stimuli = x.unsqueeze(3).permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    expected = slayer_reference(twin, network, stimuli)
    request = Request(network, stimuli, clips(network, 3, 6), tuple(network.by_layer))
    agreement = compare(network, expected, NativeEngine().run(request))
    assert agreement.equal, str(agreement)
    names = [p.name for p in twin.graph.populations]
    fired = dict(zip(names, (int(s.sum()) for s in expected.spikes.values()), strict=True))
    assert min(fired.values()) > 0, fired


def test_the_quantised_network_decides_like_the_float_one() -> None:
    net, x = settled(), clip(16, seed=100)
    twin = twin_of(net, x)
    difference = (twin(x.unsqueeze(3)) - net(x)).abs().mean() / net(x).std()
    assert difference < 0.5


def test_currents_of_a_frequency_branch_are_the_float_ones() -> None:
    net = settled()
    graph = lower(net, (1, 6, 5, 6), (5, 1, 6))
    seen = {}

    def keep(module: nn.Module, inputs: tuple, output: tuple) -> None:
        seen["spikes"], seen["currents"] = inputs[0], output

    branch = net.units[0].frequency.branch
    hook = branch.mix.register_forward_hook(keep)
    net(clip())
    hook.remove()
    for part, current in zip(("real", "imaginary"), seen["currents"], strict=True):
        name = f"units.0.frequency.branch.{part}_neuron"
        population = next(p for p in graph.populations if p.name == name)
        (edge,) = population.edges
        assert isinstance(edge.map, JointMap)
        y = edge.map.apply(edge.map.weight, seen["spikes"].unsqueeze(3))
        found = (y + population.bias[..., None]).squeeze(3)
        torch.testing.assert_close(found, current, rtol=1e-4, atol=1e-4)
