"""The plain network: its learned adjacency against the equation, and its switches."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.models.small_st_gcn import TABLE, LearnedGraphConv, Options, SmallStGcn


def test_the_golden_count_is_120_classes_and_kernel_five() -> None:
    with torch.device("meta"):
        sixty = SmallStGcn(replace(TABLE, classes=60), Options())
        nine = SmallStGcn(TABLE, replace(Options(), kernel=9))
    assert sum(p.numel() for p in sixty.parameters()) == 2_108_322 - 60 * 257
    taps = sum(c.in_channels * c.out_channels for c in temporal_convs(sixty))
    assert sum(p.numel() for p in nine.parameters()) == 2_108_322 + 4 * taps


def temporal_convs(net: SmallStGcn) -> list:
    return [block.temporal.conv for block in net.blocks]


def test_macs() -> None:
    """Two persons at 64 frames: 1.3 % under the 2.56 G of MK-SGN's table."""
    task = replace(TABLE, frames=64)
    with torch.device("meta"):
        net = SmallStGcn(task, Options()).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(torch.empty(1, 2, 3, 25, 64))
    assert counter.get_total_flops() // 2 == 2_526_958_720


def test_learned_adjacency_has_unit_rows() -> None:
    torch.manual_seed(0)
    conv = LearnedGraphConv(4, 6, 20, subsets=3)
    conv.adjacency.data.normal_()
    x, expected = torch.randn(2, 4, 3, 20), torch.zeros(2, 6, 3, 20)
    for subset, layer in zip(conv.adjacency, conv.subsets.convs, strict=True):
        for joint in range(20):
            row = subset[joint] / (subset[joint].square().sum().sqrt() + 1e-4)
            heard = sum(row[source] * x[..., source] for source in range(20))
            sent = torch.einsum("oc,ncf->nof", layer.weight[:, :, 0, 0], heard)
            expected[..., joint] += sent + layer.bias[:, None]
    torch.testing.assert_close(conv(x), expected)


def test_fixed_adjacency_is_the_skeleton() -> None:
    task = replace(TABLE, skeleton=NW_UCLA20, persons=1, frames=6)
    net = SmallStGcn(task, replace(Options(), adaptive=False, width=4)).eval()
    assert not any("adjacency" in name for name, _ in net.named_parameters())
    adjacency = net.blocks[0].graph.convolution.adjacency
    assert torch.equal(adjacency > 0, torch.as_tensor(NW_UCLA20.partitions()) > 0)
    assert net(torch.zeros(1, 3, 20, 6)).shape == (1, 120)
