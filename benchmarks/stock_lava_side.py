"""One run of lava-dl as it is shipped: `python stock_lava_side.py FOLDER`.

The folder holds job.json and stimulus.npy; spikes.npy, v.npy and result.json are left there.
Nothing of ours is imported and nothing of Lava's is changed: the network is lava-dl's own loader's,
the stimulus a RingBuffer (or the bias of an input layer's neurons), the record a RingBuffer, as in
lava-dl's tests.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from lava.lib.dl import netx
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc import io


def drive(net: Any, stimulus: np.ndarray) -> None:
    """Connect the stimulus, (*shape, T), with what the network begins with."""
    if not isinstance(net.in_layer, netx.blocks.process.Input):
        if len(net.inp.shape) == 1 and stimulus.ndim == 4:  # flat, in lava-dl's order
            stimulus = stimulus.transpose(2, 1, 0, 3).reshape(-1, stimulus.shape[-1])
        io.source.RingBuffer(data=stimulus).s_out.connect(net.inp)
    elif hasattr(net.in_layer.neuron, "bias_mant"):
        if (stimulus != stimulus[..., :1]).any():
            raise ValueError("The stimulus is the input layer's bias: one value for all steps.")
        net.in_layer.neuron.bias_mant.init = stimulus[..., 0]
    else:
        io.source.RingBuffer(data=stimulus).s_out.connect(net.in_layer.neuron.a_in)


def run(folder: Path) -> None:
    """Build, step, leave the results; the seconds apart."""
    begin = time.perf_counter()
    job = json.loads((folder / "job.json").read_text())
    net = netx.hdf5.Network(net_config=job["network"], **job["options"])
    drive(net, np.load(folder / "stimulus.npy"))
    sink = io.sink.RingBuffer(shape=net.out.shape, buffer=job["steps"])
    net.out.connect(sink.a_in)
    net.create_runtime(run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    built = time.perf_counter()
    net.run(RunSteps(num_steps=job["steps"]))
    ended = time.perf_counter()
    np.save(folder / "spikes.npy", sink.data.get().astype(np.int32))
    np.save(folder / "v.npy", net.out_layer.neuron.v.get().astype(np.int32))
    net.stop()
    seconds = {"build_s": built - begin, "wall_s": ended - built}
    (folder / "result.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
