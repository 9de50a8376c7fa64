"""Windows of frames, multi-scale graphs and convolutions against loops."""

from __future__ import annotations

import pytest
import torch

from spikewatt.data.graph import NW_UCLA20
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.ann.adjacency import neighbours, scales, window_graph
from spikewatt.train.blocks.ann.multi_scale import MultiScaleGraph, WindowGraph, unfold_windows
from spikewatt.train.blocks.ann.temporal import Frames, MultiScaleTemporal, Scales


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize("frames", [7, 8])
def test_windows(window: int, stride: int, dilation: int, frames: int) -> None:
    x = torch.randn(2, 3, frames, 4)
    y = unfold_windows(x, Frames(window, stride, dilation))
    centres = range(0, frames, stride)
    assert y.shape == (2, 3, len(centres), window * 4)
    for place, centre in enumerate(centres):
        for tap in range(window):
            frame = centre + (tap - window // 2) * dilation
            expected = x[:, :, frame] if 0 <= frame < frames else torch.zeros(2, 3, 4)
            assert torch.equal(y[:, :, place, tap * 4 : tap * 4 + 4], expected)


def test_graph_of_several_scales() -> None:
    torch.manual_seed(0)
    adjacency = scales(neighbours(NW_UCLA20), 4)
    unit = MultiScaleGraph(adjacency, 3, 5, mask=True).eval()
    x = torch.randn(2, 3, 6, 20)
    assert unit.mask.abs().max() <= 1e-6
    unit.mask.data.normal_()
    weight = unit.conv.weight[:, :, 0, 0].unflatten(1, (4, 3))
    expected = unit.conv.bias[:, None, None].expand(2, 5, 6, 20).clone()
    for k in range(4):
        edges = torch.as_tensor(adjacency[k]) + unit.mask[k]
        for joint in range(20):
            heard = (edges[joint] * x).sum(dim=3)
            expected[..., joint] += torch.einsum("oc,ncf->nof", weight[:, k], heard)
    torch.testing.assert_close(unit(x), torch.relu(unit.norm(expected)), atol=1e-5, rtol=1e-4)


def test_a_window_is_one_graph() -> None:
    """Every output frame sees its window only, and all of it."""
    torch.manual_seed(0)
    graph = scales(window_graph(neighbours(NW_UCLA20), 3), 3)
    unit = WindowGraph(MultiScaleGraph(graph, 2, 4, mask=False), 4, Frames(3, stride=2)).eval()
    x = torch.randn(1, 2, 8, 20, requires_grad=True)
    y = unit(x)
    assert y.shape == (1, 4, 4, 20)
    y[:, :, 2].square().sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1, 3)) > 0
    assert seen.tolist() == [frame in (3, 4, 5) for frame in range(8)]


def test_multi_scale_convolution() -> None:
    torch.manual_seed(0)
    unit = MultiScaleTemporal(3, 8, Scales(kernel=5, dilations=(1, 2), stride=2)).eval()
    x = torch.randn(2, 3, 8, 4, requires_grad=True)
    y = unit(x)
    assert y.shape == (2, 8, 4, 4)
    reach = {0: (2, 3, 4, 5, 6), 2: (0, 2, 4, 6), 6: (4,)}
    for channel, frames in reach.items():
        (grad,) = torch.autograd.grad(y[:, channel, 2].sum(), x, retain_graph=True)
        seen = (grad.abs().sum(dim=(0, 1, 3)) > 0).nonzero().flatten().tolist()
        assert set(seen) == set(frames)
    squeezed = unit.branches[2][:2](x)
    padded = torch.nn.functional.pad(squeezed, (0, 0, 1, 1), value=-torch.inf)
    largest = torch.stack([padded[:, :, f : f + 3].amax(dim=2) for f in (0, 2, 4, 6)], dim=2)
    torch.testing.assert_close(y[:, 4:6], unit.branches[2][3](largest))


def test_channels_must_divide() -> None:
    with pytest.raises(SpikewattError, match="4 branches cannot share 10 channels"):
        Scales().width(10)
