"""The proof: files that spikewatt writes, loaded by lava-dl, run in Lava as the network read back.

lava-dl's Network runs in a process of its own, because Lava forks and its import takes seconds.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from netx_cases import joined

from spikewatt.export import netx
from spikewatt.export.netx.neurons import DEFAULT
from spikewatt.export.netx.order import listed
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.native.engine import NativeEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import (
    THRESHOLD_MAX,
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

pytestmark = pytest.mark.lava

LIF = CubaLif(1024, 300, 60)
STEPS = 40
ZOO = Path(__file__).parents[2] / "zoo"


def even(rng, *shape, reach: int = 30) -> np.ndarray:
    return (rng.integers(-reach, reach, shape) * 2).astype(np.int32)


def delayed(rng) -> tuple[Network, np.ndarray]:
    """Synaptic delays, bias, a sparse layer, a weight of -256; ends in a running sum."""
    delay = rng.integers(0, 9, (6, 7)).astype(np.int32)
    weight = even(rng, 6, 7)
    weight[0, 0] = -256
    structure = Dense(even(rng, 5, 6) * (rng.random((5, 6)) < 0.5), delay[:5, :6])
    network = joined(
        Input(0, (7,)),
        (1, (6,), LIF, Dense(weight, delay), rng.integers(-9, 9, 6).astype(np.int32)),
        (2, (5,), CubaLif(4096, 0, 40), listed(structure, 12), None),
        (3, (4,), DEFAULT, Dense(even(rng, 4, 5)), None),
    )
    return network, rng.random((7, STEPS)) < 0.4


def convolved(rng) -> tuple[Network, np.ndarray]:
    """Graded messages, unequal strides, paddings and dilations, groups, and a flatten layer."""
    first = Conv(even(rng, 4, 3, 2, 2), (2, 1), (1, 0), (1, 2))
    second = Conv(even(rng, 6, 2, 3, 2), (1, 1), (0, 1), (1, 1), groups=2)
    network = joined(
        Input(0, (7, 6, 2), message_bits=8),
        (1, (4, 4, 4), CubaLif(2048, 300, 400), first, even(rng, 4, 4, 4)),
        (2, (3, 4, 6), LIF, second, np.tile(even(rng, 6), (3, 4, 1))),
        (4, (5,), LIF, Dense(even(rng, 5, 72)), even(rng, 5)),
    )
    return network, rng.integers(-9, 10, (7, 6, 2, STEPS)) * (rng.random((7, 6, 2, STEPS)) < 0.3)


def axons(rng) -> tuple[Network, np.ndarray]:
    """Delays of a projection and of its sources, which lava-dl sees as a matrix of delays."""
    network = joined(
        Input(0, (7,)),
        (1, (6,), LIF, Dense(even(rng, 6, 7)), rng.integers(-9, 9, 6).astype(np.int32)),
        (2, (5,), LIF, Dense(even(rng, 5, 6), rng.integers(0, 5, (5, 6)).astype(np.int32)), None),
    )
    first, second = network.projections
    second = replace(second, delay=2, axon_delay=rng.integers(0, 9, 6).astype(np.int32))
    return replace(network, projections=(first, second)), rng.random((7, STEPS)) < 0.4


def recurrent(rng) -> tuple[Network, np.ndarray]:
    """Two layers with projections to themselves."""
    network = joined(
        Input(0, (7,)),
        (1, (6,), CubaLif(1024, 300, 90), Dense(abs(even(rng, 6, 7))), None),
        (2, (5,), CubaLif(512, 300, 40), Dense(abs(even(rng, 5, 6))), None),
    )
    first, second = network.projections
    loops = [Projection(i, i, Dense(even(rng, n, n))) for i, n in ((1, 6), (2, 5))]
    projections = (first, loops[0], second, loops[1])
    return replace(network, projections=projections), rng.random((7, STEPS)) < 0.4


def resonating(rng) -> tuple[Network, np.ndarray]:
    """Complex layers of both kinds of resonators."""
    neurons = ResonateFire(2100, 3300, 900, False), ResonateFire(700, 4001, 1200, True)
    sizes, projections = (7, 6, 5), []
    for i in (1, 2):
        parts = (Dense(even(rng, sizes[i], sizes[i - 1])) for _ in range(2))
        pairs = zip(parts, ("real", "imag"), strict=True)
        projections += [Projection(i - 1, i, s, part=part) for s, part in pairs]
    populations = tuple(Population(i + 1, (sizes[i + 1],), n) for i, n in enumerate(neurons))
    return Network(Input(0, (7,)), populations, tuple(projections)), rng.random((7, STEPS)) < 0.5


def sigma_delta(rng) -> tuple[Network, np.ndarray]:
    """Delta at the input, sigma-delta with bias and loop, sigma at the end; an own spike_exp."""
    kernel = Conv(even(rng, 3, 3, 2, 2, reach=9), (2, 1), (1, 0))
    neurons = Delta(3, 3), SigmaDelta(5, 3), SigmaDelta(2, 3), Sigma()
    network = joined(
        Input(0, (5, 4, 2), drives_dendrite=True, scale=64),
        (1, (3, 3, 3), neurons[1], kernel, np.tile(even(rng, 3), (3, 3, 1))),
        (3, (6,), neurons[2], Dense(even(rng, 6, 27, reach=5)), even(rng, 6)),
        (4, (2,), neurons[3], Dense(even(rng, 2, 6)), None),
    )
    first = Population(0, (5, 4, 2), neurons[0])
    populations = (replace(p, message_bits=16) for p in (first, *network.populations))
    loop = Projection(3, 3, Dense(even(rng, 6, 6, reach=2)))
    projections = (*network.projections[:2], loop, network.projections[2])
    network = replace(network, populations=tuple(populations), projections=projections)
    return network, rng.integers(-20, 40, (5, 4, 2, STEPS))


def integrating(rng) -> tuple[Network, np.ndarray]:
    """A running sum at the end, of binary spikes."""
    network, x = delayed(rng)
    sum_up = Population(3, (4,), Sigma(), message_bits=16)
    return replace(network, populations=(*network.populations[:2], sum_up)), x


def trained(rng) -> tuple[Network, np.ndarray]:
    """A trained network of ours, of standard layers only: the zoo's, with its read-out."""
    network = netx.read(ZOO / "signal-sgn-core-nw-ucla.net")
    return network, rng.integers(-63, 64, (*network.input.shape, STEPS))


