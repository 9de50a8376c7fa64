"""Shift-GCN's layers against index formulas, and its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.ann.layered import Layer
from spikewatt.train.models.shift_gcn import TABLE, JointNorm, Options, ShiftGcn, ShiftGraphConv


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def test_the_golden_count_is_sixty_classes_with_shifts_along_the_joints() -> None:
    with torch.device("meta"):
        plane = ShiftGcn(TABLE, Options())
        frames = ShiftGcn(TABLE, replace(Options(), over_joints=False))
        wide = ShiftGcn(replace(TABLE, classes=120), Options())
    assert count(plane) == 693_107
    assert count(frames) == 693_107 - 2_816  # two a channel: 2 (4 x 64 + 3 x 128 + 3 x 256)
    assert count(wide) == 693_107 + 60 * 257


def test_graph_layer_by_the_papers_flat_index() -> None:
    """Flattened joint by joint: place i C + j takes (i C + j +- j C) mod V C."""
    torch.manual_seed(0)
    conv = ShiftGraphConv(Layer(6, 10), NW_UCLA20, Options())
    conv.mask.data.normal_()
    x, v = torch.randn(2, 6, 3, 20), 20

    def shifted(y: torch.Tensor, sign: int) -> torch.Tensor:
        c = y.shape[1]
        flat = y.permute(0, 2, 3, 1).flatten(2)  # (N, F, V C)
        index = [(i * c + j + sign * j * c) % (v * c) for i in range(v) for j in range(c)]
        return flat[:, :, index].unflatten(2, (v, c)).permute(0, 3, 1, 2)

    masked = shifted(x, 1) * (torch.tanh(conv.mask) + 1)
    expected = shifted(conv.conv(masked), -1)
    torch.testing.assert_close(conv(x), expected)


def test_joint_norm_is_by_channel_and_joint() -> None:
    x = torch.randn(4, 3, 5, 20) * 3 + 1
    y = JointNorm(60)(x)
    mean, var = x.mean(dim=(0, 2), keepdim=True), x.var(dim=(0, 2), keepdim=True, correction=0)
    torch.testing.assert_close(y, (x - mean) / (var + 1e-5).sqrt())


@pytest.mark.parametrize(
    "change",
    [
        {"joint_shift": "local"},
        {"joint_shift": "none"},
        {"mask": False},
        {"learned_frames": False},
        {"step": None},
    ],
    ids=str,
)
def test_switches(change: dict) -> None:
    task = replace(TABLE, skeleton=NW_UCLA20, persons=1, frames=7, classes=4)
    net = ShiftGcn(task, replace(Options(), width=8, **change))
    net(torch.randn(2, 3, 20, 7)).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_unknown_shift() -> None:
    with pytest.raises(SpikewattError, match="joint shift"):
        ShiftGcn(TABLE, replace(Options(), joint_shift="sideways"))
