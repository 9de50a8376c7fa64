"""Random networks: a layer executed alone does what it did, and a random fault is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_networks import network, requests, stimulus, tabled

from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.case import Case
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.replay import listed
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import (
    Conv,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    StartRule,
)


@settings(max_examples=60, deadline=None)
@given(requests())
def test_a_layer_alone_does_what_it_did_in_its_network(request: Request) -> None:
    """Not where spikes from before the record matter, nor a convolution's wrap in a merge."""
    assume(request.schedule.staggered)
    done = NativeEngine(1).run(request)
    record = {"spikes": done.spikes, "u": done.u, "v": done.v}
    for p in request.network.populations:
        ran = request.stimulus, request.schedule
        case = Case(request.network, p.layer, frozenset(), record, record, *ran)
        incoming = request.network.incoming(p.layer)
        merged = len(incoming) > 1 and any(isinstance(q.synapses, Conv) for q in incoming)
        if case.trial is not None and not merged:
            assert case.trial[1] == "expected"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_listed_synapses_are_the_same_synapses(seed: int) -> None:
    from oracle import synapses_of

    net = network(seed, equalised=True, attends=False)
    for q in net.projections:
        shapes = net.shape_of(q.source), net.shape_of(q.target)
        one, each = listed(q.synapses, *shapes), synapses_of(net, q)
        matrices = np.zeros((2, prod(shapes[1]), prod(shapes[0])), np.int64)
        np.add.at(matrices[0], (one.targets, one.sources), one.weight)
        np.add.at(matrices[1], (each.target, each.source), each.weight)
        np.testing.assert_array_equal(*matrices)


Fault = Callable[[Network, np.random.Generator], "tuple[Network, str] | None"]


def _other_projection(net: Network, i: int, **changes) -> Network:
    q = replace(net.projections[i], **changes)
    return replace(net, projections=(*net.projections[:i], q, *net.projections[i + 1 :]))


def _other_population(net: Network, i: int, **changes) -> Network:
    p = replace(net.populations[i], **changes)
    return replace(net, populations=(*net.populations[:i], p, *net.populations[i + 1 :]))


def late(net: Network, rng) -> tuple[Network, str] | None:
    i = int(rng.integers(len(net.projections)))
    return _other_projection(net, i, delay=net.projections[i].delay + 1), "1 step longer"


def doubled(net: Network, rng) -> tuple[Network, str] | None:
    i = int(rng.integers(len(net.projections)))
    s = net.projections[i].synapses
    wrong = _other_projection(net, i, synapses=replace(s, weight=s.weight * 2))
    return wrong, "(weight exponent)"


def unbiased(net: Network, rng) -> tuple[Network, str] | None:
    i = int(rng.integers(len(net.populations)))
    return _other_population(net, i, bias=None), "without its bias"


def higher(net: Network, rng) -> tuple[Network, str] | None:
    i = int(rng.integers(len(net.populations)))
    if not isinstance(n := net.populations[i].neuron, CubaLif):
        return None
    wrong = _other_population(net, i, neuron=replace(n, v_threshold=n.v_threshold * 2))
    return wrong, f"with a threshold of {n.v_threshold * 2}, not {n.v_threshold}"


def untimed(net: Network, rng) -> tuple[Network, str] | None:
    """Gains and biases of steps, which `plant` gives to the right network, one step late."""
    if net.table_steps is None:
        return None
    rolled = [
        replace(p, step_bias=None if p.step_bias is None else np.roll(p.step_bias, 1, axis=0))
        for p in net.populations
    ]
    gained = [
        replace(q, step_gain=None if q.step_gain is None else np.roll(q.step_gain, 1, axis=0))
        for q in net.projections
    ]
    wrong = replace(net, populations=tuple(rolled), projections=tuple(gained))
    return wrong, "gains and biases of steps read one step late"


@pytest.mark.parametrize("plant", [late, doubled, unbiased, higher, untimed])
def test_random_faults_are_named(plant: Fault) -> None:
    """At least nine of ten: other changes may do the same, or leave the 24 bits of a sum."""
    named, planted = 0, 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        net = replace(network(seed, equalised=True), start=StartRule.BY_DEPTH)
        net = tabled(seed, net, entries=8) if plant is untimed else net
        if not net.projections or (fault := plant(net, rng)) is None:
            continue
        schedule = clips(net, 3, 8)
        x = stimulus(seed, net.input, schedule)
        right = Request(net, x, schedule, tuple(net.by_layer), record_state=True)
        wrong = replace(right, network=fault[0])
        done = [NativeEngine(1).run(r) for r in (right, wrong)]
        agreement = compare(net, *done, right)
        if agreement.first is not None:
            planted += 1
            named += fault[1] in agreement.cause
    assert planted >= 5
    assert named >= 0.9 * planted


def test_graded_spikes_of_a_population_taken_as_binary() -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(-90, 90, (3, 6, 12)).astype(np.int32)
    dense = Dense((rng.integers(-20, 21, (5, 6)) * 2).astype(np.int32))
    neuron = CubaLif(2000, 200, 300)
    net = Network(
        Input(0, (6,), drives_dendrite=True),
        (Population(0, (6,), Delta(9, 0, 0), message_bits=16), Population(1, (5,), neuron)),
        (Projection(0, 1, dense),),
    )
    request = Request(net, x, clips(net, 3, 12), (0, 1))
    right = NativeEngine(1).run(request)
    sent = right.spikes[0]
    assert np.abs(sent).max() > 1
    binary = Network(
        Input(0, (6,)), (Population(1, (5,), neuron),), (Projection(0, 1, dense),)
    )  # 0 message bits: whatever is not zero counts as 1
    lost = NativeEngine(1).run(Request(binary, sent, clips(binary, 3, 12), (1,)))
    wrong = replace(right, spikes={0: sent, 1: lost.spikes[1]})
    cause = compare(net, right, wrong, request).cause
    assert "if the message bits are lost and graded spikes count as 1" in cause
