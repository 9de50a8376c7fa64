"""AGCN's three adjacencies against their equation, and its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.blocks.ann.layered import Layer
from spikewatt.train.models.agcn import TABLE, AdaptiveGraphConv, Agcn, Options, TwoStreamAgcn


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def test_the_golden_count_is_120_classes_and_streams_are_two_of_it() -> None:
    with torch.device("meta"):
        sixty = Agcn(replace(TABLE, classes=60), Options())
        both = TwoStreamAgcn(replace(TABLE, channels=6), Options())
    assert count(sixty) == 3_484_930 - 60 * 257
    assert count(both) == 2 * 3_484_930


def test_adjacency_is_physical_plus_learned_plus_each_clips_own() -> None:
    torch.manual_seed(0)
    conv = AdaptiveGraphConv(Layer(4, 8), NW_UCLA20, Options())
    conv.learned.data.normal_()
    x = torch.randn(2, 4, 3, 20)
    found = conv.adjacency(x)
    for k, subset in enumerate(NW_UCLA20.partitions()):
        theta, phi = conv.by_clip[k].theta(x), conv.by_clip[k].phi(x)
        for joint in range(20):
            scores = [(phi[..., joint] * theta[..., s]).sum(dim=(1, 2)) / 6 for s in range(20)]
            own = torch.softmax(torch.stack(scores, dim=1), dim=1)
            bones = torch.as_tensor(subset[joint] / max(subset[joint].sum(), 1))
            expected = bones + conv.learned[k, joint] + own
            torch.testing.assert_close(found[k, :, joint], expected)
    # and the convolution uses it, target by source
    sent = sum(
        layer(torch.einsum("nts,ncfs->ncft", a, x))
        for layer, a in zip(conv.subsets.convs, found, strict=True)
    )
    torch.testing.assert_close(conv(x), sent)


def test_learned_adjacency_starts_near_zero() -> None:
    conv = AdaptiveGraphConv(Layer(4, 8), NW_UCLA20, Options())
    assert torch.equal(conv.learned, torch.full((3, 20, 20), 1e-6))


@pytest.mark.parametrize("part", ["physical", "learned", "by_clip"])
def test_each_part_can_be_left_out(part: str) -> None:
    task = replace(TABLE, skeleton=NW_UCLA20, persons=1, frames=6)
    options = replace(Options(), width=8, **{part: False})
    net, whole = Agcn(task, options), Agcn(task, replace(Options(), width=8))
    assert net(torch.randn(2, 3, 20, 6)).shape == (2, 120)
    missing = {
        "physical": 0,
        "learned": 10 * 3 * 20 * 20,
        "by_clip": sum(p.numel() for n, p in whole.named_parameters() if "by_clip" in n),
    }
    assert count(whole) - count(net) == missing[part]
    if part == "physical":
        assert not any(b.graph.convolution.physical.any() for b in net.blocks)
