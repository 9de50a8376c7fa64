"""Contests: whoever does something else is found out, whoever cannot says why."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from spikewatt.commands.bench.contest import Contest, Lane, lane
from spikewatt.commands.bench.contestants import Facts, OfEngine, OfTorch, Timed, contestant
from spikewatt.energy.measured import Unavailable
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Progress, Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection


@pytest.fixture
def request_() -> Request:
    rng = np.random.default_rng(0)
    weight = (2 * rng.integers(-20, 60, (5, 6))).astype(np.int32)
    network = Network(
        Input(0, (6,)),
        (Population(1, (5,), CubaLif(1000, 300, 90)),),
        (Projection(0, 1, Dense(weight)),),
    )
    x = (rng.random((3, 6, 12)) < 0.4).astype(np.int32)
    return Request(network, x, clips(network, 3, 12), (1,))


@dataclass
class Wrong(OfEngine):
    """An engine that counts an event too many, or spikes once too often, from some run on."""

    name: str = "wrong"
    what: str = "counts"
    right_runs: int = 0

    def check(self, request: Request) -> Facts:
        return Facts()

    def run(self, request: Request, progress: Progress) -> Timed:
        done = OfEngine("native").run(request, progress)
        if request.schedule.samples == 1:
            return done
        self.right_runs -= 1
        if self.right_runs >= 0:
            return done
        assert done.execution is not None
        execution = done.execution
        if self.what == "counts":
            (layer,) = execution.counts.layers
            events = layer.synaptic_events.copy()
            events[2, 3] += 1
            counts = replace(execution.counts, layers=(replace(layer, synaptic_events=events),))
            return replace(done, execution=replace(execution, counts=counts))
        spikes = execution.spikes[1].copy()
        spikes[1, 2, 4] ^= 1
        return replace(done, execution=replace(execution, spikes={1: spikes}))


def held(request: Request, *lanes: Lane, rounds: int = 2) -> list[Lane]:
    Contest(request, list(lanes)).hold(rounds, lambda: None)
    return list(lanes)


def test_native_and_torch_do_the_same(request_: Request) -> None:
    native, torch = held(
        request_, Lane("native", OfEngine("native")), Lane("torch", OfTorch()), rounds=3
    )
    assert (native.differs, torch.differs) == (None, None)
    assert torch.execution is not None
    assert torch.execution.counts.layers[0].synaptic_events.sum() > 0
    for entered in (native, torch):
        assert len(entered.turns) == 3
        assert all(t.latency_s > 0 and t.wall_s > 0 for t in entered.turns)
        assert isinstance(entered.measured, Unavailable)


@pytest.mark.parametrize(
    ("what", "told"),
    [("counts", "layer 1: synaptic_events"), ("spikes", "step 4, sample 1, neuron (2,)")],
)
def test_one_wrong_number_is_found(request_: Request, what: str, told: str) -> None:
    native, wrong = held(
        request_, Lane("native", OfEngine("native")), Lane("wrong", Wrong(what=what))
    )
    assert native.differs is None
    assert wrong.differs is not None
    assert told in wrong.differs


def test_a_later_run_that_differs_is_found(request_: Request) -> None:
    (wrong,) = held(request_, Lane("wrong", Wrong(right_runs=1)))
    assert wrong.differs is not None


def test_who_cannot_says_why_and_stops_nobody(request_: Request) -> None:
    native, loihi = held(
        request_, Lane("native", OfEngine("native")), Lane("loihi2", OfEngine("loihi2"))
    )
    assert loihi.turns == []
    assert loihi.unavailable is not None
    assert "unavailable" in loihi.unavailable
    assert len(native.turns) == 2


def test_who_is_not_there_says_why() -> None:
    def absent() -> OfTorch:
        raise SpikewattError("no such thing here")

    assert lane("x", absent).unavailable == "no such thing here"


def test_an_unknown_backend_lists_the_known() -> None:
    with pytest.raises(SpikewattError, match=r"cray.*lava, loihi2, native, torch"):
        contestant("cray")
