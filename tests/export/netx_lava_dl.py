"""Runs files in lava-dl's own Network, in a process of its own: JOBS.json -> one .npz each."""

import json
import sys
from pathlib import Path

import numpy as np
from lava.lib.dl.netx import hdf5
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source


def run(net: str, stimulus: str, message_bits: int) -> dict[str, np.ndarray]:
    """Spikes, (*shape, T), and final u and v of the last layer for (*shape, T) messages."""
    data = np.load(stimulus)
    network = hdf5.Network(net_config=net, input_message_bits=message_bits)
    source = Source(data=data.astype(int))
    sink = Sink(shape=network.out.shape, buffer=data.shape[-1])
    source.s_out.connect(network.inp)
    network.out.connect(sink.a_in)
    config = Loihi2SimCfg(select_tag="fixed_pt")
    network.run(condition=RunSteps(num_steps=data.shape[-1]), run_cfg=config)
    neuron = network.layers[-1].neuron
    found = {"spikes": sink.data.get(), "u": neuron.u.get(), "v": neuron.v.get()}
    network.stop()
    return found


if __name__ == "__main__":
    for job in json.loads(Path(sys.argv[1]).read_text()):
        np.savez(job["out"], **run(job["net"], job["stimulus"], job["message_bits"]))
