"""Shards of a request, executed apart and joined, are the whole, to the last count."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from native_cases import assert_same
from random_networks import network, stimulus

from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.cluster.shards import joined, shards
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import StartRule


def request(seed: int, start: StartRule, samples: int, steps: int) -> Request:
    net = replace(network(seed, equalised=True), start=start)
    schedule = clips(net, samples, steps)
    layers = tuple(net.by_layer)
    return Request(net, stimulus(seed, net.input, schedule), schedule, layers, record_state=True)


def apart(whole: Request, at_most: int) -> list[Execution]:
    """What workers do with the shards."""
    found = []
    for shard in shards(whole, at_most):
        values = shard.stimulus(whole)
        schedule = clips(whole.network, len(values), whole.schedule.steps)
        part = replace(whole, stimulus=values, schedule=schedule)
        found.append(NativeEngine(1).run(part))
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    start=st.sampled_from(StartRule),
    sizes=st.tuples(st.integers(2, 5), st.integers(1, 7), st.integers(2, 6)),
)
def test_joined_shards_are_the_whole(seed: int, start: StartRule, sizes) -> None:
    samples, steps, at_most = sizes
    whole = request(seed, start, samples, steps)
    expected = NativeEngine(1).run(whole)
    parts = apart(whole, at_most)
    assume(len(parts) > 1)
    assert_same(expected, joined(whole, parts, 0.0, 1.0))


def test_shards_are_as_equal_as_they_can_be() -> None:
    whole = request(1, StartRule.BY_DEPTH, 7, 3)
    for at_most in (1, 2, 3, 7, 100):
        found = shards(whole, at_most)
        assert [n for s in found for n in range(s.start, s.stop)] == list(range(7))
        assert len(found) == min(at_most, 7)
        assert max(s.stop - s.start for s in found) - min(s.stop - s.start for s in found) <= 1


def test_a_stream_has_no_shards() -> None:
    whole = request(1, StartRule.BY_DEPTH, 1, 4)
    with pytest.raises(SpikewattError, match="one stream"):
        shards(replace(whole, schedule=stream(4)), 2)


def test_workers_that_disagree_are_an_error() -> None:
    whole = request(2, StartRule.BY_DEPTH, 4, 3)
    one, other = apart(whole, 2)
    layers = tuple(
        replace(layer, fill={k: n + 1 for k, n in layer.fill.items()})
        for layer in other.counts.layers
    )
    wrong = replace(other, counts=replace(other.counts, layers=layers))
    with pytest.raises(SpikewattError, match="Workers disagree"):
        joined(whole, [one, wrong], 0.0, 1.0)
