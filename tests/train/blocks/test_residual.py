"""The two kinds of residual, and the perceptron on them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.mlp import SpikingMlp
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.residual import (
    LinearThenSpike,
    Parts,
    Residual,
    SpikeThenLinear,
    residual_stage,
)
from spikewatt.train.neuron import lif

PARTS = Parts(partial(lif, threshold=0.25), StepNorm)


def spikes(*shape: int) -> torch.Tensor:
    return torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(1)).float()


def test_spike_residuals_count_and_membrane_residuals_do_not() -> None:
    torch.manual_seed(0)
    x = spikes(2, 6, 7, 4)
    counted = Residual(SpikingMlp(6, 4, PARTS, "spikes"))(x)
    assert set(counted.unique().tolist()) == {0.0, 1.0, 2.0}
    potentials = Residual(SpikingMlp(6, 4, PARTS, "membrane"))(x)
    assert len(potentials.unique()) > 10


def test_stages_are_their_equations() -> None:
    torch.manual_seed(0)
    x = 3 * torch.randn(2, 6, 7, 4)
    after, before = LinearThenSpike(6, 5, PARTS), SpikeThenLinear(6, 5, PARTS)
    mixed = torch.einsum("oi,nivt->novt", after.linear.weight[..., 0], x)
    biased = mixed + after.linear.bias[:, None, None]
    expected = after.neuron(nn.BatchNorm2d(5)(biased))
    assert (after(x) != expected).sum() == 0
    fired = torch.einsum("oi,nivt->novt", before.linear.weight[..., 0], before.neuron(x))
    expected = nn.BatchNorm2d(5)(fired + before.linear.bias[:, None, None])
    torch.testing.assert_close(before(x), expected)


def test_without_bias() -> None:
    assert LinearThenSpike(3, 4, PARTS, bias=False).linear.bias is None


@pytest.mark.parametrize("residual", ["spikes", "membrane"])
def test_perceptron_parameters(residual: str) -> None:
    mlp = SpikingMlp(256, 4, PARTS, residual)
    assert sum(p.numel() for p in mlp.parameters() if p.requires_grad) == 528_128


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(SpikewattError, match=r"'sew'.*membrane, spikes"):
        residual_stage("sew")
