"""Fusion weights as Eq. 21-23 say, the bound, what is frozen, and who gets gradients."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks import fusion as module
from spikewatt.train.blocks.fusion import (
    MOMENTUM,
    MutualInformationFusion,
    fusion,
    fusion_weights,
    lower_bound,
)

bounds_of_six_pairs = st.lists(st.integers(-50, 400), min_size=6, max_size=6)


def spikes(seed: int = 0, modalities: int = 4) -> list[torch.Tensor]:
    """M of (3, 3, 2, 5, 4); modality 1 repeats 0, the others are noise."""
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(3, modalities, 3, 2, 5, 4, generator=generator) < 0.3).float()
    x[:, 1] = x[:, 0]
    return list(x.unbind(1))


def matrix(values: list[int]) -> torch.Tensor:
    """Symmetric with these above the diagonal."""
    upper = torch.zeros(4, 4, dtype=torch.float64)
    upper[tuple(torch.triu_indices(4, 4, 1))] = torch.tensor(values, dtype=torch.float64) / 100
    return upper + upper.T


@settings(max_examples=60, deadline=None)
@given(bounds_of_six_pairs)
def test_weakest_0_strongest_1_and_the_rank_of_the_row_sums(values: list[int]) -> None:
    bounds = matrix(values)
    rows, weights = bounds.sum(dim=1), fusion_weights(bounds)
    if len({round(r, 9) for r in rows.tolist()}) == 1:
        return
    assert weights[rows.argmin()].item() == 0
    assert weights[rows.argmax()].item() == 1
    expected = (rows - rows.min()) / (rows.max() - rows.min())
    torch.testing.assert_close(weights, expected)


def test_rows_over_the_total_sum_to_one() -> None:
    bounds = matrix([100, 200, 300, 50, 60, 70])
    share = bounds.sum(dim=1) / bounds.sum()
    assert share.sum().item() == pytest.approx(1)
    expected = (share - share.min()) / (share.max() - share.min())
    torch.testing.assert_close(fusion_weights(bounds), expected)


def test_two_modalities_have_equal_rows_and_weights() -> None:
    assert fusion_weights(torch.tensor([[0.0, 2.0], [2.0, 0.0]])).tolist() == [1, 1]


def test_the_bound_of_equal_statistics_is_jensens_gap() -> None:
    t = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    expected = 1.5 - math.log(sum(math.exp(v) for v in (0, 1, 2, 3)) / 4)
    assert lower_bound(t, t).item() == pytest.approx(expected)
    assert lower_bound(t, torch.zeros_like(t)).item() == pytest.approx(1.5)


def test_training_climbs_the_bounds_and_finds_the_pair_that_belongs_together() -> None:
    torch.manual_seed(0)
    smf = MutualInformationFusion(3, features=15)
    optimizer = torch.optim.Adam(smf.parameters(), lr=0.01)
    found = []
    for step in range(80):
        x = spikes(step, modalities=3)
        smf(x).sum().backward()  # a loss that says nothing about the statistic
        optimizer.step()
        optimizer.zero_grad()
        found.append(smf.bounds.clone())
    assert found[-1][0, 1] > found[10][0, 1]
    assert found[-1][0, 1] > found[-1][0, 2]
    assert found[-1][0, 1] > found[-1][1, 2]
    assert smf.weights[2].item() == 0
    assert smf.weights.max().item() == 1


def test_evaluation_uses_the_frozen_weights_whatever_the_batch() -> None:
    torch.manual_seed(0)
    smf = MutualInformationFusion(4, features=15)
    smf(spikes())
    first = smf.bounds.clone()
    smf(spikes(1))
    assert not torch.equal(first, smf.bounds)
    smf.eval()
    x, weights = spikes(2), smf.weights
    torch.testing.assert_close(smf(x), sum(w * p for w, p in zip(weights, x, strict=True)))
    assert torch.equal(smf(x)[:1], smf([p[:1] for p in x]))


def test_running_bounds_follow_the_batches() -> None:
    smf = MutualInformationFusion(4, features=15)
    torch.manual_seed(3)
    expected = smf.pair_bounds(spikes()) * MOMENTUM
    torch.manual_seed(3)
    smf(spikes())
    torch.testing.assert_close(smf.bounds, expected)


def test_freezing_takes_the_mean_over_the_training_set() -> None:
    smf = MutualInformationFusion(4, features=15)
    batches = [spikes(0), spikes(1)]
    torch.manual_seed(3)
    expected = sum(smf.pair_bounds(x) for x in batches) / 2
    torch.manual_seed(3)
    smf.freeze(batches)
    torch.testing.assert_close(smf.bounds, expected)
    with pytest.raises(SpikewattError, match="at least one batch"):
        smf.freeze([])


def test_every_parameter_of_the_statistic_gets_the_gradient_of_the_bounds() -> None:
    torch.manual_seed(0)
    smf = MutualInformationFusion(4, features=15)
    torch.manual_seed(1)
    (3 * smf(spikes())).sum().backward()
    got = [p.grad.clone() for p in smf.parameters()]
    smf.zero_grad()
    torch.manual_seed(1)
    (-smf.pair_bounds(spikes()).sum()).backward()
    for a, p in zip(got, smf.parameters(), strict=True):
        torch.testing.assert_close(a, p.grad)
        if p is not smf.statistic.output.bias:  # a constant moves t and t' alike
            assert p.grad.abs().sum() > 0


@pytest.mark.parametrize(("name", "weight"), [("mean", 0.25), ("sum", 1.0)])
def test_constant_fusions(name: str, weight: float) -> None:
    x = spikes()
    torch.testing.assert_close(fusion(name, 4, 15)(x), weight * sum(x))


def test_an_unknown_fusion_names_the_known_ones() -> None:
    with pytest.raises(SpikewattError, match="mutual-information"):
        fusion("smf", 4, 15)
    assert set(module.FUSIONS) == {"mutual-information", "mean", "sum"}
