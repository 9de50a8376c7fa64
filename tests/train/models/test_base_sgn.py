"""Base-SGN: golden counts, gradients, and the same numbers again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.blocks.graph_conv import GraphConv, SpikingGraphConv
from spikewatt.train.models.base_sgn import TABLE, BaseSgn, Options
from spikewatt.train.task import SkeletonTask

TASK = SkeletonTask(NW_UCLA20, classes=4, frames=8)
SMALL = Options(channels=(8, 8, 16), strides=(1, 1, 2), dropout=0.0)


def clip(samples: int = 4, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-40, 40, (samples, 3, 20, 8), generator=generator).float()


def build(options: Options = SMALL) -> BaseSgn:
    torch.manual_seed(0)
    return BaseSgn(TASK, options)


def test_golden_parameters() -> None:
    with torch.device("meta"):
        net = BaseSgn(TABLE, Options())
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == 2_074_626


def test_golden_macs_a_step_of_both_persons() -> None:
    with torch.device("meta"):
        net = BaseSgn(TABLE, Options(steps=1)).eval()
        with FlopCounterMode(display=False) as flops:
            net(torch.zeros(1, 2, 3, 25, 64))
    assert flops.get_total_flops() // 2 == 2_527_816_960  # 2.528 G


def test_ten_blocks_halve_the_frames_at_5_and_8() -> None:
    with torch.device("meta"):
        net = BaseSgn(TABLE, Options())
        _, kept = net(torch.zeros(1, 2, 3, 25, 64), taps=range(1, 11))
    assert [y.shape[2] for y in kept.values()] == [64] * 4 + [32] * 3 + [16] * 3
    assert [y.shape[1] for y in kept.values()] == [64] * 4 + [128] * 3 + [256] * 3
    assert all(isinstance(block.graph, SpikingGraphConv) for block in net.blocks)


def test_the_graph_is_fixed_and_gradients_reach_every_parameter() -> None:
    net = build(replace(SMALL, output_threshold=0.25))
    graphs = [m for m in net.modules() if isinstance(m, GraphConv)]
    assert not any(isinstance(g.adjacency, nn.Parameter) for g in graphs)
    for seed in range(3):
        nn.functional.cross_entropy(net(clip(seed=seed)), torch.arange(4)).backward()
    named = [(n, p.grad) for n, p in net.named_parameters() if p.requires_grad]
    assert [n for n, grad in named if grad is None or not grad.abs().sum()] == []


def test_the_same_seed_gives_the_same_training_step() -> None:
    outcomes = []
    for _ in range(2):
        net = build()
        logits = net(clip())
        logits.square().sum().backward()
        outcomes.append([logits, *(p.grad for p in net.parameters() if p.requires_grad)])
    assert all(torch.equal(a, b) for a, b in zip(*outcomes, strict=True))


@pytest.mark.slow
def test_eight_clips_are_learned_by_heart() -> None:
    channels, strides = (16,) * 4 + (32,) * 3 + (64,) * 3, Options().strides
    net = build(replace(SMALL, channels=channels, strides=strides))
    x, y = clip(samples=8), torch.arange(8) % 4
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert (net.eval()(x).argmax(dim=1) == y).float().mean() >= 0.95
