"""Runs networks as stock Lava processes: `python lava_stock.py JOBS.pickle RESULTS.pickle`.

Jobs are (network, stimulus (*shape, T), reset interval or None). One process per projection,
per population and per recording, as anybody would wire them and as the loihi2 engine does.
Results are by layer: spikes (size, T), and u and v after the last step.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc import io

from spikewatt.lava_runtime.loihi2 import stock
from spikewatt.network import Network


def execute(network: Network, stimulus: np.ndarray, interval: int | None):
    steps = stimulus.shape[-1]
    source = io.source.RingBuffer(data=stimulus)
    processes, sinks = {network.input.layer: source}, {}
    for p in network.populations:
        reset = None if interval is None else (interval, network.depths[p.layer])
        processes[p.layer] = stock.neurons(p, reset)
        sinks[p.layer] = io.sink.RingBuffer(shape=p.shape, buffer=steps)
        processes[p.layer].s_out.connect(sinks[p.layer].a_in)
    if network.input.drives_dendrite:
        source.s_out.connect(processes[network.input.layer].a_in)
    for projection in network.projections:
        stock.connect(network, processes, projection)
    output = processes[network.output.layer]
    output.run(RunSteps(num_steps=steps), Loihi2SimCfg(select_tag="fixed_pt"))
    results = {}
    for p in network.populations:
        states = (getattr(processes[p.layer], name) for name in stock.NEURONS[type(p.neuron)][1:])
        found = (var.get().astype(int) for var in (sinks[p.layer].data, *states))
        results[p.layer] = tuple(found)
    output.stop()
    return results


if __name__ == "__main__":
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(pickle.dumps([execute(*job) for job in jobs]))
