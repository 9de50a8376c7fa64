"""Spikformer on skeletons: published count, small clips, its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from spikewatt.data.graph import NTU25, NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.models.macs import dense_macs, parameters
from spikewatt.train.models.spikformer import TABLE, Options, Spikformer
from spikewatt.train.neuron import CubaNeuron, Sigmoid
from spikewatt.train.task import SkeletonTask, VideoTask

TINY_TASK = SkeletonTask(NW_UCLA20, classes=4, channels=3, frames=5, persons=2)
TINY = Options(channels=16, depth=2, heads=4, mlp_ratio=2, steps=3)


def clips(batch: int = 3, persons: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-60, 60, (batch, persons, 3, 20, 5), generator=generator).float()


def test_parameters() -> None:
    with torch.device("meta"):
        net = Spikformer(TABLE, Options())
    assert parameters(net) == 4_782_908


@pytest.mark.parametrize("tokens_first", [False, True])
def test_macs(tokens_first: bool) -> None:
    with torch.device("meta"):
        net = Spikformer(TABLE, Options(tokens_first=tokens_first))
    tokens, steps, dim, head = 64 * 25, 4, 256, 32
    product = dim * tokens * (tokens if tokens_first else head)
    block = 12 * dim * dim * tokens + 2 * product
    expected = steps * (27 * dim * tokens + 6 * block) + dim * 60
    assert dense_macs(net, (1, 3, NTU25.size, 64)) == expected


def test_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    net = Spikformer(TINY_TASK, TINY)
    logits = net(clips())
    assert logits.shape == (3, 4)
    logits.square().sum().backward()
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any(), name


def test_one_seed_one_result() -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        net = Spikformer(TINY_TASK, TINY)
        net(clips()).square().sum().backward()
        results.append([p.grad for p in net.parameters() if p.requires_grad])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_the_stream_holds_sums_of_spikes() -> None:
    torch.manual_seed(0)
    net = Spikformer(TINY_TASK, TINY).eval()
    x = net.blocks(net.neuron(net.embed(clips()[:, 0])))
    assert x.shape == (3, 16, 5, 20, 3)
    assert set(x.unique().tolist()) <= set(range(1 + 2 * TINY.depth))


def test_both_orders_of_attention_give_the_same_logits() -> None:
    logits = []
    for tokens_first in (False, True):
        torch.manual_seed(1)
        net = Spikformer(TINY_TASK, replace(TINY, tokens_first=tokens_first)).train()
        logits.append(net(clips()))
    assert torch.equal(*logits)


def test_persons_are_averaged() -> None:
    torch.manual_seed(0)
    net = Spikformer(TINY_TASK, TINY).eval()
    x = clips()
    apart = torch.stack([net(x[:, 0]), net(x[:, 1])]).mean(dim=0)
    torch.testing.assert_close(net(x), apart)


def test_neurons_are_the_papers() -> None:
    net = Spikformer(TINY_TASK, TINY)
    neurons = [m for m in net.modules() if isinstance(m, CubaNeuron)]
    assert len(neurons) == 1 + TINY.depth * 7
    assert all(n.surrogate == Sigmoid(4.0) and n.detach_reset for n in neurons)
    assert [n.threshold for n in neurons].count(0.5) == TINY.depth
    assert {int(n.cx_voltage_decay) for n in neurons} == {2048}


def test_videos_are_refused() -> None:
    with pytest.raises(SpikewattError, match="reads skeletons"):
        Spikformer(VideoTask(classes=4), TINY)


def test_eight_clips_can_be_learned() -> None:
    torch.manual_seed(0)
    net = Spikformer(TINY_TASK, TINY)
    x, labels = clips(batch=8, persons=1), torch.arange(8) % 4
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(dim=1) == labels).float().mean() >= 0.95
