"""Signal-SGN: golden counts, its switches, its hook, gradients, and what of it lowers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from spikewatt.commands.training import slayer_reference
from spikewatt.data.graph import NW_UCLA20, Skeleton
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips
from spikewatt.train.lowering import lower
from spikewatt.train.models.macs import dense_macs, parameters
from spikewatt.train.models.signal_sgn import TABLE, Options, SignalSgn
from spikewatt.train.quantised import quantised
from spikewatt.train.task import SkeletonTask, VideoTask

UCLA = SkeletonTask(NW_UCLA20, classes=10, frames=16)
BODY = Skeleton("body", tuple("abcde"), parents=(0, 0, 1, 2, 1), center=0)
TASK = SkeletonTask(BODY, classes=4, frames=6, persons=2)
SMALL = Options(channels=(8, 32), heads=4, levels=2, scale=1.0, dropout=0.0)
PLAIN = replace(SMALL, channels=(8, 16), heads=2, scale=4.0, waves=False)


def clip(task: SkeletonTask = TASK, samples: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (samples, task.persons, task.channels, task.skeleton.size, task.frames)
    return torch.randint(-40, 40, shape, generator=generator).float()


def build(options: Options = SMALL, task: SkeletonTask = TASK) -> SignalSgn:
    torch.manual_seed(0)
    net = SignalSgn(task, options)
    for unit in net.units:  # loud enough for so few channels
        for norm in (m for m in unit.modules() if isinstance(m, nn.BatchNorm1d)):
            nn.init.constant_(norm.weight, 2.0)
    return net


def golden(task: SkeletonTask, options: Options) -> SignalSgn:
    with torch.device("meta"):
        return SignalSgn(task, options)


@pytest.mark.parametrize(
    ("task", "count"),
    [(TABLE, 1_835_483), (replace(TABLE, classes=120), 1_850_903), (UCLA, 1_819_688)],
    ids=["ntu60", "ntu120", "ucla"],
)
@pytest.mark.parametrize("released_compat", [False, True])
def test_golden_parameters(task: SkeletonTask, count: int, released_compat: bool) -> None:
    assert parameters(golden(task, Options(released_compat=released_compat))) == count


@pytest.mark.parametrize(
    ("task", "macs", "giga"),
    [(TABLE, 1_805_370_144, 1.805), (UCLA, 791_116_544, 0.791)],
    ids=["ntu60", "ucla"],
)
def test_golden_macs_of_a_sample(task: SkeletonTask, macs: int, giga: float) -> None:
    shape = (1, task.persons, task.channels, task.skeleton.size, task.frames)
    assert dense_macs(SignalSgn(task, Options()), shape) == macs
    assert round(macs / 1e9, 3) == giga


def _square(n: int) -> int:
    return n * n + 3 * n  # a 1x1 with bias, and a norm


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"attention": False}, -sum(3 * (n * n + 2 * n) + _square(n) for n in (8, 32))),
        ({"window": False}, -4 * 5),
        ({"complex_branch": False}, -2 * sum(2 * _square(n) for n in (8, 32))),
        ({"released_compat": True}, 0),
        ({"subsets": 1}, -2 * 2 * 25 - 2 * (3 * 8 + 8 + 8 * 32 + 32)),
        ({"mix_heads": False}, -4 * 4),
        ({"tokens_first": False}, 0),
        ({"min_max": False}, 0),
        ({"levels": 1}, 0),
        ({"frequency": False}, None),
        ({"waves": False}, None),
        ({"polynomials": 4}, None),
    ],
    ids=str,
)
def test_switches(change: dict, difference: int | None) -> None:
    base, net = build(), build(replace(SMALL, **change))
    if difference is None:
        assert parameters(net) < parameters(base)
    else:
        assert parameters(net) - parameters(base) == difference
    assert net(clip()).shape == (2, 4)


def test_first_unit_reads_zero_to_one() -> None:
    y = build().input(clip())
    assert y.shape == (4, 3, 5, 6)
    assert torch.equal(y.amin(dim=2), torch.zeros(4, 3, 6))
    torch.testing.assert_close(y.amax(dim=2), torch.ones(4, 3, 6))


def test_units_add_whole_numbers_of_spikes() -> None:
    net = build()
    y = net.units(net.input(clip()))
    assert torch.equal(y, y.round())
    assert y.max() > 1


def test_released_compat_is_another_network() -> None:
    meant, released = build(), build(replace(SMALL, released_compat=True))
    released.load_state_dict(meant.state_dict())
    x = clip()
    found = [net.units[0](net.input(x)) for net in (meant, released)]
    convolved = [net.units[0].convolution(net.input(x)) for net in (meant, released)]
    assert torch.equal(*convolved)
    assert not torch.equal(*found)
    assert not torch.equal(meant(x), released(x))


def test_persons_are_averaged() -> None:
    net = build(task=replace(TASK, persons=1)).eval()
    assert torch.equal(net(clip()[:, :1]), net(clip()[:, 0]))
    with pytest.raises(SpikewattError, match="persons"):
        net(clip())


@pytest.mark.parametrize("released_compat", [False, True])
def test_gradients_reach_every_parameter(released_compat: bool) -> None:
    net = build(replace(SMALL, released_compat=released_compat))
    for seed in range(3):
        nn.functional.cross_entropy(net(clip(samples=4, seed=seed)), torch.arange(4)).backward()
    trained = {n: p for n, p in net.named_parameters() if p.requires_grad}
    assert {n for n, p in trained.items() if p.grad is None or not p.grad.abs().sum()} == set()


def test_the_auxiliary_loss_is_for_training_only() -> None:
    net, seen = build(), []

    def loss(features: torch.Tensor, waves: torch.Tensor | None) -> torch.Tensor:
        seen.append((tuple(features.shape), tuple(waves.shape)))
        return features.square().mean()

    net(clip())
    assert net.auxiliary == 0.0
    net.auxiliary_loss = loss
    net(clip())
    assert float(net.auxiliary.detach()) > 0
    net.auxiliary.backward()
    assert net.units[0].convolution.layer.conv.adjacency.grad.abs().sum() > 0
    net.eval()(clip())
    assert net.auxiliary == 0.0
    assert seen == [((2, 32, 5, 6), (2, 32, 5, 6))]


def test_the_same_seed_gives_the_same_training_step() -> None:
    outcomes = []
    for _ in range(2):
        net = build(replace(SMALL, dropout=0.3))
        logits = net(clip())
        logits.square().sum().backward()
        outcomes.append([logits, *(p.grad for p in net.parameters() if p.requires_grad)])
    assert all(torch.equal(a, b) for a, b in zip(*outcomes, strict=True))


def test_video_is_refused() -> None:
    with pytest.raises(SpikewattError, match="skeletons"):
        SignalSgn(VideoTask(3), Options())


@pytest.mark.slow
def test_eight_clips_are_learned() -> None:
    task = replace(TASK, persons=1, classes=8)
    net, x, y = build(task=task), clip(task, samples=8), torch.arange(8)
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert (net(x).argmax(dim=1) == y).all()


def prepared(samples: int) -> torch.Tensor:
    """What a host sends: coordinates of 0 to 127, (N, 3, 5, 1, 6)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 128, (samples, 3, 5, 1, 6), generator=generator).float()


