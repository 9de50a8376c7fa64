"""What holds for every network of the registry."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import small_networks as small
import torch
from torch import nn

from spikewatt.data.datasets import load
from spikewatt.train.inputs import fitted_encoder, task_of, to_clips
from spikewatt.train.models import MODELS
from spikewatt.train.neuron import ATan, CubaNeuron, Rectangular, Sigmoid, Surrogate
from spikewatt.train.task import Task, VideoTask

NAMES = sorted(MODELS)
PLACES = (os.environ.get("SPIKEWATT_DATA", ""), str(Path(__file__).parents[3] / ".data"))

# of each network's populations, as its paper has it; None: slayer's
SURROGATES: dict[str, Surrogate | Callable[[float], Surrogate] | None] = {
    **{name: ATan(2.0) for name in NAMES if name.startswith("svformer")},
    "spikformer": Sigmoid(4.0),
    "sdt": Sigmoid(4.0),
    "mk-sgn": Rectangular(1.0),
    "base-sgn": Rectangular(1.0),
    "signal-sgn": lambda threshold: Sigmoid(4.0 * threshold),  # slope 4 by volt
    "signal-sgn-core": None,
    "signal-sgn-loihi": None,
}

# parameters that one batch may leave without gradient, and why
WITHOUT_GRADIENT: dict[str, tuple[str, ...]] = {}


def by_speed() -> list:
    """Every name, the long ones marked slow."""
    slow = pytest.mark.slow
    return [n if small.small(n).fast else pytest.param(n, marks=slow) for n in NAMES]


def labels(samples: int, task: Task) -> torch.Tensor:
    return torch.arange(samples) % task.classes


def step(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    return loss.detach()


def test_every_network_has_a_small_form() -> None:
    assert set(small.SMALL) >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_parameter(name: str) -> None:
    net, task = small.build(name), small.small(name).task
    x = small.clips(task, 4)
    logits = net(x)
    assert logits.shape == (4, task.classes)
    assert torch.isfinite(logits).all()
    nn.functional.cross_entropy(logits, labels(4, task)).backward()
    missing = {n for n, p in net.named_parameters() if p.requires_grad and p.grad is None}
    assert missing == set(WITHOUT_GRADIENT.get(name, ()))
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name: str) -> None:
    task, outcomes = small.small(name).task, []
    x = small.clips(task, 2)
    for seed in (0, 0, 1):
        net = small.build(name, seed=seed)
        loss = step(net, x, labels(2, task))
        outcomes.append([loss, *(p.grad for p in net.parameters() if p.grad is not None)])
    first, again, other = outcomes
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_holds_all_of_it(name: str) -> None:
    net, task = small.build(name), small.small(name).task
    x = small.clips(task, 2)
    net(x)
    other = small.build(name, seed=1)
    other.load_state_dict(net.state_dict())
    assert torch.equal(net.eval()(x), other.eval()(x))


@pytest.mark.parametrize("name", by_speed())
def test_overfits_eight_clips(name: str) -> None:
    net, task = small.build(name), small.small(name).task
    x, y = small.clips(task, 8), labels(8, task)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.0)
    right = 0
    for _ in range(small.small(name).steps):
        optimizer.zero_grad()
        logits = net(x)
        nn.functional.cross_entropy(logits, y).backward()
        optimizer.step()
        right = int((logits.argmax(dim=1) == y).sum())
        if right >= 7:
            break
    assert right >= 7


@pytest.mark.parametrize("name", [n for n in NAMES if MODELS[n].spiking])
def test_surrogates_are_the_papers(name: str) -> None:
    neurons = [m for m in small.build(name).modules() if isinstance(m, CubaNeuron)]
    assert neurons
    for neuron in neurons:
        wanted = SURROGATES[name]
        wanted = wanted(neuron.threshold) if callable(wanted) else wanted
        assert neuron.surrogate == wanted
        assert neuron.detach_reset == (wanted is not None)


REAL = {"skeleton": ("nw-ucla", "nw-ucla"), "events": ("n-mnist", "n-mnist-small")}


def real(kind: str) -> str:
    """Real clips of a kind, where they lie."""
    name, folder = {"skeleton": ("nw-ucla", "nw-ucla"), "events": ("n-mnist", "n-mnist-small")}[
        kind
    ]
    for place in PLACES:
        if place and (Path(place) / folder).is_dir():
            return f"{name}:{Path(place) / folder}"
    pytest.skip(f"no {folder}: set SPIKEWATT_DATA to a folder that has it")


@pytest.fixture(scope="module")
def real_data() -> dict:
    return {}


@pytest.mark.parametrize("name", NAMES)
def test_real_clips_pass(name: str, real_data: dict) -> None:
    kind = "events" if isinstance(small.small(name).task, VideoTask) else "skeleton"
    if kind not in real_data:
        real_data[kind] = small.slice_of(load(real(kind)), 4, 2)
    data, entry = real_data[kind], MODELS[name]
    encoder = fitted_encoder(data, small.recipe(entry), entry.repeat(small.options(name)))
    x = to_clips(encoder.encode_all(data.train), encoder)
    task = task_of(encoder, len(data.classes))
    net = small.build(name, task)
    loss = step(net, x, torch.tensor([c.label for c in data.train]))
    assert torch.isfinite(loss)
