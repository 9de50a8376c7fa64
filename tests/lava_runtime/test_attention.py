"""Attention and blocks of listed synapses in the engines: equal to the oracle, however they run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lava_packed import in_lava
from native_cases import assert_same, single
from oracle import Oracle

from spikewatt import api
from spikewatt.energy.events import attention_events
from spikewatt.energy.metrics import metrics
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.agreement import compare
from spikewatt.lava_runtime.attending import attended
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava.forecast import forecast
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.native.listed import RunLayout, SparseLayout
from spikewatt.lava_runtime.native.run_lanes import RUN, WIDEST
from spikewatt.lava_runtime.native.synapses import lay_out
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import (
    Attention,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    Sparse,
    StartRule,
)
from spikewatt.report.recording import Provenance, record_of

SHAPE = (4, 3, 8)
OFTEN, SUM = CubaLif(4096, 4096, 60), CubaLif(4096, 4096, 30)


def network(seed: int = 0, **changes) -> Network:
    """Input -> queries, keys, values -> attention and a way past it -> read-out."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(SHAPE))
    weight = (rng.integers(-20, 30, (3, size, size)) * 2).astype(np.int32)
    attention = Attention(np.array([6], np.int32), heads=2, keys=2, values=3, blocks=3)
    attention = replace(attention, **changes)
    past = Dense(np.eye(size, dtype=np.int32) * 8)
    return Network(
        Input(0, SHAPE),
        (*(Population(i, SHAPE, OFTEN) for i in (1, 2, 3)), Population(4, SHAPE, SUM)),
        (
            *(Projection(0, i + 1, Dense(w)) for i, w in enumerate(weight)),
            Projection(1, 4, attention),
            Projection(0, 4, past, delay=1),
        ),
        readout=Readout("rate", 8),
    )


def delayed(net: Network, steps: int) -> Network:
    q = replace(net.projections[3], delay=steps)
    return replace(net, projections=(*net.projections[:3], q, net.projections[4]))


def request(net: Network, samples: int, steps: int, rate: float = 0.15) -> Request:
    rng = np.random.default_rng(5)
    x = (rng.random((samples, *SHAPE, steps)) < rate).astype(np.int32)
    return Request(net, x, clips(net, samples, steps), tuple(net.by_layer), record_state=True)


def streamed(net: Network, steps: int, reset: int | None) -> Request:
    whole = request(net, 1, steps)
    return replace(whole, schedule=stream(steps, reset))


CASES = {
    "channels first": lambda: request(network(), 2, 7),
    "tokens first": lambda: request(network(tokens_first=True), 2, 7),
    "late": lambda: request(delayed(network(), 3), 3, 5),
    "later than a sample": lambda: request(delayed(network(), 9), 3, 5),
    "one block, one head": lambda: request(network(blocks=1, heads=1), 1, 6),
    "a head a channel, a block a place": lambda: request(network(blocks=12, heads=8), 1, 6),
    "a source twice": lambda: request(network(keys=1, values=3, tokens_first=True), 2, 5),
    "together": lambda: request(replace(network(), start=StartRule.TOGETHER), 2, 5),
    "a stream": lambda: streamed(delayed(network(), 2), 12, None),
    "resets": lambda: streamed(delayed(network(tokens_first=True), 2), 12, 5),
    "silent": lambda: request(network(), 1, 4, rate=0.0),
    "crowded": lambda: request(network(), 1, 4, rate=0.9),
}


@pytest.mark.parametrize("name", CASES)
def test_native_equals_the_oracle(name: str) -> None:
    asked = CASES[name]()
    expected = Oracle(asked).run()
    for workers, cells in ((1, 2**17), (2, 1), (1, 200)):
        assert_same(expected, NativeEngine(workers, cells).run(asked))
    counted = expected.counts.by_layer[4].synaptic_events.sum()
    assert (counted > 0) == (name != "silent")


@pytest.mark.lava
def test_lava_equals_native(tmp_path: Path) -> None:
    asked = [case() for case in CASES.values()] + [blocks_request(delays) for delays in DELAYS]
    for one, found in zip(asked, in_lava(asked, tmp_path), strict=True):
        assert_same(NativeEngine(1).run(one), found)


@pytest.mark.parametrize("tokens_first", [False, True])
def test_events_are_those_of_the_recorded_spikes(tokens_first: bool) -> None:
    net = network(tokens_first=tokens_first)
    asked = request(net, 3, 8)
    done = NativeEngine().run(asked)
    s = net.projections[3].synapses
    q, k, v = (np.moveaxis(done.spikes[i], -1, 1).reshape(3, 8, -1) for i in (1, 2, 3))
    past = np.moveaxis(asked.stimulus, -1, 1).reshape(3, 8, -1).sum(axis=-1)
    counts = done.counts.by_layer[4]
    want = attention_events(s, SHAPE, (q, k, v)) + past  # one synapse each past attention
    assert counts.synaptic_events.tolist() == want.tolist()
    assert counts.synaptic_events_stored.tolist() == want.tolist()
    assert counts.spikes_in.tolist() == (past + sum(a.sum(axis=-1) for a in (q, k, v))).tolist()


