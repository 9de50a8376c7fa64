"""A small network with a border, zero weights and a silent layer, executed by the oracle."""

import numpy as np
import pytest
from oracle import Oracle

from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import Conv, CubaLif, Dense, Input, Network, Population, Projection
from spikewatt.report.recording import Provenance, record_of

SAMPLES, STEPS = 3, 7


def small_network(message_bits=0):
    rng = np.random.default_rng(5)
    kernel = (rng.integers(-20, 60, (3, 3, 3, 2)) * 2 * (rng.random((3, 3, 3, 2)) < 0.7)).astype(
        "i4"
    )
    dense = (rng.integers(-60, 90, (4, 48)) * 2).astype("i4")
    neuron = CubaLif(4096, 1000, 60)
    return Network(
        Input(0, (4, 4, 2), message_bits=message_bits),
        (
            Population(1, (4, 4, 3), neuron),
            Population(2, (4,), neuron, bias=np.full(4, 3, "i4")),
            Population(3, (2,), CubaLif(4096, 0, 2**17 - 1)),  # never fires
        ),
        (
            Projection(0, 1, Conv(kernel, padding=(1, 1))),
            Projection(1, 2, Dense(dense)),
            Projection(2, 3, Dense(np.array([[2, 0, 4, 0], [0, 0, 6, 8]], "i4"))),
        ),
        layer_types={1: "conv", 2: "dense", 3: "dense"},
    )


def small_stimulus(message_bits=0):
    rng = np.random.default_rng(6)
    spikes = rng.random((SAMPLES, 4, 4, 2, STEPS)) < 0.3
    return (spikes * rng.integers(1, 2 + message_bits, spikes.shape)).astype("i4")


def executed(message_bits=0):
    network = small_network(message_bits)
    stimulus = small_stimulus(message_bits)
    schedule = clips(network, SAMPLES, STEPS)
    request = Request(network, stimulus, schedule, record=(1, 2, 3))
    return network, stimulus, Oracle(request).run()


@pytest.fixture(scope="session")
def run():
    """Network, stimulus and execution with binary input."""
    return executed()


def recorded(message_bits=0):
    network, _, execution = executed(message_bits)
    source = Provenance("folder/small.net", "x.npy", "spikewatt run <small.net> & more", "ab" * 32)
    return record_of(network, execution, source)


@pytest.fixture(scope="session")
def record():
    """The record of the binary run."""
    return recorded()


@pytest.fixture(scope="session")
def graded_record():
    """The record of the same network with values as input."""
    return recorded(message_bits=3)
