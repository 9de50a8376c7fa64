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

# u and v of each neuron, as spikewatt's records name its two states
STATES = {"LIF": ("u", "v"), "SigmaDelta": ("sigma", "act"), "Sigma": ("sigma", "sigma")}
STATES |= {name: ("real", "imag") for name in ("RF", "RF_IZ")}


def run(job: dict) -> dict[str, np.ndarray]:
    """Spikes, (*shape, T), and final u and v of the last layer for (*shape, T) messages."""
    data = np.load(job["stimulus"])
    network = hdf5.Network(net_config=job["net"], **job["arguments"])
    source = Source(data=data.astype(int))
    sink = Sink(shape=network.out.shape, buffer=data.shape[-1])
    source.s_out.connect(network.in_layer.neuron.a_in if job["dendrite"] else network.inp)
    network.out.connect(sink.a_in)
    config = Loihi2SimCfg(select_tag="fixed_pt")
    network.run(condition=RunSteps(num_steps=data.shape[-1]), run_cfg=config)
    neuron = network.layers[-1].neuron
    u, v = (getattr(neuron, name).get() for name in STATES[type(neuron).__name__])
    found = {"spikes": sink.data.get(), "u": u, "v": v}
    network.stop()
    return found


if __name__ == "__main__":
    for job in json.loads(Path(sys.argv[1]).read_text()):
        np.savez(job["out"], **run(job))
