"""Foreign networks become what their NIR equations say, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import nir as ir
import numpy as np
import pytest
from oracle import Oracle

from spikewatt.errors import SpikewattError
from spikewatt.export import netx, nir
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.schedule import clips
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Network,
    Readout,
    Sparse,
)
from spikewatt.validation import NEVER_FIRES

DT = nir.DT
STEPS = 20
LIF = CubaLif(4096, 100, 90)


def saved(path: Path, nodes: dict, edges: list[tuple[str, str]]) -> Path:
    ir.write(path, ir.NIRGraph(nodes, edges, type_check=False))
    return path


def chain(path: Path, *nodes: ir.NIRNode) -> Path:
    """A file of nodes one behind the other, named by their place."""
    names = [str(i) for i in range(len(nodes))]
    edges = list(pairwise(names))
    return saved(path, dict(zip(names, nodes, strict=True)), edges)


def entry(*shape: int) -> ir.Input:
    return ir.Input(input_type={"input": np.array(shape)})


def exit_(*shape: int) -> ir.Output:
    return ir.Output(output_type={"output": np.array(shape)})


def lif(*shape: int, share: float = 0.5, threshold: float = 1.0, **values: float) -> ir.LIF:
    """share: of the voltage lost a step; the input counts fully."""
    full = {"v_leak": 0.0, "v_reset": 0.0, "r": 1 / share} | values
    arrays = {k: np.full(shape, float(v)) for k, v in full.items()}
    thresholds = np.full(shape, threshold)
    return ir.LIF(tau=np.full(shape, DT / share), v_threshold=thresholds, **arrays)


def integrate(*shape: int, threshold: float = 1.0) -> ir.IF:
    return ir.IF(
        r=np.full(shape, 1 / DT),
        v_threshold=np.full(shape, threshold),
        v_reset=np.zeros(shape),
    )


def run(network: Network, x: np.ndarray) -> np.ndarray:
    """Output spikes, (N, *shape, T)."""
    schedule = clips(network, len(x), x.shape[-1])
    last = network.output.layer
    return Oracle(Request(network, x.astype(np.int32), schedule, (last,))).run().spikes[last]


def spikes(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).random((2, *shape, STEPS)) < 0.4


def euler(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, share: float) -> np.ndarray:
    """The file's equations, step by step: v <- v - share v + W x + b, reset to 0 above 1."""
    v, out = np.zeros((len(x), len(weight))), []
    for t in range(x.shape[-1]):
        v = (1 - share) * v + x[..., t] @ weight.T + bias
        out.append(v > 1)
        v = np.where(v > 1, 0, v)
    return np.stack(out, axis=-1)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_dense_layers_fire_as_their_equations_say(tmp_path: Path, share: float) -> None:
    """Weights on the grid and nothing that rounds: equal, spike by spike."""
    rng = np.random.default_rng(3)
    first, second = rng.integers(-100, 127, (9, 6)) / 64, rng.integers(-100, 127, (4, 9)) / 64
    first[0, 0], second[0, 0] = 254 / 128, 254 / 128  # so that a threshold is 128
    bias = rng.integers(-40, 90, 9) / 128
    neuron = integrate if share == 0 else (lambda n: lif(n, share=1.0))
    path = chain(
        tmp_path / "dense.nir",
        entry(6),
        ir.Affine(weight=first, bias=bias),
        neuron(9),
        ir.Linear(weight=second),
        neuron(4),
        exit_(4),
    )
    network = nir.read(path)
    assert {p.neuron.v_threshold for p in network.populations} == {128}
    x = spikes(6)
    want = euler(euler(x, first, bias, share), second, np.zeros(4), share)
    assert want.any()
    np.testing.assert_array_equal(run(network, x), want)


