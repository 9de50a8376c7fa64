"""FSC: its DFT is torch's, its merged maps are its float maps, and its branches differ rightly."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.frequency import (
    BRANCHES,
    Frequency,
    FrequencyConv,
    FrequencyMix,
    dft,
)
from spikewatt.train.neuron import CubaNeuron, lif

JOINTS, STEPS = 5, 6


def spikes(channels: int = 4, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (3, channels, JOINTS, STEPS), generator=generator).float()


def neuron(threshold: float) -> CubaNeuron:
    return lif(threshold=threshold)


def build(branch: str = "complex", **settings: object) -> FrequencyConv:
    torch.manual_seed(0)
    conv = FrequencyConv(4, 8, Frequency(JOINTS, branch, **settings), neuron)
    for layer in conv.modules():  # loud enough to fire
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.constant_(layer.weight, 3.0)
    return conv


def settled(mix: FrequencyMix) -> FrequencyMix:
    for norm in (m for m in mix.modules() if isinstance(m, nn.BatchNorm1d)):
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            nn.init.normal_(tensor)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    return mix.eval()


@pytest.mark.parametrize("joints", [1, 5, 20, 25])
def test_the_matrices_are_the_dft(joints: int) -> None:
    x = torch.randn(2, 3, joints, 4, generator=torch.Generator().manual_seed(0))
    re, im = (torch.einsum("vu,ncut->ncvt", part, x) for part in dft(joints))
    expected = torch.fft.fft(x, dim=2)
    torch.testing.assert_close(re, expected.real, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(im, expected.imag, rtol=1e-5, atol=1e-5)


def test_the_branch_is_the_complex_map_of_the_windowed_dft() -> None:
    torch.manual_seed(0)
    mix, x = settled(FrequencyMix(4, JOINTS)), spikes()
    found = torch.fft.fft(x * mix.window[:, None], dim=2)
    real, imaginary = mix(x)
    torch.testing.assert_close(real, mix.real(found.real) - mix.imaginary(found.imag))
    torch.testing.assert_close(imaginary, mix.real(found.imag) + mix.imaginary(found.real))


@pytest.mark.parametrize("window", [True, False])
@pytest.mark.parametrize("complex_branch", [True, False])
def test_merged_maps_compute_the_same(window: bool, complex_branch: bool) -> None:
    torch.manual_seed(0)
    mix, x = settled(FrequencyMix(4, JOINTS, window, complex_branch)), spikes()
    merged = mix.merged()
    assert len(merged) == 1 + complex_branch
    for (matrix, bias), expected in zip(merged, mix(x), strict=True):
        y = torch.einsum("vuoi,niut->novt", matrix, x) + bias[:, None, None]
        torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-4)


def test_a_window_of_zero_silences_a_joint() -> None:
    mix, x = FrequencyMix(4, JOINTS), spikes()
    nn.init.ones_(mix.window)
    changed = x.clone()
    changed[:, :, 2] = 1 - changed[:, :, 2]
    assert not torch.equal(mix.spectrum(x)[0], mix.spectrum(changed)[0])
    with torch.no_grad():
        mix.window[2] = 0
    assert torch.equal(mix.spectrum(x)[0], mix.spectrum(changed)[0])
    plain = FrequencyMix(4, JOINTS, window=False).spectrum(x)
    nn.init.ones_(mix.window)
    assert all(torch.equal(a, b) for a, b in zip(plain, mix.spectrum(x), strict=True))


def test_parameters_of_a_branch() -> None:
    count = {b: sum(p.numel() for p in build(b).parameters() if p.requires_grad) for b in BRANCHES}
    entry, norm, square = 3 * 4 * 8, 2 * 8, 8 * 8 + 8
    one = entry + norm + JOINTS + 2 * (square + norm)
    assert count["real"] == one
    assert count["complex"] == count["released"] == one + 2 * (square + norm)
    assert count["joined"] == count["complex"] - 8 - norm


def test_the_released_code_takes_r_twice_through_neurons_that_remember() -> None:
    released, meant = build("released").eval(), build("complex").eval()
    meant.load_state_dict(released.state_dict())
    assert not torch.equal(released(spikes()), meant(spikes()))
    branch, x = released.branch, released.entry(spikes())
    r = branch.mix.real_part(x)
    torch.testing.assert_close(r, meant.branch.mix(x)[0])
    # the reference: one neuron called twice, its state kept from one call to the next
    first, last = neuron(1.0), neuron(1.0)
    first.persistent_state = last.persistent_state = True
    y = 0
    for layer, fired in zip((branch.real, branch.imaginary), [first(r), first(r)], strict=True):
        y = y + last(layer.norm(layer.conv(fired)))
    assert torch.equal(branch(x), y)


@pytest.mark.parametrize("branch", BRANCHES)
def test_gradients_reach_every_parameter(branch: str) -> None:
    conv = build(branch)
    (conv(spikes()) * torch.randn(3, 8, JOINTS, STEPS)).sum().backward()
    still = {n for n, p in conv.named_parameters() if p.requires_grad and not p.grad.abs().sum()}
    assert still == set()


def test_a_narrow_branch_leaves_with_all_channels() -> None:
    conv = build(width=2)
    assert conv.entry.conv.out_channels == 2
    assert conv(spikes()).shape == (3, 8, JOINTS, STEPS)
    with pytest.raises(SpikewattError, match="'fast'"):
        build("fast")
