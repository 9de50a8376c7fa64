"""The distances against a few lines of their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from spikewatt.train.distill import cosine_distance, soft_distance


def test_soft_distance_is_the_mean_square() -> None:
    student, teacher = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 4.0], [3.0, 0]])
    assert soft_distance(student, teacher).item() == (1 + 4 + 9 + 0) / 4


def test_cosine_distance_is_the_mean_over_places_and_steps() -> None:
    student = torch.tensor([[1.0, 1, 0], [2, 0, 0]]).T.view(1, 3, 1, 1, 2)
    teacher = torch.tensor([[1.0, 0, 0], [1, 0, 0]]).T.view(1, 3, 1, 1, 2)
    expected = ((1 - 1 / math.sqrt(2)) + 0) / 2
    assert cosine_distance(student, teacher).item() == pytest.approx(expected)


def test_silent_places_are_at_distance_one_and_have_bounded_gradients() -> None:
    silent = torch.zeros(1, 3, 2, requires_grad=True)
    spikes = torch.ones(1, 3, 2)
    distance = cosine_distance(silent, spikes)
    distance.backward()
    assert distance.item() == 1
    assert silent.grad is not None
    assert silent.grad.abs().max() <= 1


def test_spikes_have_the_plain_cosine() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randint(0, 3, (2, 6, 5, 4), generator=generator).float() for _ in range(2))
    dot, lengths = (a * b).sum(dim=1), a.norm(dim=1) * b.norm(dim=1)
    expected = 1 - torch.where(lengths > 0, dot / lengths.clamp_min(1), torch.zeros(()))
    torch.testing.assert_close(cosine_distance(a, b), expected.mean())
