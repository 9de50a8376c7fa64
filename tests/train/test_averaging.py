"""The moving average against its recursion, written out."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.averaging import Average


def net(value: float) -> nn.Module:
    found = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        found[0].weight.fill_(value)
    return found


def test_the_recursion() -> None:
    found = net(1.0)
    average, expected = Average(found, 0.5), 1.0
    for steps, value in enumerate((3.0, -1.0, 10.0, 4.0, 0.5, 7.0, 2.0, 1.0, 5.0, 6.0), start=1):
        with torch.no_grad():
            found[0].weight.fill_(value)
            found[1].running_mean.fill_(value)
            found[1].num_batches_tracked.fill_(steps)
        average.update(found, steps)
        decay = min(0.5, (1 + steps) / (10 + steps))
        expected = decay * expected + (1 - decay) * value
    torch.testing.assert_close(average.weights["0.weight"].item(), expected)
    assert average.weights["1.num_batches_tracked"] == 10
    assert average.weights["1.running_mean"].item() != found[1].running_mean.item()


def test_weights_that_stay_have_themselves_as_average() -> None:
    found = net(0.1)
    average = Average(found, 0.999)
    for steps in range(1, 50):
        average.update(found, steps)
    assert all(torch.equal(w, average.weights[name]) for name, w in found.state_dict().items())


def test_worn_and_taken_off_again() -> None:
    found = net(1.0)
    average = Average(found, 0.5)
    with torch.no_grad():
        found[0].weight.fill_(2.0)
    with average.worn_by(found):
        assert found[0].weight.item() == 1.0
    assert found[0].weight.item() == 2.0
    assert average.weights["0.weight"].item() == 1.0


def test_goes_on_from_what_was_saved() -> None:
    found = net(1.0)
    first = Average(found, 0.5)
    second = Average(net(5.0), 0.5)
    second.load(first.weights)
    for average in (first, second):
        average.update(net(3.0), 1)
    assert torch.equal(first.weights["0.weight"], second.weights["0.weight"])
