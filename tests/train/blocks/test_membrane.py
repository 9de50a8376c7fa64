"""The membranes' equations, step by step, on currents whose sums are exact."""

from __future__ import annotations

import pytest
import torch

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.membrane import Membrane, reached_at


def by_hand(currents: list[float], keep: float, gain: float, threshold: float) -> list[float]:
    voltage, spikes = 0.0, []
    for current in currents:
        voltage = keep * voltage + gain * current
        spikes.append(float(voltage > threshold))
        voltage *= 1 - spikes[-1]
    return spikes


@pytest.mark.parametrize(("keep", "averaging"), [(0.25, False), (0.5, True), (1.0, False)])
def test_the_equation(keep: float, averaging: bool) -> None:
    currents = [0.75, 0.5, 1.5, 0.875, 2.0, 0.25, 2.5, 0.5]
    spikes = Membrane(keep, averaging).build()(torch.tensor(currents)[None, None])
    assert spikes.flatten().tolist() == by_hand(currents, keep, 1 - keep if averaging else 1, 1.0)
    assert 0 < spikes.sum() < len(currents)


def test_a_current_of_one_reaches_the_threshold_below_one_only() -> None:
    ones = torch.ones(1, 1, 1)
    assert Membrane().build(1.0)(ones).item() == 0  # Lava's >
    assert Membrane().build(reached_at(1.0))(ones).item() == 1  # the papers' >=


def test_the_surrogate_is_a_box_of_width_one() -> None:
    currents = torch.tensor([[[0.25]], [[0.75]], [[1.25]], [[1.75]]], requires_grad=True)
    Membrane().build()(currents).sum().backward()
    assert currents.grad is not None
    assert currents.grad.flatten().tolist() == [0, 1, 1, 0]


def test_a_share_is_between_nothing_and_all() -> None:
    with pytest.raises(SpikewattError, match=r"keep is 1\.5"):
        Membrane(keep=1.5)
