"""Legendre multiwavelets: orthonormal, invertible, blind to polynomials; and their fusion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.multiwavelet import (
    Multiwavelet,
    MultiwaveletFusion,
    ReleasedFusion,
    WaveNeurons,
    Waves,
    multiwavelet,
    stretching,
)
from spikewatt.train.neuron import CubaNeuron, lif

K = 8
SIZES = (64, 5)  # channels, joints


def integrating(threshold: float) -> CubaNeuron:
    return CubaNeuron(threshold, 1.0, 0.0)


NEURONS = WaveNeurons(integrating, lambda threshold: lif(threshold=threshold))


def features(steps: int = 16, samples: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 5, (samples, *SIZES, steps), generator=generator).float()


def build(kind: type[MultiwaveletFusion] = MultiwaveletFusion, **settings: int):
    torch.manual_seed(0)
    return kind(SIZES[0], Waves(**settings), NEURONS)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_filters_are_orthogonal(k: int) -> None:
    filters = multiwavelet(k)
    np.testing.assert_allclose(filters @ filters.T, np.eye(2 * k), atol=1e-12)


def test_one_polynomial_is_haar() -> None:
    half = np.sqrt(0.5)
    np.testing.assert_allclose(multiwavelet(1), [[half, half], [half, -half]], atol=1e-15)


def test_two_polynomials_are_alperts() -> None:
    r, s = np.sqrt(0.5), np.sqrt(1.5) / 2
    scaling = [[r, 0, r, 0], [-s, r / 2, s, r / 2]]
    np.testing.assert_allclose(multiwavelet(2)[:2], scaling, atol=1e-15)


@pytest.mark.parametrize("degree", range(K))
def test_details_of_a_polynomial_vanish_and_its_scaling_is_itself(degree: int) -> None:
    points, weights = np.polynomial.legendre.leggauss(K)
    points, weights = (points + 1) / 2, weights / 2
    basis = np.polynomial.legendre.legvander(2 * points - 1, K - 1).T
    basis = basis * np.sqrt(2 * np.arange(K) + 1)[:, None] * weights
    whole = basis @ points**degree
    halves = [basis @ ((points + side) / 2) ** degree / np.sqrt(2) for side in (0, 1)]
    found = multiwavelet(K) @ np.concatenate(halves)
    np.testing.assert_allclose(found, [*whole, *np.zeros(K)], atol=1e-12)


def test_synthesis_inverts_analysis_and_keeps_energy() -> None:
    torch.manual_seed(0)
    transform, x = Multiwavelet(K), torch.randn(2, K, 5, 16)
    scaling, detail = transform(x)
    assert scaling.shape == detail.shape == (2, K, 5, 8)
    torch.testing.assert_close(transform.inverse(scaling, detail), x, rtol=1e-5, atol=1e-5)
    energy = scaling.square().sum() + detail.square().sum()
    torch.testing.assert_close(energy, x.square().sum())


def test_a_level_reads_pairs_of_steps() -> None:
    transform, x = Multiwavelet(K), torch.zeros(1, K, 1, 8)
    x[..., 5] = 1.0
    for part in transform(x):
        assert part.abs().sum(dim=(0, 1, 2)).nonzero().flatten().tolist() == [2]


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 16])
def test_stretching_is_linear_interpolation(steps: int) -> None:
    x = torch.randn(1, 3, steps, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(x, size=16, mode="linear", align_corners=True)
    torch.testing.assert_close(x @ stretching(steps, 16).T, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("steps", "levels"), [(16, 3), (4, 2), (2, 1), (12, 3), (16, 1)])
def test_levels(steps: int, levels: int) -> None:
    fusion = build(levels=3 if levels > 1 or steps == 2 else 1)
    pyramid = fusion.pyramid(fusion.coefficients(features(steps)))
    assert len(pyramid) == levels
    assert {tuple(y.shape) for pair in pyramid for y in pair} == {(2, K, 5, steps)}
    assert fusion(features(steps)).shape == (2, *SIZES, steps)


def test_one_step_has_no_wavelets() -> None:
    with pytest.raises(SpikewattError, match="2 steps"):
        build()(features(1))


@pytest.mark.parametrize("kind", [MultiwaveletFusion, ReleasedFusion])
def test_spikes_and_gradients(kind: type[MultiwaveletFusion]) -> None:
    fusion = build(kind)
    for seed in range(2):
        spikes = fusion(features(samples=4, seed=seed))
        assert set(spikes.unique().tolist()) == {0, 1}
        (spikes * torch.randn(spikes.shape)).sum().backward()
    parameters = {n: p for n, p in fusion.named_parameters() if p.requires_grad}
    assert {n for n, p in parameters.items() if not p.grad.abs().sum()} == set()


def test_the_released_code_reads_memory_under_other_axes() -> None:
    released, x = build(ReleasedFusion), features()
    y = released.norm(released.polynomials(released.narrow(x)))
    n, k, v, t = y.shape
    frames_first = y.transpose(2, 3).contiguous()  # (N, k, T, V), the released layout
    rows = frames_first.view(n, k, v, t).permute(0, 3, 2, 1)
    mixed = rows @ released.mix.weight[..., 0].T + released.mix.bias
    expected = mixed.contiguous().view(n, t, k, v)
    found = released.coefficients(x)
    torch.testing.assert_close(found.permute(0, 3, 1, 2), expected, rtol=1e-4, atol=1e-5)
    short = expected[:, :4].contiguous()
    flat = short.view(n, k * v, 4)
    long = torch.nn.functional.interpolate(flat, size=16, mode="linear", align_corners=True)
    again = released.stretched(short.permute(0, 2, 3, 1), 16).permute(0, 3, 1, 2)
    torch.testing.assert_close(again, long.view(n, 16, k, v), rtol=1e-4, atol=1e-5)


def test_the_released_attention_goes_on_from_level_to_level() -> None:
    meant, released = build(), build(ReleasedFusion)
    x = features()
    first = meant.coefficients(x)
    assert not torch.allclose(first, released.coefficients(x))
    calls = [[f.attention(first, first) for _ in range(2)] for f in (meant, released)]
    assert torch.equal(*calls[0])
    assert not torch.equal(*calls[1])
    assert not torch.equal(meant(x), released(x))
    assert torch.equal(released(x), released(x))  # clips start at rest
