"""The ground truths that come with lava-dl, as networks, stimuli and what they have to give.

The networks are put together here from the files' numbers, apart from the codec; those of
lava-dl's block tests from the parameters that stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

import h5py
import numpy as np

from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
)

SDNN_BITS = 16  # lava-dl's, where the file does not say
SDN_VTH = 20
PILOTNET_FILES = {
    1: "conv-0",
    2: "conv-1",
    3: "conv-2",
    4: "conv-3",
    5: "conv-4",
    7: "fc-0",
    8: "fc-1",
    9: "fc-2",
}

# what an execution has to show: (name, found, expected)
Comparisons = Iterator[tuple[str, np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Case:
    """A run and its recorded results."""

    network: Network
    stimulus: np.ndarray  # (*shape, T)
    compare: Callable[[Execution], Comparisons]
    reset: int | None = None

    def request(self, **changes) -> Request:
        """The run with every layer recorded, unless told otherwise."""
        schedule = stream(self.stimulus.shape[-1], self.reset)
        recorded = {"record": tuple(self.network.by_layer), "record_state": True}
        return Request(self.network, self.stimulus[None], schedule, **{**recorded, **changes})


def path_of(name: str) -> Path:
    path = f"tests/lava/lib/dl/netx/{name}"
    return next(Path(f.locate()) for f in files("lava-dl") or () if str(f) == path)


def integers(values) -> np.ndarray:
    whole = np.asarray(values).astype(np.int32)
    assert (whole == values).all()
    return whole


def load(name: str) -> np.ndarray:
    return integers(np.load(path_of(f"gts/{name}.npy")))


def held(values: np.ndarray, steps: int) -> np.ndarray:
    return np.repeat(values.reshape(*values.shape[:3], 1), steps, axis=-1)


def by_shape(layer, source: tuple[int, ...], is_dense: bool) -> Conv | Dense:
    """The file's axes are (out, in, y, x) and (out, channel y x); ours x, y, channel."""
    weight = integers(layer["weight"][()])
    if is_dense:
        weight = weight.reshape(-1, *source[::-1])
        order = (0, *range(weight.ndim - 1, 0, -1))
        return Dense(weight.transpose(order).reshape(len(weight), -1))
    xy = [tuple(layer[k][()].tolist()[::-1]) for k in ("stride", "padding", "dilation")]
    weight = weight.reshape(weight.shape[:4]).transpose(0, 3, 2, 1)
    return Conv(weight, *xy, groups=int(layer["groups"][()]))


def neuron_of(layer, spike_exp: int, is_input: bool):
    group = layer["neuron"]
    threshold = int(group["vThMant"][()])
    if group["type"][()] != b"SDNN":
        return CubaLif(int(group["iDecay"][()]), int(group["vDecay"][()]), threshold)
    if "sigma_output" in group:
        return Sigma()
    return (Delta if is_input else SigmaDelta)(threshold, spike_exp)


def population_of(i: int, layer, shape, spike_exp: int) -> Population:
    neuron = neuron_of(layer, spike_exp, is_input=i == 0)
    bias = np.broadcast_to(integers(layer["bias"][()]), shape) if i and "bias" in layer else None
    return Population(i, shape, neuron, bias, 0 if isinstance(neuron, CubaLif) else SDNN_BITS)


def chain(name: str, spike_exp: int = 6, skip: bool = False) -> Network:
    """A file of input, conv, flatten and dense layers; `skip` leaves the input layer out."""
    with h5py.File(path_of(name)) as file:
        layers = file["layer"]
        shape = tuple(layers["0"]["shape"][()].tolist()[::-1])
        populations = [population_of(0, layers["0"], shape, spike_exp)]
        projections = []
        for i in sorted(map(int, layers)):
            layer, before = layers[str(i)], populations[-1]
            kind = layer["type"][0]
            if kind not in (b"conv", b"dense"):
                continue
            target = tuple(layer["shape"][()].tolist()[::-1])
            target = target[-1:] if kind == b"dense" else target
            synapses = by_shape(layer, before.shape, kind == b"dense")
            populations.append(population_of(i, layer, target, spike_exp))
            projections.append(Projection(before.layer, i, synapses))
    graded = isinstance(populations[0].neuron, Delta)
    source = Input(0, shape, SDNN_BITS if graded and skip else 0)
    if not skip:
        source = Input(0, shape, drives_bias=not graded, drives_dendrite=graded)
    return Network(source, tuple(populations[skip:]), tuple(projections))


