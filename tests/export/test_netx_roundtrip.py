"""Networks written and read back are the same; equal networks give equal bytes."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import random_networks as rn
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from netx_cases import chain, facts, small

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.netx.plan import why_no_chain
from spikewatt.network import (
    Attention,
    CubaLif,
    Dense,
    Input,
    Network,
    NetworkError,
    Population,
    Projection,
    Sparse,
)

SEEDS = st.integers(0, 2**32)
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LIF = CubaLif(1024, 512, 20)


@FEW
@given(SEEDS)
def test_chains_survive(tmp_path, seed):
    network = chain(seed)
    netx.write(network, tmp_path / "a.net")
    netx.write(network, tmp_path / "b.net")
    assert facts(netx.read(tmp_path / "a.net")) == facts(network)
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()


def test_chains_are_written_as_the_protocol_has_them():
    # rare seeds leave out a flatten that a concat of single rows needs; those become graphs
    assert not any(why_no_chain(chain(seed)) for seed in range(100))


@FEW
@given(SEEDS)
def test_graphs_survive(tmp_path, seed):
    network = rn.network(seed, equalised=True)
    assume(why_no_chain(network))
    report = netx.write(network, tmp_path / "a.net")
    netx.write(network, tmp_path / "b.net")
    without = ("layer_types",)
    assert facts(netx.read(tmp_path / "a.net"), without) == facts(network, without)
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()
    assert not report.for_lava_dl


def test_what_is_read_is_written_with_the_same_numbers(tmp_path):
    network = next(n for n in map(chain, range(99)) if "flatten" in n.layer_types.values())
    netx.write(network, tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net") as file:
        assert sorted(map(int, file["layer"])) == list(range(len(network.layer_types)))
    first = netx.read(tmp_path / "a.net")
    netx.write(first, tmp_path / "b.net")
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()


def test_a_sparse_layer_is_an_ordinary_dense_one_for_lava_dl(tmp_path):
    sparse = Sparse(
        *(np.array(a, np.int32) for a in ([2, 0], [1, 1], [6, -4])), (3, 2), dense_macs=17
    )
    network = small(np.ones((3, 2)), LIF)
    network = replace(network, projections=(Projection(0, 1, sparse),))
    assert netx.write(network, tmp_path / "s.net").for_lava_dl
    with h5py.File(tmp_path / "s.net") as file:
        stored = file["layer/1/weight"][()].astype(int)
        assert file["layer/1/type"][()] == b"dense"
    np.testing.assert_array_equal(stored, [[0, -4], [0, 0], [0, 6]])
    assert facts(netx.read(tmp_path / "s.net").projections) == facts(network.projections)


@pytest.mark.parametrize(
    "weight",
    [[[-128, -2]], [[-256, -256]], [[-4, -3], [0, 0]]],
    ids=["power of two", "all -256", "odd beside zeros"],
)
def test_weights_that_lava_dl_changes_are_refused(tmp_path, weight):
    with pytest.raises(NetworkError, match="lava-dl and Lava change") as caught:
        netx.write(small(weight, LIF), tmp_path / "w.net")
    assert caught.value.violations[0].layer == 1
    assert not list(tmp_path.iterdir())


def test_zeros_are_written_but_not_for_lava_dl(tmp_path):
    report = netx.write(small(np.zeros((2, 2)), LIF), tmp_path / "z.net")
    assert "OverflowError" in report.lava_dl[0]
    assert not netx.read(tmp_path / "z.net").projections[0].synapses.weight.any()


def test_no_number_for_a_flatten_layer_is_refused(tmp_path):
    network = small(np.ones((3, 8)) * 2, LIF)
    network = replace(network, input=replace(network.input, shape=(2, 2, 2)))
    with pytest.raises(NetworkError, match="number this layer 2"):
        netx.write(network, tmp_path / "f.net")


def test_refused_and_failed_writes_leave_the_old_file(tmp_path):
    path = tmp_path / "n.net"
    netx.write(small([[2, 4]], LIF), path)
    before = path.read_bytes()
    with pytest.raises(NetworkError):
        netx.write(small([[2, 400]], LIF), path)
    with pytest.raises(SpikewattError, match="encoder"):
        netx.write(replace(small([[2, 4]], LIF), encoder={"x": object()}), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["n.net"]


def test_a_missing_directory_is_a_clear_error(tmp_path):
    with pytest.raises(SpikewattError, match="Cannot write"):
        netx.write(small([[2, 4]], LIF), tmp_path / "no" / "n.net")


def attending() -> Network:
    """Input (2, 2, 4) as queries, keys and values; behind it two blocks of listed synapses."""
    weight, index = np.array([-8], np.int32), np.arange(3, dtype=np.int32)
    attention = Attention(weight, 2, 0, 0, blocks=2, tokens_first=True)
    sparse = Sparse(index[::-1], index, index, (6, 16), 96, index, repeats=2)
    neurons = Population(1, (2, 2, 4), LIF), Population(2, (2, 1, 3), LIF)
    projections = Projection(0, 1, attention, 3), Projection(1, 2, sparse)
    return Network(Input(0, (2, 2, 4)), neurons, projections)


def test_attention_and_blocks_are_in_a_graph(tmp_path):
    report = netx.write(attending(), tmp_path / "a.net")
    told = " ".join(report.lava_dl)
    assert "attention" in told
    assert "blocks of listed synapses" in told
    assert facts(netx.read(tmp_path / "a.net"), ("layer_types",)) == facts(
        attending(), ("layer_types",)
    )
    with h5py.File(tmp_path / "a.net") as file:
        assert file["spikewatt/version"][()] == 4
        first, second = (file[f"spikewatt/graph/projection/{k}"] for k in (0, 1))
        assert first["type"][()] == b"attention"
        assert {k: int(first[k][()]) for k in ("heads", "keys", "values", "tokens_first")} == {
            "heads": 2,
            "keys": 0,
            "values": 0,
            "tokens_first": 1,
        }
        assert (second["repeats"][()], second["targets"].shape) == (2, (3,))


def test_damaged_attention_and_blocks_are_refused(tmp_path):
    def damaged(key, value):
        netx.write(attending(), tmp_path / "a.net")
        with h5py.File(tmp_path / "a.net", "a") as file:
            file[f"spikewatt/graph/projection/{key}"][()] = value
        with pytest.raises(NetworkError) as caught:
            netx.read(tmp_path / "a.net")
        return str(caught.value)

    assert "keys of a projection is layer 7" in damaged("0/keys", 7)
    assert "heads of attention is 0" in damaged("0/heads", 0)
    assert "tokens_first is 2" in damaged("0/tokens_first", 2)
    assert "repeats of listed synapses is 0" in damaged("1/repeats", 0)
    assert "repeats of listed synapses is 4" in damaged("1/repeats", 4)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_files_of_older_versions_are_read(tmp_path, version):
    network = small([[2, 4]], LIF)
    netx.write(network, tmp_path / "old.net")
    with h5py.File(tmp_path / "old.net", "a") as file:
        file["spikewatt/version"][()] = version
    assert facts(netx.read(tmp_path / "old.net"), ("layer_types",)) == facts(
        network, ("layer_types",)
    )


def test_graphs_are_cut_by_layers_but_not_skipped(tmp_path):
    network = small(np.full((2, 2), 4), LIF)
    more = Population(2, (2,), LIF)
    twice = [Projection(s, 2, Dense(np.full((2, 2), 6, np.int32)), d) for s, d in ((0, 1), (1, 0))]
    network = replace(
        network,
        populations=(*network.populations, more),
        projections=(*network.projections, *twice),
    )
    report = netx.write(network, tmp_path / "g.net")
    assert "2 projections" in " ".join(report.lava_dl)
    assert list(netx.read(tmp_path / "g.net", layers=2).by_layer) == [1]
    with pytest.raises(NetworkError, match="skip"):
        netx.read(tmp_path / "g.net", skip=1)
