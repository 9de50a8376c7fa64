"""Attention in the native engine: products of spikes, worked out over the spikes alone.

Spikes of a step are sorted, so that those of a block, and within it those of a token and head,
are neighbours. K^T V is summed pair by pair into a table (channels, D), then each query's spike
adds a row of it to its token; what is silent costs nothing. The sums do not depend on the order
of the products, so (Q K^T) V is only counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikewatt.energy.events import Counters
from spikewatt.lava_runtime.native.arrays import Flags, Index
from spikewatt.lava_runtime.native.lanes import add_rows, kernel
from spikewatt.lava_runtime.native.spikes import Spikes
from spikewatt.network import Attention, IntArray, Shape

Trains = tuple[Spikes, ...]  # of queries, keys, values


@kernel
def _past(neurons: Any, k: int, end: int, stop: Any) -> int:
    """The first of neurons[k:end] that is not below stop."""
    while k < end and neurons[k] < stop:
        k += 1
    return k


@kernel
def _pair_up(
    keys: Any, k: int, k_end: int, values: Any, v: int, v_end: int, sizes: Any, weight: Any,
    table: Any, busy: Any,
) -> int:  # fmt: skip
    """Add the weight for each pair of a key and a value of the same token and head; how many.

    table: flat (channels, D); busy: its rows that hold something. Both empty: only count.
    """
    size, channels, pairs = np.uint32(sizes[0]), np.uint32(sizes[1]), 0
    while k < k_end and v < v_end:
        key, value = np.int64(keys[k]), np.int64(values[v])
        begin = key - np.int64(np.uint32(key) % size)
        if value < begin:
            v = _past(values, v, v_end, begin)
            continue
        first, v = v, _past(values, v, v_end, begin + sizes[0])
        k_first, k = k, _past(keys, k, k_end, begin + sizes[0])
        pairs += (v - first) * (k - k_first)
        if busy.size == 0 or v == first:
            continue
        head = np.int64(np.uint32(begin) % channels) - begin
        for i in range(k_first, k):
            row = head + keys[i]
            busy[row] = 1
            at = row * sizes[0] - begin
            for j in range(first, v):
                table[at + values[j]] += weight
    return pairs


@kernel
def _answer(
    queries: Any, q: int, end: int, sizes: Any, table: Any, busy: Any, row: Any
) -> None:  # fmt: skip
    """Add to each token and head the table's rows of its queries."""
    size, channels = np.uint32(sizes[0]), np.uint32(sizes[1])
    offsets = np.empty(sizes[0], np.int64)
    while q < end:
        query = np.int64(queries[q])
        begin: Any = query - np.int64(np.uint32(query) % size)
        head, count = np.int64(np.uint32(begin) % channels) - begin, 0
        while q < end and queries[q] < begin + sizes[0]:
            channel = head + queries[q]
            if busy[channel]:
                offsets[count] = channel * sizes[0]
                count += 1
            q += 1
        add_rows(table, 0, offsets, 0, count, row, begin, sizes[0])


@kernel
def _forget(keys: Any, k: int, end: int, sizes: Any, table: Any, busy: Any) -> None:
    channels = np.uint32(sizes[1])
    for i in range(k, end):
        channel = np.int64(np.uint32(keys[i]) % channels)
        if busy[channel]:
            busy[channel] = 0
            table[channel * sizes[0] : (channel + 1) * sizes[0]] = 0


@kernel
def deliver_attention(
    q_starts: Any, queries: Any, k_starts: Any, keys: Any, v_starts: Any, values: Any,
    arrival: int, sizes: Any, weight: Any, table: Any, busy: Any, ring: Any, touched: Any,
    pairs: Any, first: int,
) -> None:  # fmt: skip
    """weight * Q K^T V of each step into the ring; pairs of keys and values into pairs[first:].

    sizes: D, channels, neurons of a block, blocks. table and busy are zero before and after.
    """
    mask, nothing = ring.shape[0] - 1, busy[:0]
    for t in range(q_starts.size - 1):
        q, k, v = q_starts[t], k_starts[t], v_starts[t]
        q_end, k_end, v_end = q_starts[t + 1], k_starts[t + 1], v_starts[t + 1]
        at, found = (arrival + t) & mask, 0
        for block in range(sizes[3] if k < k_end and v < v_end else 0):
            stop, q_first, k_first, v_first = (block + 1) * sizes[2], q, k, v
            q = _past(queries, q, q_end, stop)
            k, v = _past(keys, k, k_end, stop), _past(values, v, v_end, stop)
            rows = busy if q > q_first else nothing
            here = _pair_up(keys, k_first, k, values, v_first, v, sizes, weight, table, rows)
            found += here
            if here > 0 and q > q_first:
                touched[at] = 1
                _answer(queries, q_first, q, sizes, table, busy, ring[at])
                _forget(keys, k_first, k, sizes, table, busy)
        pairs[first + t] = found


