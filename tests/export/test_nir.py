"""Our networks survive NIR: what is written is read back the same, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nir as ir
import numpy as np
import pytest
from netx_cases import facts
from random_networks import network as random_network

from spikewatt.commands.converting import convert
from spikewatt.errors import SpikewattError
from spikewatt.export import netx, nir
from spikewatt.network import (
    Attention,
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Pool,
    Population,
    Projection,
    Readout,
    Sparse,
    StartRule,
)
from spikewatt.validation import NEVER_FIRES

DT = nir.DT
STEPS = 20
LIF = CubaLif(4096, 100, 90)


def own(rng: np.random.Generator) -> Network:
    """Every synapse and neuron that NIR can say, biases, delays, recurrence, a read-out."""

    def even(*shape: int) -> np.ndarray:
        return (2 * rng.integers(-60, 60, shape)).astype(np.int32)

    def steps(*shape: int) -> np.ndarray:
        return rng.integers(0, 9, shape).astype(np.int32)

    listed = np.argwhere(rng.random((7, 6)) < 0.5).astype(np.int32)
    targets, sources = listed[:, 0], listed[:, 1]
    by_source = steps(6)
    sparse = Sparse(targets, sources, even(len(listed)), (7, 6), 42, by_source[sources])
    populations = (
        Population(1, (5, 3, 4), CubaLif(4096, 300, 90), np.tile(even(4), (5, 3, 1))),
        Population(2, (2, 1, 4), CubaLif(4096, 0, 40)),
        Population(4, (6,), CubaLif(700, 123, 99), even(6)),
        Population(5, (7,), CubaLif(4096, 0, NEVER_FIRES), even(7)),
    )
    projections = (
        Projection(0, 1, Conv(even(4, 3, 2, 1), (1, 2), (1, 0), (1, 1), 2)),
        Projection(1, 2, Pool(np.full((2, 2), 6, np.int32), (2, 2)), axon_delay=steps(60)),
        Projection(2, 4, Dense(even(6, 8), np.repeat(steps(6, 1), 8, axis=1)), delay=2),
        Projection(4, 4, Dense(even(6, 6)), delay=1),
        Projection(4, 5, sparse),
        Projection(4, 5, Dense(even(7, 6)), axon_delay=steps(6)),
    )
    return Network(
        Input(0, (5, 6, 2), message_bits=3),
        populations,
        projections,
        StartRule.BY_DEPTH,
        Readout("membrane", 7, 3),
        tuple("abcdefg"),
        {"kind": "spikes", "scale": 1.5},
        {"epochs": 3},
        {0: "input", 1: "conv", 2: "pool", 3: "flatten", 4: "dense_rec", 5: "dense"},
    )


def test_gains_of_steps_are_refused(tmp_path: Path) -> None:
    net = own(np.random.default_rng(0))
    gain = np.full((3, 4), 4096, np.int32)
    gained = replace(
        net, projections=(replace(net.projections[0], step_gain=gain), *net.projections[1:])
    )
    with pytest.raises(SpikewattError, match="gains or biases for each of 3 steps, which NIR"):
        nir.write(gained, tmp_path / "a.nir")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(5))
def test_our_networks_survive(tmp_path: Path, seed: int) -> None:
    network = own(np.random.default_rng(seed))
    nir.write(network, tmp_path / "own.nir")
    assert facts(nir.read(tmp_path / "own.nir")) == facts(network)
    ir.read(tmp_path / "own.nir", type_check=False)


def test_random_networks_survive_or_are_refused(tmp_path: Path) -> None:
    path, survived = tmp_path / "random.nir", 0
    for seed in range(200):
        network = random_network(seed, equalised=True, attends=False)
        neurons = [replace(p, neuron=LIF, message_bits=0) for p in network.populations]
        synapses = [replace(p, part="real") for p in network.projections]
        network = replace(network, populations=tuple(neurons), projections=tuple(synapses))
        try:
            nir.write(network, path)
        except SpikewattError as error:
            assert "NIR" in str(error)  # noqa: PT017
            continue
        assert facts(nir.read(path)) == facts(network)
        survived += 1
    assert survived > 5


def test_convert_there_and_back_is_the_same_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    weight = (2 * rng.integers(-60, 60, (5, 4))).astype(np.int32)
    population = Population(1, (5,), CubaLif(4096, 300, 90), np.arange(5, dtype=np.int32))
    network = Network(Input(0, (4,)), (population,), (Projection(0, 1, Dense(weight)),))
    netx.write(network, tmp_path / "a.net")
    assert convert(tmp_path / "a.net", tmp_path / "b.nir") == []
    convert(tmp_path / "b.nir", tmp_path / "c.net")
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "c.net").read_bytes()


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("a.h5", "b.net", r"Unknown file ending '.h5'"),
        ("a.net", "b.net", "same ending"),
        ("missing.nir", "b.net", "does not exist"),
    ],
)
def test_convert_names_what_is_wrong(
    tmp_path: Path, source: str, target: str, message: str
) -> None:
    with pytest.raises(SpikewattError, match=message):
        convert(tmp_path / source, tmp_path / target)


def test_a_changed_own_file_is_a_clear_error(tmp_path: Path) -> None:
    nir.write(own(np.random.default_rng(1)), tmp_path / "own.nir")
    graph = ir.read(tmp_path / "own.nir", type_check=False)
    graph.nodes["projection_0"].weight = graph.nodes["projection_0"].weight + 0.5
    ir.write(tmp_path / "own.nir", graph)
    with pytest.raises(SpikewattError, match=r"projection_0.*whole numbers"):
        nir.read(tmp_path / "own.nir")
    graph.metadata["spikewatt"] = graph.metadata["spikewatt"].replace(
        '"version": 1', '"version": 9'
    )
    ir.write(tmp_path / "own.nir", graph)
    with pytest.raises(SpikewattError, match="has version 9"):
        nir.read(tmp_path / "own.nir")
    graph.metadata["spikewatt"] = "{"
    ir.write(tmp_path / "own.nir", graph)
    with pytest.raises(SpikewattError, match="no longer fit the metadata"):
        nir.read(tmp_path / "own.nir")
    del graph.nodes["projection_0"]
    ir.write(tmp_path / "own.nir", graph)
    with pytest.raises(SpikewattError, match="joins no node"):
        nir.read(tmp_path / "own.nir")


def test_networks_that_nir_cannot_say_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    network = own(rng)
    mixed = Dense(np.ones((6, 8), np.int32) * 2, rng.integers(0, 9, (6, 8)).astype(np.int32))
    projections = (*network.projections[:2], Projection(2, 4, mixed), *network.projections[3:])
    changed = replace(network, projections=projections)
    with pytest.raises(SpikewattError, match=r"layer 2 to layer 4 .*delays of their own"):
        nir.write(changed, tmp_path / "x.nir")
    assert not (tmp_path / "x.nir").exists()


def test_attention_is_refused_by_name(tmp_path: Path) -> None:
    attention = Attention(np.ones(1, np.int32), 2, 0, 0)
    network = Network(
        Input(0, (2, 2, 4)), (Population(1, (2, 2, 4), LIF),), (Projection(0, 1, attention),)
    )
    with pytest.raises(SpikewattError, match="layer 0 to layer 1 is of type Attention, which"):
        nir.write(network, tmp_path / "a.nir")
