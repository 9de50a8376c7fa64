"""What the engines are timed on: two networks that come with lava-dl, the zoo's, synthetic ones."""

from __future__ import annotations

import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spikewatt
from spikewatt.data import synthetic
from spikewatt.data.encode import encoder_from_dict
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

ROOT = Path(__file__).parents[1]
TRUTHS = Path(sysconfig.get_paths()["purelib"]) / "tests/lava/lib/dl/netx/gts"
ZOO = ROOT / "zoo" / "signal-sgn-core-nw-ucla.net"
DEMO = ROOT / "demo" / "network.net"
PILOTNET_STEPS, PILOTNET_RESET = 24, 17  # as lava-dl's own test runs it
LIF = CubaLif(i_decay=2048, v_decay=1024, v_threshold=700)


@dataclass(frozen=True, eq=False)
class Workload:
    """A request, its file, and how many steps an unmodified lava-dl takes of it (0: none)."""

    name: str
    path: Path
    request: Request
    stock_steps: int

    @property
    def steps(self) -> int:
        """Steps of all samples."""
        return self.request.schedule.samples * self.request.schedule.steps


def ntidigits(steps: int = 3000, stock_steps: int = 300) -> Workload:
    """Three dense layers with a delay an output, 64-256-256-242, on one spoken digit string."""
    path = TRUTHS / "ntidigits" / "ntidigits.net"
    network = spikewatt.load(path, layers=5)
    stimulus = np.load(TRUTHS / "ntidigits" / "input.npy").astype(np.int32)[:, :steps]
    stimulus = stimulus.reshape(1, *network.input.shape, steps)
    return Workload("ntidigits", path, Request(network, stimulus, stream(steps)), stock_steps)


def pilotnet() -> Workload:
    """PilotNet LIF: five convolutions and four dense layers on one held frame."""
    path = TRUTHS / "pilotnet_lif" / "network.net"
    network = spikewatt.load(path)
    image = np.rint(np.load(TRUTHS / "pilotnet_lif" / "image.npy")).astype(np.int32)
    schedule = stream(PILOTNET_STEPS, PILOTNET_RESET)
    request = Request(network, image[None, ..., None], schedule)
    return Workload("PilotNet LIF", path, request, PILOTNET_STEPS)


def zoo(samples: int = 32, stock_samples: int = 1) -> Workload:
    """The zoo's skeleton network on generated clips, encoded as its file says."""
    return _skeletons("signal-sgn-core", ZOO, samples, stock_samples)


def demo(samples: int = 32, stock_samples: int = 8) -> Workload:
    """The network of `spikewatt demo` on its own test clips."""
    if not DEMO.exists():
        raise SpikewattError("demo/network.net is not there; run `spikewatt demo --out demo` first")
    return _skeletons("the demo's network", DEMO, samples, stock_samples)


def _skeletons(name: str, path: Path, samples: int, stock_samples: int) -> Workload:
    network = spikewatt.load(path)
    assert network.encoder is not None
    generated = synthetic.generate(seed=0, train=0, test=samples).test
    stimulus = encoder_from_dict(network.encoder).encode_all(generated)
    request = Request(network, stimulus, clips(network, *stimulus.shape[:: stimulus.ndim - 1]))
    return Workload(name, path, request, stock_samples * stimulus.shape[-1])


def data_folder() -> Path:
    """The published NW-UCLA files, or a SpikewattError that says where they are looked for."""
    place = Path(os.environ.get("SPIKEWATT_DATA", ROOT / ".data")) / "nw-ucla"
    if not (place / "val.json").exists():
        raise SpikewattError("the NW-UCLA data is neither in .data nor in SPIKEWATT_DATA")
    return place


def nw_ucla(limit: int | None = None) -> tuple[Workload, list[int]]:
    """The zoo's network on the test clips of the data it was trained on, and their labels."""
    from spikewatt.data.datasets import load

    network = spikewatt.load(ZOO)
    assert network.encoder is not None
    test = load(f"nw-ucla:{data_folder()}").test[:limit]
    stimulus = encoder_from_dict(network.encoder).encode_all(test)
    request = Request(network, stimulus, clips(network, *stimulus.shape[:: stimulus.ndim - 1]))
    return Workload("signal-sgn-core, NW-UCLA", ZOO, request, 0), [c.label for c in test]


@dataclass(frozen=True)
class Synthetic:
    """A chain of equal dense layers on random spikes."""

    neurons: int = 256
    layers: int = 3
    steps: int = 256
    samples: int = 1
    rate: float = 0.05  # input spikes a channel and step

    def request(self) -> Request:
        """The same network and spikes each time."""
        rng, n = np.random.default_rng(0), self.neurons
        numbers = range(1, self.layers + 1)

        def weight() -> np.ndarray:
            # the wider, the weaker, so that layers of all widths fire alike
            wide = np.clip(rng.normal(0, 60, (n, n)) * 16 / np.sqrt(n), -256, 254)
            return (2 * (wide / 2).astype(np.int32)).astype(np.int32)

        network = Network(
            Input(0, (n,)),
            tuple(Population(i, (n,), LIF) for i in numbers),
            tuple(Projection(i - 1, i, Dense(weight())) for i in numbers),
        )
        drawn = rng.random((self.samples, n, self.steps)) < self.rate
        return Request(network, drawn.astype(np.int32), clips(network, self.samples, self.steps))
