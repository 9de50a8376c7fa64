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
from lava.proc.atrlif.process import ATRLIF
from lava.proc.conv.process import Conv as StockConv
from lava.proc.dense.process import DelayDense
from lava.proc.dense.process import Dense as StockDense
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.rf.process import RF
from lava.proc.rf_iz.process import RF_IZ
from lava.proc.sdn.process import ActivationMode
from lava.proc.sdn.process import Delta as StockDelta
from lava.proc.sdn.process import Sigma as StockSigma
from lava.proc.sdn.process import SigmaDelta as StockSigmaDelta
from lava.proc.sparse.process import DelaySparse
from lava.proc.sparse.process import Sparse as StockSparse
from scipy.sparse import csr_matrix

from spikewatt.network import (
    AdaptiveLif,
    Conv,
    CubaLif,
    Delta,
    Dense,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
)


def stock_lif(p: Population, depth: int, interval: int | None):
    constants = {
        "shape": p.shape,
        "vth": p.neuron.v_threshold,
        "du": p.neuron.i_decay - 1,
        "dv": p.neuron.v_decay,
        "bias_mant": 0 if p.bias is None else p.bias,
        "bias_exp": 6,
    }
    if interval is None:
        return LIF(**constants)
    # Lava's first step is 1; ours is 0
    return LIFReset(**constants, reset_interval=interval, reset_offset=depth + 1)


def stock_adaptive(p: Population, depth: int, interval: int | None):
    n = p.neuron
    return ATRLIF(
        shape=p.shape,
        delta_i=(n.i_decay - 1) / 4096,  # its model adds 1
        delta_v=n.v_decay / 4096,
        delta_theta=n.threshold_decay / 4096,
        delta_r=n.refractory_decay / 4096,
        theta_0=n.threshold,
        theta_step=n.threshold_step,
        bias_mant=0 if p.bias is None else p.bias,
        bias_exp=6,
    )


def stock_delta(p: Population, depth: int, interval: int | None):
    n = p.neuron
    return StockDelta(
        shape=p.shape, vth=n.v_threshold, spike_exp=n.spike_exp, state_exp=n.state_exp
    )


def stock_sigma(p: Population, depth: int, interval: int | None):
    return StockSigma(shape=p.shape)


def stock_sigma_delta(p: Population, depth: int, interval: int | None):
    n = p.neuron
    return StockSigmaDelta(
        shape=p.shape,
        vth=n.v_threshold,
        bias=0 if p.bias is None else p.bias,
        act_mode=ActivationMode[n.activation.upper()],
        spike_exp=n.spike_exp,
        state_exp=n.state_exp,
    )


def stock_resonator(p: Population, depth: int, interval: int | None):
    n = p.neuron
    process = RF_IZ if n.izhikevich else RF
    made = process(
        shape=p.shape, period=10, alpha=0.1, state_exp=n.state_exp, decay_bits=n.decay_bits
    )
    made.sin_decay.init = np.int32(n.sin_decay)
    made.cos_decay.init = np.int32(n.cos_decay)
    made.vth.init = n.v_threshold
    return made


NEURONS = {  # what makes the process, and the variables that we show as u and v
    CubaLif: (stock_lif, "u", "v"),
    AdaptiveLif: (stock_adaptive, "i", "v"),
    Delta: (stock_delta, "residue", "act"),
    Sigma: (stock_sigma, "sigma", "sigma"),
    SigmaDelta: (stock_sigma_delta, "sigma", "act"),
    ResonateFire: (stock_resonator, "real", "imag"),
}


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
        if s.delay is None and projection.axon_delay is None and not projection.delay:
            return StockDense(weights=s.weight, num_message_bits=bits)
        delay = projection.delay + np.zeros_like(s.weight)
        for more in (s.delay, projection.axon_delay):  # axons: one column a source
            delay = delay if more is None else delay + more
        return DelayDense(weights=s.weight, delays=delay.astype(int), num_message_bits=bits)
    matrix = csr_matrix((s.weight, (s.targets, s.sources)), shape=s.shape)
    if s.delay is None:
        return StockSparse(weights=matrix, num_message_bits=bits)
    delays = csr_matrix((s.delay.astype(int), (s.targets, s.sources)), shape=s.shape)
    return DelaySparse(weights=matrix, delays=delays, num_message_bits=bits)


def dendrite(network: Network, processes, layer: int, part: str):
    is_resonator = isinstance(network.by_layer[layer].neuron, ResonateFire)
    return getattr(processes[layer], f"a_{part}_in" if is_resonator else "a_in")


def wire(network: Network, processes, projection: Projection) -> None:
    source = projection.source
    bits = network.by_layer.get(source, network.input).message_bits
    synapse = stock_synapse(network, projection, bits)
    sender = processes[source].s_out
    receiver = dendrite(network, processes, projection.target, projection.part)
    flat_in = sender if sender.shape == synapse.s_in.shape else sender.flatten()
    flat_in.connect(synapse.s_in)
    out = synapse.a_out
    (out if out.shape == receiver.shape else out.reshape(receiver.shape)).connect(receiver)


def execute(network: Network, stimulus: np.ndarray, interval: int | None):
    steps = stimulus.shape[-1]
    source = io.source.RingBuffer(data=stimulus)
    processes, sinks = {network.input.layer: source}, {}
    for p in network.populations:
        make = NEURONS[type(p.neuron)][0]
        processes[p.layer] = make(p, network.depths[p.layer], interval)
        sinks[p.layer] = io.sink.RingBuffer(shape=p.shape, buffer=steps)
        processes[p.layer].s_out.connect(sinks[p.layer].a_in)
    if network.input.drives_dendrite:
        source.s_out.connect(processes[network.input.layer].a_in)
    for projection in network.projections:
        wire(network, processes, projection)
    output = processes[network.output.layer]
    output.run(RunSteps(num_steps=steps), Loihi2SimCfg(select_tag="fixed_pt"))
    results = {}
    for p in network.populations:
        states = (getattr(processes[p.layer], name) for name in NEURONS[type(p.neuron)][1:])
        found = (var.get().astype(int) for var in (sinks[p.layer].data, *states))
        results[p.layer] = tuple(found)
    output.stop()
    return results


if __name__ == "__main__":
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(pickle.dumps([execute(*job) for job in jobs]))
