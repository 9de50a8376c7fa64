"""Spiking coding: one clip at all steps, convolved over frames and joints."""

from __future__ import annotations

import torch

from spikewatt.train.blocks.coding import SpikingCoding, repeat_steps
from spikewatt.train.blocks.membrane import Membrane


def test_repeating_changes_nothing() -> None:
    x = torch.randn(2, 3, 4, 5)
    repeated = repeat_steps(x, 4)
    assert repeated.shape == (2, 3, 4, 5, 4)
    assert all(torch.equal(repeated[..., s], x) for s in range(4))


def test_currents_are_those_of_a_2d_convolution_and_leak_over_the_steps() -> None:
    torch.manual_seed(0)
    coding = SpikingCoding(3, 4, Membrane().build).eval()
    with torch.no_grad():
        coding.layer.conv.weight.normal_(0, 0.3)
    x = torch.randn(2, 3, 6, 5)
    conv = coding.layer.conv
    flat = torch.nn.functional.conv2d(x, conv.weight[..., 0], conv.bias, padding=1)
    torch.testing.assert_close(conv(repeat_steps(x, 4))[..., 2], flat)
    current = coding.layer.norm(conv(repeat_steps(x, 4)))[..., 0]
    spikes = coding(x)
    # constant X without a spike: V[s] = X (1 + 1/4 + 1/16 + 1/64), which 1 lies between
    silent = spikes.sum(dim=-1) == 0
    assert bool((current[silent] < 1.01 / 1.328125).all())
    assert torch.equal(spikes[..., 0] == 1, (current * 4096).trunc() > 4096)
    late = (spikes[..., 0] == 0) & (spikes[..., 1:].sum(dim=-1) > 0)
    assert bool(late.any())
    assert bool((current[late] > 0.99 / 1.328125).all())


def test_parameters_of_the_papers_coding() -> None:
    coding = SpikingCoding(3, 4, Membrane().build)
    assert sum(p.numel() for p in coding.parameters() if p.requires_grad) == 90
