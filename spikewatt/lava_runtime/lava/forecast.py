"""What a run in Lava takes of the machine, known before anything is built.

Lava's part is measured, with chains of 1 to 600 small populations; the network's own part is the
sum of the arrays that hold it, and for time the work on them in a step in which many spike.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from math import prod

import numpy as np

from spikewatt.energy.events import dense_macs, synapses
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava.neurons import NEURONS
from spikewatt.lava_runtime.lava.stimulus import is_driven
from spikewatt.memory import free_bytes
from spikewatt.network import Attention, Conv, Dense, Network, Population, Projection, Sparse

PROCESSES_MAX = 400
MEMORY_MAX_BYTES = 20 * 10**9
HELPERS = 4  # the one that builds, Lava's runtime service, shared memory's server and its tracker
MB = 10**6

# megabytes and seconds: fixed, per process, and per pair of processes, since each is forked from
# one that has grown with those before it
MEMORY_MB = (60.0, 5.0, 0.024)
BUILD_S = (0.4, 0.012, 9e-5)

# seconds of a step: fixed, per process, per pair of processes (chains of 1 to 48, two cores)
STEP_S = (2.5e-4, 8e-5, 2.8e-6)
NEURON_S = 7e-9  # single layers of 1000 to 100 000 neurons, less what is Lava's
WORK_S = {Dense: 1.6e-10, Conv: 1e-10, Sparse: 5e-10, Attention: 5e-10}  # a weight, a MAC

DENSE_BYTES = 4 + 8  # a weight in the network; by source and by target in the kernel
LISTED_BYTES = 12 + 24 + 16  # target, source and weight; by source and as a matrix; sorting them
DELAYED_BYTES = 4 + 24 + 40  # a delay; target, wait and weight as 64 bits; what is on its way
NEURON_BYTES = 64  # states, and what a step makes of them
ATTENDED_BYTES = 8
COUNTED_BYTES = 32  # four counters a step

_log = logging.getLogger("spikewatt")


@dataclass(frozen=True)
class Forecast:
    """Processes, all that belong to the run; their memory in bytes; seconds to build, roughly.

    step_s: of a step, roughly: it depends on the machine, on what else it does, and on the spikes.
    """

    processes: int
    memory_bytes: int
    build_s: float
    step_s: float

    def __str__(self) -> str:
        return (
            f"{self.processes} processes, {self.memory_bytes / 10**9:.1f} GB of memory, about "
            f"{self.build_s:.0f} s to build, about {1e3 * self.step_s:.2g} ms a step"
        )


def forecast(request: Request) -> Forecast:
    """What a request takes.

    Exact in processes, within a factor of 1.5 in memory, and of about 3 in the time of a step.
    """
    network = request.network
    own = len(network.populations) + (not is_driven(network.input))
    data = sum(_population_bytes(request, p) for p in network.populations)
    data += sum(_projection_bytes(network, p) for p in network.projections)
    data += request.stimulus.size * 4
    memory = int(_grown(MEMORY_MB, own) * MB) + data
    step = _grown(STEP_S, own) + _work_s(network)
    return Forecast(own + HELPERS, memory, _grown(BUILD_S, own), step)


def _grown(terms: tuple[float, float, float], n: int) -> float:
    fixed, each, pairs = terms
    return fixed + each * n + pairs * n * n


def _work_s(network: Network) -> float:
    """Seconds of a step's arithmetic: populations share the cores, none is spread over several."""
    each = [
        p.size * NEURON_S + sum(_projection_s(network, q) for q in network.incoming(p.layer))
        for p in network.populations
    ]
    return max(sum(each) / len(os.sched_getaffinity(0)), max(each))


def _projection_s(network: Network, p: Projection) -> float:
    of_each = WORK_S.get(type(p.synapses), WORK_S[Sparse])  # other kernels become lists
    stored = isinstance(p.synapses, Dense | Sparse)  # papers may count their MACs otherwise
    return of_each * (synapses(network, p) if stored else dense_macs(network, p))


def _population_bytes(request: Request, p: Population) -> int:
    """States, buffered input, counters and records of one population."""
    network, schedule = request.network, request.schedule
    steps = schedule.samples * schedule.steps
    waits = max((_longest_wait(q) for q in network.incoming(p.layer)), default=0)
    state = NEURONS[type(p.neuron)]
    apart = sum(q.step_gain is not None for q in network.incoming(p.layer))
    buffers = 8 * state.parts * (waits + 2) * (1 + apart)
    total = p.size * (NEURON_BYTES + buffers) + steps * COUNTED_BYTES
    spike = 4 if state.graded else 1
    if p.layer in (*request.record, *request.read_by_host):
        total += steps * p.size * spike
    if p.layer in request.record and request.record_state:
        total += steps * p.size * 8
    return int(total)


def _longest_wait(p: Projection) -> int:
    own = p.synapses.delay if isinstance(p.synapses, Dense | Sparse) else None
    delays = (d for d in (own, p.axon_delay) if d is not None and d.size)
    return p.delay + sum(int(np.max(d)) for d in delays)


def _projection_bytes(network: Network, p: Projection) -> int:
    """The synapses in the network, and again as the kernel that computes them."""
    s, sources = p.synapses, prod(network.shape_of(p.source))
    fan_out = 16 * sources
    if isinstance(s, Attention):  # its three sources as floats, and what they give
        return 3 * fan_out + 2 * ATTENDED_BYTES * sources
    if isinstance(s, Dense):
        delayed = 0 if s.delay is None else int(s.delay.any()) * DELAYED_BYTES
        return fan_out + s.weight.size * (DENSE_BYTES + delayed)
    if isinstance(s, Sparse):
        delayed = 0 if s.delay is None else DELAYED_BYTES
        return fan_out + s.weight.size * (LISTED_BYTES + delayed)
    if isinstance(s, Conv):  # kernels, and the patches that they see
        patches = prod(network.shape_of(p.target)[:2]) * s.groups * prod(s.weight.shape[1:])
        return fan_out + 8 * (2 * sources + patches + s.weight.size)
    return fan_out + dense_macs(network, p) * LISTED_BYTES  # expanded to a list


def admit(request: Request) -> Forecast:
    """The forecast, told to the log; SpikewattError where the machine cannot give as much."""
    expected, free = forecast(request), free_bytes()
    told = f"The Lava run takes {expected}"
    if expected.processes > PROCESSES_MAX:
        raise SpikewattError(
            f"{told}; the limit is {PROCESSES_MAX} processes, one for each population: time and "
            "memory to start them grow with their square. Use the native engine."
        )
    limit = min(MEMORY_MAX_BYTES, free)
    if expected.memory_bytes > limit:
        why = "is free" if limit == free else "is the limit"
        raise SpikewattError(
            f"{told}; {limit / 10**9:.1f} GB {why}. Run fewer samples at a time or shorter clips, "
            "record fewer layers, or use the native engine."
        )
    _log.info("%s", told)
    return expected
