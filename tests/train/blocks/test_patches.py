"""Patches, joints and local convolutions: shapes, and the two-dimensional layers they are."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from spikewatt.train.blocks.local_features import Depthwise, LocalExtractor, LocalPath
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.patches import JointEmbedding, PatchEmbedding
from spikewatt.train.blocks.residual import Parts
from spikewatt.train.neuron import lif

PARTS = Parts(lif, StepNorm)


@pytest.mark.parametrize("stride", [2, 4])
def test_patches_overlap_by_a_pixel_and_shrink_by_the_stride(stride: int) -> None:
    torch.manual_seed(0)
    embed = PatchEmbedding((3, 5), stride, PARTS, spikes=False)
    embed.norm = nn.Identity()
    x = torch.randn(2, 3, 8, 12, 4)
    y = embed(x)
    assert y.shape == (2, 5, 8 // stride, 12 // stride, 4)
    weight = embed.conv.weight[..., 0]
    assert weight.shape[2:] == (stride + 2, stride + 2)
    for t in range(4):
        frame = functional.conv2d(x[..., t], weight, embed.conv.bias, stride, padding=1)
        torch.testing.assert_close(y[..., t], frame)


def test_later_patches_read_spikes() -> None:
    torch.manual_seed(0)
    embed = PatchEmbedding((3, 5), 2, PARTS)
    x = 3 * torch.randn(2, 3, 8, 8, 4)
    expected = embed.norm(embed.conv(lif()(x)))
    assert torch.equal(embed(x), expected)


def test_joints_are_shown_at_each_step() -> None:
    torch.manual_seed(0)
    embed = JointEmbedding(3, 5, steps=4)
    x = torch.randn(2, 3, 20, 6)
    y = embed(x)
    assert y.shape == (2, 5, 6, 20, 4)
    for t in range(1, 4):
        assert torch.equal(y[..., t], y[..., 0])
    embed.norm = nn.Identity()
    image = functional.conv2d(x.transpose(2, 3), embed.conv.weight[..., 0], padding=1)
    torch.testing.assert_close(embed(x)[..., 0], image)


def test_depthwise_keeps_channels_apart() -> None:
    torch.manual_seed(0)
    conv = Depthwise(4, kernel=5)
    x = torch.randn(1, 4, 6, 6, 2)
    other = x.clone()
    other[:, 2] += 1
    changed = (conv(x) != conv(other)).flatten(2).any(dim=2)[0]
    assert changed.tolist() == [False, False, True, False]


def test_local_parts_keep_or_halve_the_map() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 8, 4, 3)
    assert LocalExtractor(6, PARTS)(x).shape == x.shape
    assert LocalPath(6, 10, PARTS)(x).shape == (2, 10, 4, 2, 3)
