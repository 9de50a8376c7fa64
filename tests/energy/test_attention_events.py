"""Events of attention: hand-made ones, the oracle's walk over pairs, and both orders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import random_networks as rn
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Oracle, attend

from spikewatt.energy.events import attention_events, dense_macs, synapses, synapses_nonzero
from spikewatt.lava_runtime.attending import attended
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Attention, CubaLif, Input, Network, Population, Projection

SEEDS = st.integers(0, 2**32)
TWO = np.array([2], np.int32)


def trains(*listed: tuple[int, ...], size: int) -> tuple[np.ndarray, ...]:
    made = np.zeros((3, size), np.int32)
    for train, spikes in zip(made, listed, strict=True):
        train[list(spikes)] = 1
    return tuple(made)


def test_three_tokens_by_hand() -> None:
    """Tokens 0, 1, 2; two heads of two channels: neurons 4 n + 2 h + d."""
    shape = (3, 1, 4)
    s = Attention(TWO, heads=2, keys=2, values=3)
    spikes = trains((0, 1, 6), (0, 4, 10), (1, 4, 5, 11), size=12)
    # K^T V in head 0: token 0 one pair, token 1 two; in head 1: token 2 one pair
    assert attention_events(s, shape, spikes) == 4 + 2 * 3
    # Q K^T in head 0, channel 0: one query, two keys; in head 1, channel 0: one and one
    tokens_first = replace(s, tokens_first=True)
    assert attention_events(tokens_first, shape, spikes) == 3 + 3 * 4
    # q 0 meets k 0 (v 1) and k 4 (v 4, 5); q 6 meets k 10 (v 11)
    want = np.zeros(12, int)
    want[[0, 1, 7]] = 2, 4, 2
    assert attended(s, shape, spikes).tolist() == want.tolist()
    assert attended(tokens_first, shape, spikes).tolist() == want.tolist()


def test_blocks_attend_among_themselves() -> None:
    s = Attention(TWO, heads=1, keys=2, values=3, blocks=2)
    spikes = trains((0, 2), (0, 1), (0, 1), size=4)  # four tokens of one channel
    assert attended(s, (2, 2, 1), spikes).tolist() == [4, 0, 0, 0]
    assert attention_events(s, (2, 2, 1), spikes) == 2 + 2
    assert attention_events(replace(s, tokens_first=True), (2, 2, 1), spikes) == 2 + 2 * 2


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_sums_and_events_equal_a_walk_over_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (*(int(i) for i in rng.integers(1, 4, 2)), int(rn.pick(rng, 2, 4, 6)))
    s = rn.attending(rng, [0, 1, 2], rn.often(rng, 3, shape)).synapses
    spikes = tuple((rng.random((2, 3, np.prod(shape))) < 0.4).astype(int) for _ in range(3))
    sums, events = attended(s, shape, spikes), attention_events(s, shape, spikes)
    for at in np.ndindex(2, 3):
        total, count = attend(s, shape, [train[at] for train in spikes])
        assert (sums[at].tolist(), events[at]) == (total.tolist(), count)


def net_of(**changes) -> tuple[Network, Projection]:
    """One input of (4, 2, 6) that is queries, keys and values."""
    attention = replace(Attention(TWO, heads=3, keys=0, values=0), **changes)
    projection = Projection(0, 1, attention)
    neurons = (Population(1, (4, 2, 6), CubaLif(0, 0, 1)),)
    return Network(Input(0, (4, 2, 6)), neurons, (projection,)), projection


def test_what_papers_count_of_attention() -> None:
    assert dense_macs(*net_of()) == 2 * 8 * 2 * 6  # 2 N D C
    assert dense_macs(*net_of(tokens_first=True)) == 2 * 8 * 8 * 6  # 2 N N C
    assert dense_macs(*net_of(blocks=4)) == 4 * 2 * 2 * 2 * 6
    assert dense_macs(*net_of(blocks=4, tokens_first=True)) == 4 * 2 * 2 * 2 * 6
    assert synapses(*net_of()) == synapses_nonzero(*net_of()) == 0


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.booleans())
def test_both_orders_spike_alike(seed: int, order: bool) -> None:
    rng = np.random.default_rng(seed)
    network, projection = net_of(blocks=2, tokens_first=order)
    schedule = clips(network, 1, 5)
    x = (rng.random((1, 4, 2, 6, 5)) < 0.3).astype(np.int32)
    runs = []
    for first in (order, not order):
        other = replace(projection, synapses=replace(projection.synapses, tokens_first=first))
        net = replace(network, projections=(other,))
        runs.append(Oracle(Request(net, x, schedule, (1,), True)).run())
    (a, b), columns = runs, x.reshape(48, 5).T
    assert (a.spikes[1] == b.spikes[1]).all()
    assert (a.v[1] == b.v[1]).all()
    for run, first in zip(runs, (order, not order), strict=True):
        s = replace(projection.synapses, tokens_first=first)
        want = attention_events(s, (4, 2, 6), (columns,) * 3)
        counts = run.counts.by_layer[1]
        assert counts.synaptic_events[0].tolist() == want.tolist()
        assert counts.synaptic_events_stored[0].tolist() == want.tolist()
        assert counts.spikes_in[0].tolist() == (3 * columns.sum(axis=1)).tolist()
