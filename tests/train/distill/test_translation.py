"""FTM: from the channels of all teachers to spikes of a student's block."""

from __future__ import annotations

import pytest
import torch

from spikewatt.train.blocks.membrane import Membrane
from spikewatt.train.distill import FeatureTranslation


@pytest.mark.parametrize(("channels", "frames"), [(128, 32), (256, 16)])
def test_shapes_of_the_paper(channels: int, frames: int) -> None:
    with torch.device("meta"):
        ftm = FeatureTranslation(4 * channels, channels, 4, Membrane().build)
        assert ftm(torch.zeros(2, 4 * channels, frames, 25)).shape == (2, channels, frames, 25, 4)


def test_spikes_and_gradients_to_every_parameter() -> None:
    torch.manual_seed(0)
    ftm = FeatureTranslation(8, 4, 3, Membrane().build)
    spikes = ftm(torch.randn(2, 8, 4, 5))
    assert set(spikes.unique().tolist()) == {0, 1}
    (spikes * torch.randn(spikes.shape)).sum().backward()
    for name, p in ftm.named_parameters():
        assert not p.requires_grad or p.grad.abs().sum() > 0, name


def test_depthwise_then_pointwise() -> None:
    ftm = FeatureTranslation(8, 4, 3, Membrane().build)
    separable = [ftm.depthwise, ftm.pointwise]
    assert sum(p.numel() for m in separable for p in m.parameters()) == (8 * 9 + 8) + (8 * 4 + 4)