def ntidigits() -> Case:
    """64-256-256-242 with one delay per output.

    Lava's timeline runs one step ahead of the file's, whose first step is silent.
    """
    populations, projections = [], []
    with h5py.File(path_of("gts/ntidigits/ntidigits.net")) as file:
        for i in (2, 3, 4):
            layer = file[f"layer/{i}"]
            weight, delay = integers(layer["weight"][()]), None
            if "delay" in layer:
                per_output = integers(layer["delay"][()])[:, None]
                delay = np.repeat(per_output, weight.shape[1], axis=1)
            populations.append(population_of(i, layer, weight.shape[:1], 0))
            projections.append(Projection(0 if i == 2 else i - 1, i, Dense(weight, delay)))
    network = Network(Input(0, (64, 1, 1)), tuple(populations), tuple(projections))
    expected = load("ntidigits/output")
    assert not expected[:, 0].any()

    def compare(found: Execution) -> Comparisons:
        yield "spikes", found.spikes[4][0][:, :-1], expected[:, 1:]

    return Case(network, load("ntidigits/input").reshape(64, 1, 1, 3000), compare)


def pilotnet_lif() -> Case:
    """Five convolutions and four dense layers behind a population that the image drives.

    Spikes and u everywhere; v where there is no spike: the files hold another value there.
    """

    def compare(found: Execution) -> Comparisons:
        yield "input", found.spikes[0][0], load("pilotnet_lif/input")
        for layer, name in PILOTNET_FILES.items():
            spikes, u, v = (load(f"pilotnet_lif/{name}{kind}") for kind in ("", "-u", "-v"))
            silent = spikes == 0
            yield name, found.spikes[layer][0], spikes
            yield f"{name} u", found.u[layer][0], u
            yield f"{name} v", found.v[layer][0][silent], v[silent]

    network = chain("gts/pilotnet_lif/network.net")
    return Case(network, held(load("pilotnet_lif/image"), 24), compare, reset=17)


def tiny() -> Case:
    """lava-dl's test sets the layers back every 17 steps and looks at the steps from 2."""
    expected = load("tinynet/output")[0].transpose(2, 1, 0, 3)

    def compare(found: Execution) -> Comparisons:
        yield "spikes", found.spikes[2][0][..., 2:], expected[..., 1:]

    return Case(chain("tiny.net"), held(load("tinynet/input_bias"), 17), compare, reset=17)


def pilotnet_sdnn() -> Case:
    """lava-dl runs as many steps as there are layers."""

    def compare(found: Execution) -> Comparisons:
        yield "spikes", found.spikes[9][0], load("pilotnet_sdnn/output")

    return Case(
        chain("gts/pilotnet_sdnn/network.net"), held(load("pilotnet_sdnn/input"), 9), compare
    )


def pilotnet_sdnn_layers(name: str, ending: str, layers: tuple[int, ...]) -> Case:
    """Behind the input layer, whose messages are recorded too."""
    network = chain(f"gts/pilotnet_sdnn/{name}.net", skip=True)

    def compare(found: Execution) -> Comparisons:
        for layer in layers:
            expected = load(f"pilotnet_sdnn/sigma{layer}{ending}")
            yield f"sigma of layer {layer}", found.u[layer][0], expected

    x = load("pilotnet_sdnn/act0")[: network.input.shape[0], : network.input.shape[1]]
    return Case(network, x, compare)


def _single(source: Input, population: Population, *projections: Projection) -> Network:
    return Network(source, (population,), projections)


def _sent(expected: np.ndarray) -> Callable[[Execution], Comparisons]:
    return lambda found: iter(
        [("spikes", found.spikes[found.counts.layers[-1].layer][0], expected)]
    )


def dense() -> Case:
    network = _single(
        Input(0, (200,)),
        Population(1, (256,), CubaLif(4096, 415, 6)),
        Projection(0, 1, Dense(load("dense/weight"))),
    )
    return Case(network, load("dense/in"), _sent(load("dense/out")))