@kernel
def count_tokens_first(
    q_starts: Any, queries: Any, k_starts: Any, keys: Any, sizes: Any, asked: Any, pairs: Any,
    first: int,
) -> None:  # fmt: skip
    """Pairs of queries and keys of a block and channel, step by step, into pairs[first:].

    asked: (channels,), zero before and after.
    """
    channels = np.uint32(sizes[1])
    for t in range(q_starts.size - 1):
        q, k, found = q_starts[t], k_starts[t], 0
        q_end, k_end = q_starts[t + 1], k_starts[t + 1]
        for block in range(sizes[3] if q < q_end and k < k_end else 0):
            stop, q_first, k_first = (block + 1) * sizes[2], q, k
            q, k = _past(queries, q, q_end, stop), _past(keys, k, k_end, stop)
            if q == q_first or k == k_first:
                continue
            for i in range(q_first, q):
                asked[np.uint32(queries[i]) % channels] += 1
            for i in range(k_first, k):
                found += asked[np.uint32(keys[i]) % channels]
            for i in range(q_first, q):
                asked[np.uint32(queries[i]) % channels] = 0
        pairs[first + t] = found


@dataclass(frozen=True, eq=False)
class Attending:
    """One incoming attention projection of a population.

    sources: layers of queries, keys and values, in step with one another. lag: local steps to
    the arrival. part: the dendrite it drives. sizes: D, channels, neurons of a block, blocks.
    """

    sources: tuple[int, ...]
    lag: int
    part: int
    sizes: Index
    weight: np.int32
    tokens: int
    tokens_first: bool
    delay_max: int = 0


def attending(
    s: Attention, shape: Shape, sources: tuple[int, ...], lag: int, part: int
) -> Attending:
    """Attention ready for its kernel."""
    blocks, tokens, heads, size = s.split(shape)
    channels = heads * size
    sizes = np.array([size, channels, tokens * channels, blocks], np.int64)
    weight = np.int32(s.weight[0])
    return Attending(sources, lag, part, sizes, weight, tokens, s.tokens_first)


class AttentionInlet:
    """An attention projection with its table and its counts over a period."""

    def __init__(self, afferent: Attending, length: int) -> None:
        self.afferent = afferent
        size, channels = (int(n) for n in afferent.sizes[:2])
        self.table = np.zeros(size * channels, np.int32)
        self.busy = np.zeros(channels, np.uint8)
        self.asked = np.zeros(channels, np.int64)
        self.counts = np.zeros((3, length), np.int64)
        self.received, self.events = self.counts[0], self.counts[1]

    def clear(self) -> None:
        """Forget a period."""
        self.counts.fill(0)

    def counted(self) -> Counters:
        """Spikes, events and stored events of the period's steps, (3, steps)."""
        self.counts[2] = self.events
        return self.counts

    def receive(self, trains: Trains, first: int, ring: IntArray, touched: Flags) -> None:
        """Multiply and count a chunk's spikes, and put the products on their way."""
        a, (q, k, v) = self.afferent, trains
        lists = (q.starts, q.neurons, k.starts, k.neurons)
        here = (ring[a.part], touched, self.events, first)
        kept = (a.sizes, a.weight, self.table, self.busy)
        deliver_attention(*lists, v.starts, v.neurons, first + a.lag, *kept, *here)
        if a.tokens_first:
            count_tokens_first(*lists, a.sizes, self.asked, self.events, first)
        sent = [train.starts[1:] - train.starts[:-1] for train in trains]
        now = slice(first, first + len(sent[0]))
        self.received[now] = sum(sent)
        self.events[now] += a.tokens * sent[2] if a.tokens_first else a.sizes[0] * sent[0]
