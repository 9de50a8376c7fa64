"""Loading the compiled kernels before they are needed, so that stepping is timed alone."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np

from spikewatt.lava_runtime.engine import Request, no_progress
from spikewatt.lava_runtime.native.execution import execute
from spikewatt.lava_runtime.native.neuron_kernels import update_cuba
from spikewatt.lava_runtime.native.run_lanes import RUN
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import (
    AdaptiveLif,
    Attention,
    Conv,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Neuron,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Sparse,
    Synapses,
)

log = logging.getLogger("spikewatt")


NEURONS: tuple[Neuron, ...] = (
    CubaLif(4096, 0, 1),
    AdaptiveLif(0, 0, 0, 0, 1, 1),
    SigmaDelta(1),
    Sigma(),
    ResonateFire(1, 1, 1, izhikevich=False),
    ResonateFire(1, 1, 1, izhikevich=True),
)


def _synapses() -> tuple[Synapses, ...]:
    """One of each kind that has a kernel, from RUN neurons to as many."""
    shape = RUN, RUN
    one, index = np.ones(shape, np.int32), np.zeros(1, np.int32)
    delayed = Dense(one, delay=np.repeat(np.arange(RUN, dtype=np.int32) % 2, RUN).reshape(shape))
    sparse = Sparse(index, index, one[0, :1], shape=shape, dense_macs=1)
    targets = np.arange(RUN, dtype=np.int32)
    run = Sparse(targets, 0 * targets, one[0], shape=shape, dense_macs=RUN)
    return Conv(one.reshape(RUN, 1, 1, RUN)), delayed, sparse, run


def _spikes() -> Request:
    """Spikes, and every kernel but those of the other request."""
    shape, kinds = (1, 1, RUN), _synapses()
    axon = np.arange(RUN, dtype=np.int32) % 2
    layers = range(1, len(NEURONS) + 1)
    network = Network(
        input=Input(0, shape),
        populations=tuple(Population(i, shape, NEURONS[i - 1]) for i in layers),
        projections=tuple(
            Projection(i - 1, i, kinds[i % len(kinds)], axon_delay=axon) for i in layers
        ),
    )
    return Request(network, np.ones((1, *shape, 2), np.int32), stream(2), (1,), record_state=True)


def _differences() -> Request:
    """A delta encoder that the stimulus drives."""
    population = Population(0, (1,), Delta(1), message_bits=16)
    network = Network(Input(0, (1,), drives_dendrite=True), (population,), ())
    return Request(network, np.ones((1, 1, 2), np.int32), stream(2))


def _products() -> Request:
    """Attention of an input to itself, with gains and biases of steps."""
    shape, attention = (1, 1, 2), Attention(np.ones(1, np.int32), 1, 0, 0, tokens_first=True)
    table = np.zeros((2, 2), np.int32)
    populations = (Population(1, shape, NEURONS[0], step_bias=table),)
    projections = (Projection(0, 1, attention, step_gain=table),)
    network = Network(Input(0, shape), populations, projections)
    return Request(network, np.ones((1, *shape, 2), np.int32), stream(2, reset_interval=2))


@cache
def warm_up() -> None:
    """Load the kernels once per process; the first time on a machine compiles them."""
    cached = Path(str(update_cuba.stats.cache_path)).glob("neuron_kernels.update_cuba-*.nbi")
    if not any(cached):
        log.info("Compiling the native engine; this takes some seconds, once.")
    begun = perf_counter()
    for request in (_spikes(), _differences(), _products()):
        execute(request, 1, 1, no_progress)
    if update_cuba.stats.cache_misses:
        log.info("Compiled the native engine in %.1f s.", perf_counter() - begun)
