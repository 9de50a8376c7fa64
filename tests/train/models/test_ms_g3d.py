"""MS-G3D's stages, and its switches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.models.ms_g3d import TABLE, MsG3d, Options


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def test_the_golden_count_is_sixty_classes() -> None:
    with torch.device("meta"):
        net = MsG3d(replace(TABLE, classes=120), Options())
    assert count(net) == 3_194_595 + 60 * 385


def test_stages_halve_the_frames_twice() -> None:
    task = replace(TABLE, frames=12)
    with torch.device("meta"):
        net = MsG3d(task, Options())
        _, kept = net(torch.empty(1, 2, 3, 25, 12), taps=(1, 2, 3))
    shapes = [tuple(kept[stage].shape) for stage in (1, 2, 3)]
    assert shapes == [(2, 96, 12, 25), (2, 192, 6, 25), (2, 384, 3, 25)]


def test_a_stage_is_the_sum_of_its_paths() -> None:
    task = replace(TABLE, skeleton=NW_UCLA20, persons=1, frames=8)
    stage = MsG3d(task, replace(Options(), width=6)).eval().blocks[1]
    x = torch.randn(2, 6, 8, 20)
    graphs, first, second = stage.paths[0][0], stage.paths[0][1], stage.paths[0][3]
    factorised = second(torch.relu(first(graphs(x))))
    three, five = stage.paths[1:]
    joined = torch.relu(factorised + three(x) + five(x))
    torch.testing.assert_close(stage(x), torch.relu(stage.temporal(joined)))
    assert (three.window.kernel, five.window.kernel) == (3, 5)


@pytest.mark.parametrize(
    "change",
    [
        {"windows": (), "dilations": ()},
        {"windows": (3,), "dilations": (2,)},
        {"factorised": False},
        {"disentangled": False},
        {"mask": False},
    ],
    ids=str,
)
def test_switches(change: dict) -> None:
    task = replace(TABLE, skeleton=NW_UCLA20, persons=1, frames=7, classes=4)
    net = MsG3d(task, replace(Options(), width=6, graph_scales=4, window_scales=3, **change))
    net(torch.randn(2, 3, 20, 7)).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