def resonator(period: float, alpha: float, threshold: float, izhikevich: bool) -> ResonateFire:
    """The integers that Lava's RF holds for 12 bits of decay and 6 of state."""
    turn = (1 - alpha) * np.exp(2j * np.pi / period) * 4096
    return ResonateFire(int(turn.imag), int(turn.real), int(threshold * 64), izhikevich)


def _complex(neuron: ResonateFire, real: np.ndarray, imag: np.ndarray) -> Network:
    return _single(
        Input(0, (200,)),
        Population(1, (len(real),), neuron),
        Projection(0, 1, Dense(real)),
        Projection(0, 1, Dense(imag), part="imag"),
    )


def complex_dense() -> Case:
    weights = load("complex_dense/weight_r"), load("complex_dense/weight_img")
    network = _complex(resonator(11, 0.05, 25, False), *weights)
    return Case(network, load("complex_dense/in"), _sent(load("complex_dense/out")))


def complex_input() -> Case:
    """lava-dl's block takes its input in the step in which it is sent; a projection takes one."""
    one, expected = np.eye(200, dtype=np.int32), load("complex_dense/current")

    def compare(found: Execution) -> Comparisons:
        yield "spikes", found.spikes[1][0][:, 1:], expected

    x = np.pad(load("complex_dense/in"), ((0, 0), (0, 1)))
    return Case(_complex(resonator(7, 0.05, 1.1, True), one, one), x, compare)


def tinynet_sdnn_input() -> Case:
    steps = 15
    wave = np.sin(2 * np.pi * np.arange(steps) / steps)
    x = (load("tinynet_sdnn/input_bias")[..., None] * wave).astype(np.int32)
    shape = x.shape[:-1]
    population = Population(0, shape, Delta(SDN_VTH), message_bits=SDNN_BITS)
    network = _single(Input(0, shape, drives_dendrite=True), population)
    return Case(network, x, _sent(load("tinynet_sdnn/input")))


def tinynet_sdnn_convolution() -> Case:
    """lava-dl's test runs one step and compares the rest with zeros."""
    expected, shape = load("tinynet_sdnn/layer1"), (6, 6, 24)
    assert not expected[..., 1:].any()
    bias = np.broadcast_to(load("tinynet_sdnn/layer1_bias"), shape)
    kernel = load("tinynet_sdnn/layer1_kernel")[:, ::-1, ::-1]  # written as Lava's, which turns it
    network = _single(
        Input(0, (16, 16, 3), SDNN_BITS),
        Population(1, shape, SigmaDelta(SDN_VTH), bias, SDNN_BITS),
        Projection(0, 1, Conv(kernel, (2, 2))),
    )
    return Case(network, load("tinynet_sdnn/input")[..., :1], _sent(expected[..., :1]))


def tinynet_sdnn_output() -> Case:
    """Recorded with 0 message bits, as lava-dl's test wires it: every message counts as 1."""
    network = _single(
        Input(0, (6, 6, 24)),
        Population(1, (100,), Sigma(), message_bits=SDNN_BITS),
        Projection(0, 1, Dense(load("tinynet_sdnn/layer2_weight"))),
    )
    return Case(network, load("tinynet_sdnn/layer1"), _sent(load("tinynet_sdnn/layer2")))


CASES: dict[str, Callable[[], Case]] = {
    "ntidigits": ntidigits,
    "pilotnet_lif": pilotnet_lif,
    "tiny": tiny,
    "pilotnet_sdnn": pilotnet_sdnn,
    "pilotnet_sdnn_layers": lambda: pilotnet_sdnn_layers("network", "", (1, 2)),
    "square_network": lambda: pilotnet_sdnn_layers("square_network", "_square", (1, 2, 3, 4)),
    "dense": dense,
    "complex_dense": complex_dense,
    "complex_input": complex_input,
    "tinynet_sdnn_input": tinynet_sdnn_input,
    "tinynet_sdnn_convolution": tinynet_sdnn_convolution,
    "tinynet_sdnn_output": tinynet_sdnn_output,
}
