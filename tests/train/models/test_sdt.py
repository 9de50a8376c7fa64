"""Spike-driven Transformer on skeletons: published count, small clips, its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.residual import Residual
from spikewatt.train.models.macs import dense_macs, parameters
from spikewatt.train.models.sdt import TABLE, Options, SpikeDrivenTransformer
from spikewatt.train.neuron import CubaNeuron, Sigmoid
from spikewatt.train.task import SkeletonTask, VideoTask

TINY_TASK = SkeletonTask(NW_UCLA20, classes=4, channels=3, frames=5, persons=2)
TINY = Options(channels=16, depth=2, heads=4, mlp_ratio=2, steps=3)


def clips(batch: int = 3, persons: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-60, 60, (batch, persons, 3, 20, 5), generator=generator).float()


def on_meta(options: Options) -> SpikeDrivenTransformer:
    with torch.device("meta"):
        return SpikeDrivenTransformer(TABLE, options)


def test_parameters() -> None:
    assert parameters(on_meta(Options())) == 4_778_684
    assert parameters(on_meta(Options(mix_heads=False))) == 4_778_684 - 6 * 8 * 8


@pytest.mark.parametrize("mix_heads", [False, True])
def test_masks_multiply_nothing(mix_heads: bool) -> None:
    tokens, steps, dim, head = 64 * 25, 4, 256, 32
    block = 12 * dim * dim * tokens + (8 * 8 * head if mix_heads else 0)
    expected = steps * (27 * dim * tokens + 6 * block) + dim * 60
    assert dense_macs(on_meta(Options(mix_heads=mix_heads)), (1, 3, 25, 64)) == expected


@pytest.mark.parametrize("attention", ["masks", "sums"])
@pytest.mark.parametrize("residual", ["membrane", "spikes"])
def test_gradient_reaches_every_parameter(attention: str, residual: str) -> None:
    torch.manual_seed(0)
    options = replace(TINY, attention=attention, residual=residual, attention_threshold=0.1)
    net = SpikeDrivenTransformer(TINY_TASK, options)
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
        net = SpikeDrivenTransformer(TINY_TASK, TINY)
        net(clips()).square().sum().backward()
        results.append([p.grad for p in net.parameters() if p.requires_grad])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_every_product_reads_spikes_and_every_sum_potentials() -> None:
    torch.manual_seed(0)
    net = SpikeDrivenTransformer(TINY_TASK, TINY).eval()
    read, kept = [], []
    for name, module in net.named_modules():
        if name.endswith(("linear", "project")):
            module.register_forward_pre_hook(lambda _m, x: read.append(x[0]))
        if isinstance(module, Residual):
            module.register_forward_hook(lambda _m, _i, y: kept.append(y))
    net(clips())
    assert len(read) == TINY.depth * 6
    assert all(set(x.unique().tolist()) <= {0.0, 1.0} for x in read)
    assert all(len(y.unique()) > 100 for y in kept)


def test_spike_residuals_hold_sums_of_spikes() -> None:
    torch.manual_seed(0)
    net = SpikeDrivenTransformer(TINY_TASK, replace(TINY, residual="spikes")).eval()
    x = net.blocks(net.entry(net.embed(clips()[:, 0])))
    assert set(x.unique().tolist()) <= set(range(1 + 2 * TINY.depth))


def test_heads_mix_by_nothing_at_first() -> None:
    logits = []
    for mix_heads in (True, False):
        torch.manual_seed(1)
        net = SpikeDrivenTransformer(TINY_TASK, replace(TINY, mix_heads=False))
        if mix_heads:
            mixing = SpikeDrivenTransformer(TINY_TASK, replace(TINY, mix_heads=True))
            mixing.load_state_dict(net.state_dict(), strict=False)
            net = mixing
        logits.append(net(clips()))
    assert torch.equal(*logits)


def test_pooling_before_the_last_neurons() -> None:
    torch.manual_seed(0)
    net = SpikeDrivenTransformer(TINY_TASK, replace(TINY, pool_first=True))
    shapes = []
    net.neuron.register_forward_hook(lambda _m, _i, y: shapes.append(tuple(y.shape)))
    assert net(clips()).shape == (3, 4)
    assert shapes == [(6, 16, 1, 3)]


def test_neurons_are_the_papers() -> None:
    net = SpikeDrivenTransformer(TINY_TASK, TINY)
    neurons = [m for m in net.modules() if isinstance(m, CubaNeuron)]
    assert len(neurons) == 1 + TINY.depth * 7
    assert all(n.surrogate == Sigmoid(4.0) and n.detach_reset for n in neurons)
    assert [n.threshold for n in neurons].count(0.5) == TINY.depth


def test_unknown_parts_and_videos_are_refused() -> None:
    with pytest.raises(SpikewattError, match=r"'xor'.*masks, sums"):
        SpikeDrivenTransformer(TINY_TASK, replace(TINY, attention="xor"))
    with pytest.raises(SpikewattError, match=r"'sew'.*membrane, spikes"):
        SpikeDrivenTransformer(TINY_TASK, replace(TINY, residual="sew"))
    with pytest.raises(SpikewattError, match="reads skeletons"):
        SpikeDrivenTransformer(VideoTask(classes=4), TINY)


def test_eight_clips_can_be_learned() -> None:
    torch.manual_seed(0)
    net = SpikeDrivenTransformer(TINY_TASK, TINY)
    x, labels = clips(batch=8, persons=1), torch.arange(8) % 4
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        optimiser.step()
    assert (net(x).argmax(dim=1) == labels).float().mean() >= 0.95
