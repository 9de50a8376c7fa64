"""What lava-dl and Lava themselves do, in a process of their own: FOLDER -> facts.json.

FOLDER holds the files that the tests made. Every fact is found by running their code.
"""

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
from lava.lib.dl.netx import hdf5
from lava.lib.dl.netx.utils import NetDict, num_delay_bits, optimize_weight_bits
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

warnings.simplefilter("ignore")
FOLDER = Path(sys.argv[1])


def run(out, data: np.ndarray, connect) -> np.ndarray:
    """What arrives at a sink behind `out` while the data streams in."""
    source, sink = Source(data=data.astype(int)), Sink(shape=out.shape, buffer=data.shape[-1])
    connect(source.s_out)
    out.connect(sink.a_in)
    steps = RunSteps(num_steps=data.shape[-1])
    sink.run(condition=steps, run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    found = sink.data.get()
    sink.stop()
    return found


def network(name: str, **options: object) -> hdf5.Network:
    return hdf5.Network(net_config=str(FOLDER / f"{name}.net"), **options)


def spikes(name: str, stimulus: str, **options: object) -> list:
    net = network(name, **options)
    data = np.load(FOLDER / f"{stimulus}.npy")
    return run(net.out, data, lambda port: port.connect(net.inp)).tolist()


def summed_port(weight: int, values: list[int]) -> list:
    """A synapse with 0 message bits that receives these values in turn."""
    synapse = Dense(weights=np.array([[weight]]), num_message_bits=0)
    return run(synapse.a_out, np.array([values]), lambda p: p.connect(synapse.s_in))[0].tolist()


def raised(work) -> str:
    try:
        work()
    except Exception as error:
        return type(error).__name__
    return ""


def printed(work) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as text:
        work()
    return text.getvalue()


def given(process, name: str) -> int:
    """An argument that a process got, 0 where it got none."""
    try:
        return int(process.proc_params[name])
    except KeyError:
        return 0


def recurrent() -> dict:
    """The delays and exponents that the two synapses of a dense_rec layer get."""
    layer = network("recurrent").layers[0]
    parts = {"in": layer.synapse, "back": layer.synapse_rec}
    with h5py.File(FOLDER / "recurrent.net") as file:
        stored = [NetDict(f=file["layer/1"])[k] for k in ("weight", "weight_rec")]
    return {
        "delays": {k: np.asarray(p.delays.init).tolist() for k, p in parts.items()},
        "exponents": [given(p, "weight_exp") for p in parts.values()],
        "right_exponent": optimize_weight_bits(np.hstack(stored))[2],
    }


def resonators() -> list:
    """Decays that are written, and those that Lava's process holds."""
    rows = []
    for sin, cos in np.load(FOLDER / "decays.npy"):
        config = {"type": "RF_PHASE", "sinDecay": sin, "cosDecay": cos, "vThMant": 64}
        params = hdf5.Network.get_neuron_params(config)
        process = params.pop("neuron_proc")(shape=(1,), **params)
        rows.append([int(sin), int(cos), int(process.sin_decay.init), int(process.cos_decay.init)])
    return rows


def exponent() -> bool:
    """Whether a weight exponent changes what the loader gives the neuron."""
    plain, scaled = (network(n).layers[0].neuron.proc_params for n in ("plain", "scaled"))
    return any(str(plain.get(k)) != str(scaled.get(k)) for k in ("vth", "du", "dv", "bias_exp"))


def facts() -> dict:
    strong = np.array([[300, -2]])
    conv = network("conv").layers
    with h5py.File(FOLDER / "input.net") as file:
        bias = int(NetDict(f=file["layer/0"])["bias"][0])
    return {
        "biased": spikes("biased", "one"),
        "delayed": spikes("delayed", "one"),
        "twice": spikes("reset", "two", reset_interval=12, reset_offset=1),
        "offsets": [
            int(layer.neuron.proc_params["reset_offset"])
            for layer in network("biased", reset_interval=12).layers
        ],
        "conv_synapses": [type(layer.synapse).__name__ for layer in conv],
        "exponent_matters": exponent(),
        "input_bias": bias,
        "recurrent_error": raised(lambda: network("recurrent_other")),
        "recurrent": recurrent(),
        "inhibitory": [optimize_weight_bits(np.array([[-128, -2]]))[0].tolist()],
        "zeros": raised(lambda: optimize_weight_bits(np.zeros((2, 2), int))),
        "clip_prints": printed(lambda: optimize_weight_bits(strong)),
        "clipped": optimize_weight_bits(strong)[0].tolist(),
        "delay_bits": {n: int(num_delay_bits(np.array([n]))) for n in (3, 4, 8, 9)},
        "port": summed_port(8, [0, 1, 2, -1, 0, 0]),
        "resonators": resonators(),
        "pool": raised(lambda: network("pool")),
    }


if __name__ == "__main__":
    (FOLDER / "facts.json").write_text(json.dumps(facts()))
