"""The dense pass in torch: every spike, count and read-out is the native engine's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.commands.bench.dense_torch import DenseTorch
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native import NativeEngine
from spikewatt.lava_runtime.schedule import Schedule, clips, stream
from spikewatt.network import (
    Conv,
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

COUNTED = ("spikes_in", "spikes_out", "synaptic_events", "synaptic_events_stored", "neuron_updates")


def network(delayed: bool, bits: int = 4) -> Network:
    """Conv with a border, then dense; biases, zero weights, delays by target."""
    rng = np.random.default_rng(0)
    kernel = (2 * rng.integers(-20, 40, (4, 3, 3, 2))).astype(np.int32)
    kernel[rng.random(kernel.shape) < 0.3] = 0
    conv = Conv(kernel, (2, 1), (1, 0))
    full = (2 * rng.integers(-20, 30, (10, 4 * 4 * 6))).astype(np.int32)
    delay = np.repeat(rng.integers(0, 5, (10, 1)), 96, axis=1).astype(np.int32)
    lif = CubaLif(1000, 300, 90)
    bias = rng.integers(-5, 9, (4, 6, 4)).astype(np.int32)
    return Network(
        Input(0, (8, 8, 2), message_bits=bits),
        (Population(1, (4, 6, 4), lif, bias), Population(2, (10,), lif)),
        (Projection(0, 1, conv), Projection(1, 2, Dense(full, delay if delayed else None))),
    )


def stimulus(samples: int) -> np.ndarray:
    return np.random.default_rng(1).integers(-3, 4, (samples, 8, 8, 2, 30)).astype(np.int32)


CASES = {
    "clips": (False, 3, lambda net: clips(net, 3, 30)),
    "clips, delays": (True, 3, lambda net: clips(net, 3, 30)),
    "a stream with resets": (False, 1, lambda net: stream(30, 7)),
    "a stream, delays": (True, 1, lambda net: stream(30)),
}


@pytest.mark.parametrize("readout", [Readout("membrane", 5), Readout("rate", 5), None])
@pytest.mark.parametrize("case", CASES)
def test_it_equals_native(case: str, readout: Readout | None) -> None:
    delayed, samples, schedule = CASES[case]
    net = replace(network(delayed), readout=readout)
    request = Request(net, stimulus(samples), schedule(net), (1, 2))
    expected, found = NativeEngine().run(request), DenseTorch(request).execute()
    assert expected.spikes[2].any()
    for layer, spikes in expected.spikes.items():
        np.testing.assert_array_equal(found.spikes[layer], spikes)
    for want, got in zip(expected.counts.layers, found.counts.layers, strict=True):
        for name in COUNTED:
            np.testing.assert_array_equal(getattr(got, name), getattr(want, name), name)
    if readout is None:
        assert found.readout is None
    else:
        np.testing.assert_array_equal(found.readout, expected.readout)


def test_an_input_that_drives_the_bias() -> None:
    lif = CubaLif(1000, 300, 90)
    index = np.arange(6, dtype=np.int32)
    listed = Sparse(index, index[::-1].copy(), 20 * index - 30, (6, 6), 36)
    net = Network(
        Input(0, (6,), drives_bias=True),
        (Population(0, (6,), lif), Population(1, (6,), lif)),
        (Projection(0, 1, listed),),
    )
    x = np.arange(12, dtype=np.int32).reshape(2, 6, 1) * 40
    request = Request(net, x, clips(net, 2, 15), (0, 1))
    expected, found = NativeEngine().run(request), DenseTorch(request).execute()
    assert expected.spikes[1].any()
    for layer in (0, 1):
        np.testing.assert_array_equal(found.spikes[layer], expected.spikes[layer])


def together(net: Network) -> Schedule:
    return clips(replace(net, start=StartRule.TOGETHER), 2, 30)


def test_what_it_does_not_have_is_refused() -> None:
    net = network(False)
    with pytest.raises(SpikewattError, match="start by depth"):
        DenseTorch(Request(net, stimulus(2), together(net)))
    driven = replace(net, input=replace(net.input, drives_dendrite=True))
    with pytest.raises(SpikewattError, match="dendrite"):
        DenseTorch(Request(driven, stimulus(2), clips(net, 2, 30)))