CASES = {
    "delayed": delayed,
    "convolved": convolved,
    "axons": axons,
    "recurrent": recurrent,
    "resonating": resonating,
    "sigma_delta": sigma_delta,
    "integrating": integrating,
    "trained": trained,
}


def is_graded(neuron) -> bool:
    return isinstance(neuron, Delta | SigmaDelta)


def entering(network: Network, x: np.ndarray) -> np.ndarray:
    """The stimulus as lava-dl takes it: where a flatten comes first, flat in its order."""
    if network.layer_types.get(1) != "flatten":
        return x
    return x.transpose(2, 1, 0, 3).reshape(-1, x.shape[-1])


def run_lava_dl(jobs: list[dict], folder: Path) -> None:
    """All jobs in one process; its Lava workers end with it, whatever happens."""
    (folder / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).with_name("netx_lava_dl.py")
    command = [sys.executable, str(script), str(folder / "jobs.json")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            assert process.wait(120) == 0, (folder / "log").read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """By case: the file's network as read back, the stimulus, and what lava-dl computed."""
    folder, jobs, networks = tmp_path_factory.mktemp("lava_dl"), [], {}
    for name, make in CASES.items():
        network, x = make(np.random.default_rng(3))
        report = netx.write(network, folder / f"{name}.net")
        assert report.for_lava_dl, report
        np.save(folder / f"{name}.npy", entering(network, x.astype(np.int32)))
        paths = {k: str(folder / f"{name}.{e}") for k, e in (("net", "net"), ("stimulus", "npy"))}
        arguments = {"input_message_bits": network.input.message_bits}
        exponents = {p.neuron.spike_exp for p in network.populations if is_graded(p.neuron)}
        arguments |= {"spike_exp": exponents.pop()} if exponents else {}
        more = {"arguments": arguments, "dendrite": network.input.drives_dendrite}
        jobs.append(paths | more | {"out": str(folder / f"{name}.npz")})
        networks[name] = folder / f"{name}.net", x.astype(np.int32)
    with h5py.File(folder / "delayed.net", "a") as file:
        del file["layer/3/neuron"]  # lava-dl's default takes its place
    run_lava_dl(jobs, folder)
    return {n: (*networks[n], np.load(folder / f"{n}.npz")) for n in CASES}


@pytest.mark.parametrize("name", CASES)
def test_lava_dl_computes_what_the_network_says(computed, name):
    path, x, lava = computed[name]
    network = netx.read(path)
    last = network.output.layer
    request = Request(network, x[None], stream(STEPS), tuple(network.by_layer), record_state=True)
    ours = NativeEngine().run(request)
    np.testing.assert_array_equal(ours.spikes[last][0], lava["spikes"])
    np.testing.assert_array_equal(ours.u[last][0][..., -1], lava["u"])
    np.testing.assert_array_equal(ours.v[last][0][..., -1], lava["v"])
    fires = {
        p.layer: getattr(p.neuron, "v_threshold", 0) < THRESHOLD_MAX for p in network.populations
    }
    assert all(s.any() for layer, s in ours.spikes.items() if fires[layer])
    assert lava["u"].any() or lava["v"].any()  # a read-out keeps no current, others may rest


def test_a_missing_neuron_is_read_as_lava_dls_default(computed):
    path, _, _ = computed["delayed"]
    found = netx.inspect(path)
    assert found.network.output.neuron == DEFAULT
    assert "no neuron" in found.warnings[0]
