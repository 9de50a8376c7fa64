"""The native engine against the ground truths that come with lava-dl."""

from __future__ import annotations

import numpy as np
import pytest
from ground_truths import CASES, Case, chain, held, load, ntidigits
from oracle import Oracle, synapses_of

from spikewatt.energy.events import differences
from spikewatt.lava_runtime.native import NativeEngine

pytestmark = pytest.mark.lava


@pytest.mark.parametrize("name", CASES)
def test_no_mismatch_anywhere(name: str) -> None:
    case = CASES[name]()
    found = NativeEngine().run(case.request())
    for what, got, expected in case.compare(found):
        assert expected.any(), what
        np.testing.assert_array_equal(got, expected, what)


def test_ntidigits_events_equal_a_count_from_the_recorded_spikes() -> None:
    case = ntidigits()
    done = NativeEngine().run(case.request())
    spikes = {0: load("ntidigits/input"), **{i: s[0] for i, s in done.spikes.items()}}
    for projection in case.network.projections:
        listed = synapses_of(case.network, projection)
        assert (listed.weight != 0).all()
        events = np.zeros(3000, np.int64)
        for source in listed.source:
            events += spikes[projection.source][source] != 0
        counts = done.counts.by_layer[projection.target]
        np.testing.assert_array_equal(counts.synaptic_events[0], events)
        np.testing.assert_array_equal(counts.synaptic_events_stored[0], events)
        sent = spikes[projection.source].sum(axis=0)
        np.testing.assert_array_equal(counts.spikes_in[0], sent)


def driven_sdnn(name: str, spike_exp: int) -> Case:
    network = chain(f"gts/pilotnet_sdnn/{name}.net", spike_exp)
    x = held(load("pilotnet_sdnn/input"), 9)[: network.input.shape[0]]
    return Case(network, x, lambda found: iter(()))


def test_pilotnet_sdnn_with_a_spike_exponent_is_as_close_as_lava_dl_asks() -> None:
    found = NativeEngine().run(driven_sdnn("network", spike_exp=0).request())
    scale = 2**6
    error = np.abs(found.spikes[9][0] - load("pilotnet_sdnn/output") / scale).mean()
    assert error < 2 * scale


@pytest.mark.slow
@pytest.mark.parametrize("spike_exp", [0, 3, 6])
def test_square_network_with_spike_exponents_equals_the_oracle(spike_exp: int) -> None:
    request = driven_sdnn("square_network", spike_exp).request()
    want, got = Oracle(request).run(), NativeEngine().run(request)
    assert differences(want.counts, got.counts) == []
    for layer in request.network.by_layer:
        assert want.spikes[layer].any()
        for name in ("spikes", "u", "v"):
            expected = getattr(want, name)[layer]
            np.testing.assert_array_equal(getattr(got, name)[layer], expected, f"{layer} {name}")