def settled() -> SignalSgn:
    net = build(PLAIN, replace(TASK, persons=1))
    for u in net.units:
        nn.init.normal_(u.convolution.layer.conv.adjacency)
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm1d)):
        norm.momentum = 0.5
    for seed in range(5):
        net(clip(replace(TASK, persons=1), samples=8, seed=seed))
    return net.eval()


def test_without_wavelets_engines_spike_as_the_quantised_network_does() -> None:
    graph = lower(settled(), (1, 3, 5, 6), (5, 1, 3))
    x = prepared(4)
    twin = quantised(graph, x, 127)
    network = twin.lower(x, {"message_bits": 7})
    stimuli = x.permute(0, 2, 3, 1, 4).numpy().astype(np.int32)
    expected = slayer_reference(twin, network, stimuli)
    request = Request(network, stimuli, clips(network, 4, 6), tuple(network.by_layer))
    agreement = compare(network, expected, NativeEngine().run(request))
    assert agreement.equal, str(agreement)
    fired = [int(s.sum()) for s in expected.spikes.values()]
    assert sum(n > 0 for n in fired) >= len(fired) - 1, fired


def test_what_stays_on_a_host_is_said() -> None:
    task = replace(TASK, persons=1)
    for options, reason in (
        (replace(SMALL, released_compat=True, frequency=False), "ReleasedFusion has no integer"),
        (replace(PLAIN, released_compat=True), "ReleasedBranch has no integer form"),
    ):
        with pytest.raises(SpikewattError, match=reason):
            lower(build(options, task), (1, 3, 5, 6), (5, 1, 3))
    with pytest.raises(SpikewattError, match="averages 2 persons"):
        lower(build(PLAIN), (1, 3, 5, 6), (5, 1, 3))
