"""Runs networks as stock Lava processes: `python lava_stock.py JOBS.pickle RESULTS.pickle`.

Jobs are (network, stimulus (*shape, T), reset interval or None). One process per projection,
per population and per recording, as anybody would wire them; nothing of ours but the network's
description. Results are by layer: spikes (size, T), and u and v after the last step.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc import io
from lava.proc.conv.process import Conv as StockConv
from lava.proc.dense.process import DelayDense
from lava.proc.dense.process import Dense as StockDense
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.sparse.process import DelaySparse
from lava.proc.sparse.process import Sparse as StockSparse
from scipy.sparse import csr_matrix

from spikewatt.network import Conv, Dense, Network, Population, Projection


def stock_lif(population: Population, depth: int, interval: int | None):
    neuron = population.neuron
    bias = 0 if population.bias is None else population.bias
    constants = {
        "shape": population.shape,
        "vth": neuron.v_threshold,
        "du": neuron.i_decay - 1,
        "dv": neuron.v_decay,
        "bias_mant": bias,
        "bias_exp": 6,
    }
    if interval is None:
        return LIF(**constants)
    # Lava's first step is 1; ours is 0
    return LIFReset(**constants, reset_interval=interval, reset_offset=depth + 1)


def stock_synapse(network: Network, projection: Projection, bits: int):
    s = projection.synapses
    if isinstance(s, Conv):
        return StockConv(
            weight=s.weight[:, ::-1, ::-1],  # ours is a correlation, Lava's a convolution
            input_shape=network.shape_of(projection.source),
            padding=s.padding,
            stride=s.stride,
            dilation=s.dilation,
            groups=s.groups,
            num_message_bits=bits,
        )
    if isinstance(s, Dense):
        if s.delay is None:
            return StockDense(weights=s.weight, num_message_bits=bits)
        return DelayDense(weights=s.weight, delays=s.delay.astype(int), num_message_bits=bits)
    matrix = csr_matrix((s.weight, (s.targets, s.sources)), shape=s.shape)
    if s.delay is None:
        return StockSparse(weights=matrix, num_message_bits=bits)
    delays = csr_matrix((s.delay.astype(int), (s.targets, s.sources)), shape=s.shape)
    return DelaySparse(weights=matrix, delays=delays, num_message_bits=bits)


def wire(network: Network, processes, projection: Projection) -> None:
    source = projection.source
    bits = network.input.message_bits if source == network.input.layer else 0
    synapse = stock_synapse(network, projection, bits)
    sender, receiver = processes[source].s_out, processes[projection.target].a_in
    flat_in = sender if sender.shape == synapse.s_in.shape else sender.flatten()
    flat_in.connect(synapse.s_in)
    out = synapse.a_out
    (out if out.shape == receiver.shape else out.reshape(receiver.shape)).connect(receiver)


def execute(network: Network, stimulus: np.ndarray, interval: int | None):
    steps = stimulus.shape[-1]
    processes = {network.input.layer: io.source.RingBuffer(data=stimulus)}
    sinks = {}
    for p in network.populations:
        processes[p.layer] = stock_lif(p, network.depths[p.layer], interval)
        sinks[p.layer] = io.sink.RingBuffer(shape=p.shape, buffer=steps)
        processes[p.layer].s_out.connect(sinks[p.layer].a_in)
    for projection in network.projections:
        wire(network, processes, projection)
    output = processes[network.output.layer]
    output.run(RunSteps(num_steps=steps), Loihi2SimCfg(select_tag="fixed_pt"))
    results = {
        layer: tuple(
            var.get().astype(int) for var in (sink.data, processes[layer].u, processes[layer].v)
        )
        for layer, sink in sinks.items()
    }
    output.stop()
    return results


if __name__ == "__main__":
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(pickle.dumps([execute(*job) for job in jobs]))