def test_the_order_changes_events_alone() -> None:
    first, second = (
        NativeEngine().run(request(network(tokens_first=order), 2, 8)) for order in (False, True)
    )
    for layer in first.spikes:
        np.testing.assert_array_equal(first.v[layer], second.v[layer])
    np.testing.assert_array_equal(first.readout, second.readout)
    events = [done.counts.by_layer[4].synaptic_events.sum() for done in (first, second)]
    assert events[0] != events[1]


def test_a_sample_does_not_depend_on_its_batch() -> None:
    net = delayed(network(), 2)
    together = request(net, 4, 6)
    expected = NativeEngine().run(together)
    for k in (3, 0):
        alone = replace(together, stimulus=together.stimulus[k : k + 1], schedule=clips(net, 1, 6))
        found = NativeEngine(chunk_cells=300).run(alone)
        np.testing.assert_array_equal(found.v[4][0], expected.v[4][k])
        for name in ("spikes_in", "synaptic_events"):
            got, want = (getattr(e.counts.by_layer[4], name) for e in (found, expected))
            assert got[0].tolist() == want[k].tolist()


def test_the_sums_are_what_arrives() -> None:
    """Neurons that forget at once show in u what they received in the step."""
    net = network()
    net = replace(net, projections=net.projections[:4])
    asked = request(net, 2, 9)
    done = NativeEngine().run(asked)
    trains = tuple(np.moveaxis(done.spikes[i], -1, 1).reshape(2, 9, -1) for i in (1, 2, 3))
    sums = attended(net.projections[3].synapses, SHAPE, trains)
    u = np.moveaxis(done.u[4], -1, 1).reshape(2, 9, -1)
    assert (u == sums << 6).all()
    assert sums.any()


DELAYS = (None, np.array([0, 2, 1] * 16, np.int32))


def blocks_request(delay: np.ndarray | None, rows: int = 6) -> Request:
    """Five frames of 2 joints x 4 channels to five of 3 x rows, dense within a frame."""
    rng = np.random.default_rng(rows)
    targets, sources = (i.reshape(-1).astype(np.int32) for i in np.indices((3 * rows, 8)))
    weight = (rng.integers(-60, 64, targets.size) * 2 | 1).astype(np.int32)
    delay = None if delay is None else np.resize(delay, targets.size)
    s = Sparse(targets, sources, weight, (15 * rows, 40), 3000, delay, repeats=5)
    net = single(CubaLif(2000, 300, 90), s, (5, 2, 4), (5, 3, rows))
    x = (rng.random((2, 5, 2, 4, 9)) < 0.3).astype(np.int32)
    return Request(net, x, clips(net, 2, 9), (1,), record_state=True)


@pytest.mark.parametrize(("delay", "rows"), [(None, 16), (None, 6), (DELAYS[1], 6)])
def test_blocks_of_runs_and_lists_equal_the_oracle(delay: np.ndarray | None, rows: int) -> None:
    """Runs where a block holds one, and no delays."""
    asked = blocks_request(delay, rows)
    layout = lay_out(asked.network, asked.network.projections[0])
    assert isinstance(layout, RunLayout if rows == 16 else SparseLayout)
    weights = {16: (2 * 8 + WIDEST) * RUN, 6: 3 * 6 * 8}  # one block's, and zeros behind runs
    assert layout.weight.size == weights[rows]
    assert_same(Oracle(asked).run(), NativeEngine(1).run(asked))


def test_other_depths_are_refused_by_engines_too() -> None:
    net = network()
    deeper = replace(net.projections[1], source=1, synapses=net.projections[1].synapses)
    net = replace(net, projections=(net.projections[0], deeper, *net.projections[2:]))
    with pytest.raises(SpikewattError, match="attention of layer 4 takes spikes from depths 1, 2"):
        NativeEngine().run(request(replace(net, start=StartRule.TOGETHER), 1, 4))


def test_a_wrong_scale_of_attention_is_named() -> None:
    asked = request(network(), 2, 8)
    right = NativeEngine().run(asked)
    doubled = network(weight=np.array([12], np.int32))
    found = compare(
        asked.network, right, NativeEngine().run(replace(asked, network=doubled)), asked
    )
    assert found.first.layer == 4
    assert "with weights from layer 1 times 2^1 (weight exponent)" in found.cause


def test_a_late_attention_is_named() -> None:
    asked = request(network(), 2, 8)
    right = NativeEngine().run(asked)
    wrong = NativeEngine().run(replace(asked, network=delayed(network(), 1)))
    assert (
        "with a delay from layer 1 1 step longer"
        in compare(asked.network, right, wrong, asked).cause
    )


def test_records_and_forecasts_know_attention() -> None:
    net = network()
    asked = request(net, 2, 6)
    done = NativeEngine().run(asked)
    record = record_of(net, done, Provenance("net", "x"), place=True)
    layer = next(x for x in record.layers if x.index == 4)
    size = int(np.prod(SHAPE))
    assert (layer.sources, layer.synapses, layer.synapses_nonzero) == (4 * size, size**2, size)
    assert layer.type == "attention+dense"
    assert layer.dense_macs == 2 * 3 * 4 * 4 * 8 + size**2
    assert layer.synaptic_events > layer.spikes_in > 0
    assert record.totals.coverage == 1
    assert metrics(net, done.counts).effective_acs * 2 == record.totals.synaptic_events
    assert forecast(asked).memory_bytes > 0
    assert api.count(net, asked.stimulus).by_layer[4].synaptic_events.sum() == layer.synaptic_events
