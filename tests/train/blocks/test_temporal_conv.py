"""The spiking temporal convolution and its residual."""

from __future__ import annotations

import pytest
import torch

from spikewatt.train.blocks.membrane import Membrane
from spikewatt.train.blocks.temporal_conv import SpikingTemporalConv, frame_conv, spiking_residual

NEURON = Membrane().build


@pytest.mark.parametrize(("frames", "stride", "kept"), [(8, 1, 8), (8, 2, 4), (7, 2, 4)])
def test_frames_are_divided_by_the_stride(frames: int, stride: int, kept: int) -> None:
    stc = SpikingTemporalConv((3, 4), NEURON, stride=stride)
    y = stc(torch.rand(2, 4, frames, 5, 3), torch.rand(2, 3, frames, 5, 3))
    assert y.shape == (2, 4, kept, 5, 3)
    assert set(y.unique().tolist()) <= {0, 1, 2}


def test_the_convolution_is_over_frames_of_one_joint_and_step() -> None:
    torch.manual_seed(0)
    conv, x = frame_conv(2, 3, kernel=5, stride=2), torch.randn(2, 2, 9, 4, 3)
    flat = torch.nn.functional.conv1d(
        x[:, :, :, 1, 2], conv.weight[..., 0, 0], conv.bias, stride=2, padding=2
    )
    torch.testing.assert_close(conv(x)[:, :, :, 1, 2], flat)


def test_the_residual_is_the_identity_where_nothing_changes() -> None:
    torch.manual_seed(0)
    stc = SpikingTemporalConv((4, 4), NEURON)
    x, around = torch.rand(2, 4, 6, 5, 3), torch.randint(0, 4, (2, 4, 6, 5, 3)).float()
    assert torch.equal(stc(x, around), stc.layer(x) + around)
    count = sum(
        p.numel() for p in spiking_residual(3, 4, 1, NEURON).parameters() if p.requires_grad
    )
    assert count == 3 * 4 + 4 + 2 * 4