def test_leaks_round_as_lavas_do(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    weight = rng.normal(0, 0.5, (30, 20))
    path = chain(
        tmp_path / "leak.nir", entry(20), ir.Linear(weight=weight), lif(30, share=0.1), exit_(30)
    )
    x = spikes(20)
    found, want = run(nir.read(path), x), euler(x, weight, np.zeros(30), 0.1)
    assert want.any()
    assert (found != want).mean() < 0.01


def conv2d(weight: np.ndarray, **options: object) -> ir.Conv2d:
    plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    values = plain | {"bias": np.zeros(len(weight)), "input_shape": (6, 8)} | options
    return ir.Conv2d(weight=weight, **values)


def average(size: int) -> ir.AvgPool2d:
    return ir.AvgPool2d(
        kernel_size=np.array([size, size]), stride=np.array([size, size]), padding=np.array([0, 0])
    )


def test_images_become_kernels_and_composites_become_lists(tmp_path: Path) -> None:
    """conv, pool and conv between neurons, flatten; every value on the grid, so equal."""
    rng = np.random.default_rng(6)
    first = rng.integers(-30, 60, (3, 2, 3, 2)) / 32
    second = rng.integers(-30, 60, (2, 3, 1, 2)) / 8
    last = rng.integers(-30, 60, (4, 8)) / 32
    nodes = (
        entry(2, 6, 8),
        conv2d(first, padding=(1, 0), stride=(1, 2)),
        integrate(3, 6, 4),
        average(2),
        conv2d(second, bias=np.array([0.25, -0.25])),
        integrate(2, 3, 1),
        ir.Flatten(input_type={"input": np.array([2, 3, 1])}, start_dim=0, end_dim=-1),
        ir.Linear(weight=last[:, :6]),
        integrate(4),
        exit_(4),
    )
    network = nir.read(chain(tmp_path / "image.nir", *nodes))
    kinds = [type(p.synapses) for p in network.projections]
    assert kinds == [Conv, Sparse, Dense]
    assert network.latency_steps == 3
    netx.write(network, tmp_path / "image.net")
    x = spikes(2, 6, 8)
    assert run(network, x.transpose(0, 3, 2, 1, 4)).any()


def test_recurrence_delays_and_skips(tmp_path: Path) -> None:
    """A subgraph with a loop, a delay in front, and a skip that stays in step."""
    one = np.ones((3, 3))
    inner = ir.NIRGraph(
        {
            "input": entry(3),
            "lif": integrate(3),
            "w_rec": ir.Linear(weight=-one),
            "output": exit_(3),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
        type_check=False,
    )
    nodes = {
        "in": entry(3),
        "late": ir.Delay(delay=np.array([0.0, 2.0, 5.0]) * DT),
        "w": ir.Linear(weight=2 * one),
        "loop": inner,
        "w2": ir.Linear(weight=one),
        "skip": ir.Linear(weight=one),
        "last": integrate(3),
        "out": exit_(3),
    }
    edges = [("in", "late"), ("late", "w"), ("w", "loop"), ("loop", "w2"), ("w2", "last")]
    edges += [("in", "skip"), ("skip", "last"), ("last", "out")]
    network = nir.read(saved(tmp_path / "loop.nir", nodes, edges))
    found = {(p.source, p.target): p for p in network.projections}
    assert set(found) == {(0, 1), (1, 1), (1, 2), (0, 2)}
    np.testing.assert_array_equal(found[0, 1].axon_delay, [0, 2, 5])
    assert [found[e].delay for e in ((1, 1), (1, 2), (0, 2))] == [0, 0, 1]
    assert network.layer_types[1] == "dense_rec"


def test_thresholds_and_reset_potentials(tmp_path: Path) -> None:
    """Thresholds that differ go into the weights; v counts from the reset potential."""
    weight = np.array([[0.5, -0.25], [0.5, -0.25]])
    node = lif(2, share=0.25, v_reset=-1.0, v_leak=-1.0)
    node.v_threshold = np.array([1.0, 3.0])
    path = chain(tmp_path / "t.nir", entry(2), ir.Linear(weight=weight), node, exit_(2))
    network = nir.read(path)
    (population,) = network.populations
    assert population.neuron == CubaLif(4096, 1024, 1016)  # 254 / (0.5 / 2)
    np.testing.assert_array_equal(network.projections[0].synapses.weight, [[254, -128], [128, -64]])
    assert population.bias is None
    drift = lif(2, share=0.25, v_leak=0.5)
    path = chain(tmp_path / "d.nir", entry(2), ir.Linear(weight=weight), drift, exit_(2))
    network = nir.read(path)
    threshold = network.output.neuron.v_threshold
    np.testing.assert_array_equal(network.output.bias, np.rint([threshold * 0.125] * 2))


def test_a_leaky_integrator_at_the_end_is_a_membrane_readout(tmp_path: Path) -> None:
    node = ir.LI(tau=np.full(2, 4 * DT), r=np.ones(2), v_leak=np.zeros(2))
    weight = np.array([[1.0, 0.5], [0.25, -1.0]])
    network = nir.read(
        chain(tmp_path / "li.nir", entry(2), ir.Linear(weight=weight), node, exit_(2))
    )
    assert network.output.neuron == CubaLif(4096, 1024, NEVER_FIRES)
    assert network.readout == Readout("membrane", 2)


def test_scales_thresholds_and_plain_connections(tmp_path: Path) -> None:
    nodes = (entry(3), ir.Scale(scale=np.full(3, 2.0)), ir.Threshold(threshold=np.full(3, 1.5)))
    network = nir.read(chain(tmp_path / "s.nir", *nodes, exit_(3)))
    x = spikes(3)
    np.testing.assert_array_equal(run(network, x), x)  # 2 is above 1.5 whenever a spike comes


REFUSED: dict[str, tuple[Callable[[], tuple[ir.NIRNode, ...]], str]] = {
    "another node": (
        lambda: (
            entry(3, 4),
            ir.Conv1d(4, np.ones((2, 3, 2)), 1, 0, 1, 1, np.zeros(2)),
            exit_(2, 3),
        ),
        "is a Conv1d, and known are",
    ),
    "no neurons at the end": (
        lambda: (entry(3), lif(3), ir.Linear(weight=np.ones((2, 3))), exit_(2)),
        "end the network in a neuron",
    ),
    "no neurons": (lambda: (entry(3), exit_(3)), "end the network in a neuron"),
    "too short a time constant": (
        lambda: (entry(3), ir.Linear(weight=np.ones((3, 3))), lif(3, share=2.0), exit_(3)),
        "shorter than a step",
    ),
    "a constant in a kept current": (
        lambda: (
            entry(2),
            ir.Affine(weight=np.ones((2, 2)), bias=np.ones(2)),
            ir.CubaLIF(*(np.full(2, v) for v in (4 * DT, 4 * DT, 1.0, 0.0, 1.0))),
            exit_(2),
        ),
        "keeps a current",
    ),
    "decays by neuron": (
        lambda: (
            entry(2),
            ir.Linear(weight=np.ones((2, 2))),
            ir.LIF(np.array([2 * DT, 4 * DT]), *(np.full(2, v) for v in (1.0, 0.0, 1.0, 0.0))),
            exit_(2),
        ),
        "share one decay a layer",
    ),
    "a weight above all thresholds": (
        lambda: (entry(1), ir.Linear(weight=np.array([[300.0]])), integrate(1), exit_(1)),
        "Clip its weights",
    ),
    "weights that are no numbers": (
        lambda: (entry(1), ir.Linear(weight=np.array([[np.nan]])), integrate(1), exit_(1)),
        "are not all numbers",
    ),
    "half a step of delay": (
        lambda: (entry(1), ir.Delay(delay=np.array([0.5 * DT])), integrate(1), exit_(1)),
        "delays are whole",
    ),
    "a threshold below the reset potential": (
        lambda: (entry(1), ir.Linear(weight=np.ones((1, 1))), lif(1, v_reset=2.0), exit_(1)),
        "above its reset potential",
    ),
    "shapes that do not meet": (
        lambda: (entry(5), ir.Linear(weight=np.ones((3, 4))), lif(3), exit_(3)),
        r"does not take a signal of shape \(5,\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused(tmp_path: Path, name: str) -> None:
    nodes, message = REFUSED[name]
    with pytest.raises(SpikewattError, match=message):
        nir.read(chain(tmp_path / "refused.nir", *nodes()))


def test_loops_through_other_neurons_and_without_neurons_are_refused(tmp_path: Path) -> None:
    nodes = {"in": entry(2), "a": integrate(2), "b": integrate(2), "out": exit_(2)}
    edges = [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]
    with pytest.raises(SpikewattError, match="feeds back through other neurons"):
        nir.read(saved(tmp_path / "a.nir", nodes, edges))
    nodes["scale"] = ir.Scale(scale=np.ones(2))
    edges = [("in", "scale"), ("scale", "scale"), ("scale", "a"), ("a", "b"), ("b", "out")]
    with pytest.raises(SpikewattError, match="loop without neurons"):
        nir.read(saved(tmp_path / "b.nir", nodes, edges))


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_damaged_files_are_clear_errors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.nir").write_bytes(content)
    with pytest.raises(SpikewattError, match="cannot be read as NIR"):
        nir.read(tmp_path / "x.nir")
