"""MK-SGN: golden counts, its switches, gradients, and the same numbers again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from spikewatt.data.graph import NTU25, NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.models.mk_sgn import TABLE, MkSgn, Options
from spikewatt.train.neuron import CubaNeuron
from spikewatt.train.task import SkeletonTask

TASK = SkeletonTask(NW_UCLA20, classes=4, channels=12, frames=8, persons=2)
SMALL = Options(channels=(8, 16), strides=(1, 2), steps=3, dropout=0.0)


def clip(task: SkeletonTask = TASK, samples: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (samples, task.persons, task.channels, task.skeleton.size, task.frames)
    return torch.randint(-40, 40, shape, generator=generator).float()


def build(options: Options = SMALL, task: SkeletonTask = TASK) -> MkSgn:
    torch.manual_seed(0)
    return MkSgn(task, options)


def trainable(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def meta_clip(task: SkeletonTask) -> torch.Tensor:
    return torch.zeros(
        1, task.persons, task.channels, task.skeleton.size, task.frames, device="meta"
    )


def test_golden_parameters() -> None:
    with torch.device("meta"):
        assert trainable(MkSgn(TABLE, Options())) == 1_885_044


def test_golden_macs_a_step_of_both_persons() -> None:
    with torch.device("meta"):
        net = MkSgn(TABLE, Options(steps=1)).eval()
        with FlopCounterMode(display=False) as flops:
            net(meta_clip(TABLE))
    assert flops.get_total_flops() // 2 == 2_495_868_160  # 2.496 G


def test_golden_neurons_of_four_modalities_and_one_person() -> None:
    task, neurons = SkeletonTask(NTU25, classes=60, channels=12), []
    with torch.device("meta"):
        net = MkSgn(task, Options(steps=1)).eval()
        for module in net.modules():
            if isinstance(module, CubaNeuron):
                module.register_forward_hook(lambda m, inputs, out: neurons.append(out[0].numel()))
        net(meta_clip(task))
    assert sum(neurons) == 6_675_456  # 6.68 M


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"learnable_graph": False}, -2 * 3 * 20 * 20),
        ({"attention": False}, -3 * (8 * 8 + 16 * 16 + 3 * 8 + 3 * 16)),
        ({"fusion": "mean"}, None),
        ({"fusion": "sum"}, None),
        ({"steps": 1}, 0),
        ({"steps": 6}, 0),
        ({"keep": 0.5, "averaging": True}, 0),  # tau 2
        ({"output_spikes": False}, 0),
        ({"heads": 2}, 0),
        ({"kernel": 9}, 4 * (8 * 8 + 16 * 16)),
    ],
    ids=str,
)
def test_switches(change: dict, difference: int | None) -> None:
    base, net = build(), build(replace(SMALL, **change))
    if difference is None:
        difference = -trainable(base.fusion)
    assert trainable(net) - trainable(base) == difference
    assert net(clip()).shape == (2, 4)


@pytest.mark.parametrize("modalities", [1, 2, 4])
@pytest.mark.parametrize("persons", [1, 2])
def test_modalities_and_persons(modalities: int, persons: int) -> None:
    task = replace(TASK, channels=3 * modalities, persons=persons)
    net = build(task=task)
    assert net(clip(task)).shape == (2, 4)
    assert (net.fusion is None) == (modalities == 1)
    if persons == 1:
        net.eval()
        assert torch.equal(net(clip(task)), net(clip(task)[:, 0]))


def test_taps_are_whole_numbers_of_spikes_of_the_blocks() -> None:
    net = build().eval()
    logits, kept = net(clip(), taps=(1, 2))
    assert {tap: tuple(y.shape) for tap, y in kept.items()} == {
        1: (4, 8, 8, 20, 3),
        2: (4, 16, 4, 20, 3),
    }
    assert all(torch.equal(y, y.round()) for y in kept.values())
    assert torch.equal(logits, net(clip()))
    with pytest.raises(SpikewattError, match="blocks are 1 to 2"):
        net(clip(), taps=(3,))


def test_gradients_reach_every_parameter_but_the_weakest_modalitys() -> None:
    net = build(replace(SMALL, output_threshold=0.25))
    for seed in range(3):
        nn.functional.cross_entropy(net(clip(samples=4, seed=seed)), torch.arange(4)).backward()
    weakest = int(net.fusion.weights.argmin())
    silent = {n for n, p in net.named_parameters() if p.requires_grad and not _moves(p)}
    # a constant moves both sides of the bound alike
    silent -= {"fusion.statistic.output.bias"}
    assert all(n.startswith(f"codings.{weakest}.") for n in silent)


def test_gradients_reach_every_parameter_of_a_mean_fusion() -> None:
    net = build(replace(SMALL, fusion="mean", output_threshold=0.25))
    for seed in range(3):
        nn.functional.cross_entropy(net(clip(samples=4, seed=seed)), torch.arange(4)).backward()
    assert {n for n, p in net.named_parameters() if p.requires_grad and not _moves(p)} == set()


def _moves(parameter: nn.Parameter) -> bool:
    return parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)


def test_both_orders_of_attention_give_the_same_logits() -> None:
    first, second = build(), build(replace(SMALL, tokens_first=False))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(clip()), second.eval()(clip()))


def test_the_same_seed_gives_the_same_training_step() -> None:
    outcomes = []
    for _ in range(2):
        net = build(replace(SMALL, dropout=0.3))
        torch.manual_seed(1)
        logits = net(clip())
        logits.square().sum().backward()
        outcomes.append([logits, *(p.grad for p in net.parameters() if p.requires_grad)])
    assert all(torch.equal(a, b) for a, b in zip(*outcomes, strict=True))


def test_freezing_the_fusion_uses_the_training_clips_and_keeps_the_mode() -> None:
    net = build()
    before = net.fusion.bounds.clone()
    net.freeze_fusion([clip(seed=1), clip(seed=2)])
    assert net.training
    assert not torch.equal(before, net.fusion.bounds)
    build(replace(SMALL, fusion="mean")).freeze_fusion([clip()])


def test_clips_and_options_that_do_not_fit() -> None:
    with pytest.raises(SpikewattError, match="10 channels"):
        build(task=replace(TASK, channels=10))
    with pytest.raises(SpikewattError, match="2 channels and 1 strides"):
        Options(channels=(8, 16), strides=(1,))
    with pytest.raises(SpikewattError, match="came to a network for"):
        build()(clip(replace(TASK, persons=1)))


@pytest.mark.slow
def test_eight_clips_are_learned_by_heart() -> None:
    task = replace(TASK, persons=1)
    options = replace(SMALL, channels=(16, 16, 32, 32, 64, 64), strides=(1, 1, 2, 1, 2, 1), steps=4)
    net, x, y = build(options, task), clip(task, samples=8), torch.arange(8) % 4
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert (net.eval()(x).argmax(dim=1) == y).float().mean() >= 0.95
