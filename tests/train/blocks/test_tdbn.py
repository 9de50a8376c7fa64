"""Time-dependent normalisation against batch normalisation, step by step."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.tdbn import TimeDependentNorm

CHANNELS, STEPS = 5, 4


def clip(*, steps_differ: bool) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    if not steps_differ:
        frame = torch.randn(3, CHANNELS, 2, 6, 1, generator=generator)
        return frame.expand(-1, -1, -1, -1, STEPS).contiguous()
    shift = torch.arange(STEPS) * 3.0
    return torch.randn(3, CHANNELS, 2, 6, STEPS, generator=generator) * (1 + shift) + shift


def step_by_step(x: torch.Tensor, norms: list[nn.BatchNorm2d]) -> torch.Tensor:
    return torch.stack([norm(x[..., t]) for t, norm in enumerate(norms)], dim=-1)


def test_each_step_has_a_batch_norm_of_its_own() -> None:
    x = clip(steps_differ=True)
    tdbn, norms = TimeDependentNorm(CHANNELS, STEPS), [nn.BatchNorm2d(CHANNELS) for _ in range(4)]
    with torch.no_grad():
        for t, norm in enumerate(norms):
            norm.weight.copy_(torch.randn(CHANNELS))
            norm.bias.copy_(torch.randn(CHANNELS))
            tdbn.weight.view(STEPS, CHANNELS)[t] = norm.weight
            tdbn.bias.view(STEPS, CHANNELS)[t] = norm.bias
    torch.testing.assert_close(tdbn(x), step_by_step(x, norms))
    for t, norm in enumerate(norms):
        mean = tdbn.running_mean.view(STEPS, CHANNELS)[t]
        torch.testing.assert_close(mean, norm.running_mean)
    tdbn.eval()
    for norm in norms:
        norm.eval()
    torch.testing.assert_close(tdbn(x), step_by_step(x, norms))


@pytest.mark.parametrize("steps_differ", [False, True])
def test_it_is_the_shared_norm_exactly_where_steps_are_alike(steps_differ: bool) -> None:
    x = clip(steps_differ=steps_differ)
    ours, shared = TimeDependentNorm(CHANNELS, STEPS)(x), StepNorm(CHANNELS)(x)
    assert torch.allclose(ours, shared, atol=1e-5) is not steps_differ


def test_parameters_and_clip_length() -> None:
    tdbn = TimeDependentNorm(CHANNELS, STEPS)
    assert sum(p.numel() for p in tdbn.parameters()) == 2 * CHANNELS * STEPS
    with pytest.raises(SpikewattError, match="norm of 4 steps got 3 steps"):
        tdbn(clip(steps_differ=True)[..., :3])


def test_a_change_of_one_step_stays_in_it() -> None:
    x = clip(steps_differ=True)
    changed = x.clone()
    changed[..., 2] = changed[..., 2] ** 2
    same = [
        torch.equal(a, b)
        for a, b in zip(
            *(TimeDependentNorm(CHANNELS, STEPS)(y).unbind(-1) for y in (x, changed)), strict=True
        )
    ]
    assert same == [True, True, False, True]
