"""CTR-GCN's topologies against loops over channels and joints, and its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.ann.layered import Layer
from spikewatt.train.models.ctr_gcn import TABLE, ChannelGraphConv, CtrGcn, Options


def conv_of(options: Options) -> ChannelGraphConv:
    torch.manual_seed(0)
    return ChannelGraphConv(Layer(16, 4), NW_UCLA20, options)


def point(conv: torch.nn.Conv2d, column: torch.Tensor) -> torch.Tensor:
    return conv.weight[:, :, 0, 0] @ column + conv.bias


def test_every_channel_has_its_own_topology() -> None:
    conv = conv_of(Options())
    conv.alpha.data.fill_(0.7)
    x = torch.randn(1, 16, 3, 20)
    mean = x[0].mean(dim=1)
    expected = torch.zeros(4, 3, 20)
    for k in range(3):
        unit, values = conv.refinements[k], conv.convs[k](x)[0]
        for target in range(20):
            for source in range(20):
                apart = point(unit.target, mean[:, target]) - point(unit.source, mean[:, source])
                own = 0.7 * point(unit.expand, torch.tanh(apart))  # (channels,)
                weight = conv.adjacency[k, target, source] + own
                expected[:, :, target] += weight[:, None] * values[:, :, source]
    torch.testing.assert_close(conv(x)[0], expected, atol=1e-5, rtol=1e-4)


def test_starts_as_the_skeleton_shared_by_all_channels() -> None:
    conv, x = conv_of(Options()), torch.randn(1, 16, 3, 20)
    assert conv.alpha == 0
    for subset, bones in zip(conv.adjacency, NW_UCLA20.partitions(), strict=True):
        targets = torch.as_tensor(bones).sum(dim=0).clamp(min=1)  # how many hear each joint
        torch.testing.assert_close(subset * targets, torch.as_tensor(bones))
    for k in range(3):
        topology = conv.topology(x, k)
        assert torch.equal(topology, conv.adjacency[k].expand_as(topology))


def test_refinement_learns_from_the_second_step_on() -> None:
    conv, x = conv_of(Options()), torch.randn(2, 16, 3, 20)
    conv(x).square().sum().backward()
    assert conv.alpha.grad != 0
    assert not any(p.grad.any() for p in conv.refinements.parameters())
    conv.alpha.data -= 1e-4 * conv.alpha.grad
    conv.zero_grad()
    conv(x).square().sum().backward()
    assert all(p.grad.any() for p in conv.refinements.parameters())


def test_relations_are_an_eighth_and_at_least_eight() -> None:
    with torch.device("meta"):
        net = CtrGcn(TABLE, Options())
    inner = [b.graph.convolution.refinements[0].target.out_channels for b in net.blocks]
    assert inner == [8, 8, 8, 8, 8, 16, 16, 16, 32, 32]


def test_switches() -> None:
    fixed = conv_of(replace(Options(), adaptive=False))
    assert not fixed.adjacency.requires_grad
    plain = conv_of(replace(Options(), refine=False))
    x = torch.randn(2, 16, 3, 20)
    expected = sum(
        torch.einsum("ts,ncfs->ncft", a, conv(x))
        for a, conv in zip(plain.adjacency, plain.convs, strict=True)
    )
    torch.testing.assert_close(plain(x), expected)
    with pytest.raises(SpikewattError, match="activation"):
        conv_of(replace(Options(), activation="softplus"))
    with pytest.raises(SpikewattError, match="branches"):
        CtrGcn(TABLE, replace(Options(), dilations=(1, 2, 3)))
