"""Small networks for the native engine, and what makes two executions the same."""

from __future__ import annotations

import numpy as np

from spikewatt.energy.events import differences
from spikewatt.lava_runtime.engine import Execution
from spikewatt.network import Input, Network, Neuron, Population, Projection


def assert_same(expected: Execution, found: Execution) -> None:
    for name in ("spikes", "u", "v"):
        want, got = getattr(expected, name), getattr(found, name)
        assert want.keys() == got.keys()
        for layer in want:
            assert got[layer].dtype == np.int32
            np.testing.assert_array_equal(got[layer], want[layer], f"{name} of layer {layer}")
    assert differences(expected.counts, found.counts) == []
    if expected.readout is None:
        assert found.readout is None
    else:
        assert found.readout.dtype == np.int64
        np.testing.assert_array_equal(found.readout, expected.readout)


def single(neuron: Neuron, synapses, shape, target, bits: int = 0) -> Network:
    populations = (Population(1, target, neuron),)
    return Network(Input(0, shape, bits), populations, (Projection(0, 1, synapses),))
