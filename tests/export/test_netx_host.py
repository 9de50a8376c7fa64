"""The host's stage in files: read back as written, and every broken entry refused."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from oracle_host import random_stage

from spikewatt.errors import SpikewattError
from spikewatt.export import netx, nir
from spikewatt.host import HostAnd, HostConv, HostFire, HostMap, HostPool, HostStage, HostSum
from spikewatt.network import (
    CubaLif,
    Dense,
    Input,
    Network,
    NetworkError,
    Population,
    Projection,
    Readout,
    StartRule,
)
from spikewatt.validation import violations

GROUPS = 3
LIF = CubaLif(4096, 1000, 60)


def network(seed: int = 0, chain: bool = False) -> Network:
    """A chain is read by lava-dl but for the stage; else two populations of one depth."""
    stage = random_stage(np.random.default_rng(seed), (1,) if chain else (1, 2), GROUPS)
    size = stage.shape[0] * stage.shape[1]
    full = Dense(np.tile(np.array([[2, -4, 6, 8, -2]], np.int32), (size, 1)))
    last = Dense(np.tile(np.array([[2, -4]], np.int32), (GROUPS, size))[:, :size])
    layers = (1,) if chain else (1, 2)
    end = len(layers) + 1
    return Network(
        Input(0, (5,)),
        (*(Population(i, (size,), LIF) for i in layers), Population(end, (GROUPS,), LIF)),
        (*(Projection(0, i, full) for i in layers), Projection(layers[-1], end, last)),
        start=StartRule.BY_DEPTH,
        readout=Readout("membrane", GROUPS, persons=2),
        host=stage,
    )


def plain(value: object) -> object:
    """Something that compares, of a record with arrays."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if hasattr(value, "__dataclass_fields__"):
        return [type(value).__name__, *(plain(getattr(value, f.name)) for f in fields(value))]
    return value


@pytest.mark.parametrize("seed", range(4))
def test_a_stage_is_read_as_it_was_written(seed: int, tmp_path: Path) -> None:
    net = network(seed)
    netx.write(net, tmp_path / "a.net")
    read = netx.read(tmp_path / "a.net")
    assert plain(read.host) == plain(net.host)
    assert read.readout == net.readout
    netx.write(read, tmp_path / "b.net")
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()


def test_a_chain_with_a_stage_is_not_for_lava_dl(tmp_path: Path) -> None:
    net = network(chain=True)
    told = netx.write(net, tmp_path / "a.net").lava_dl
    assert any("what the host adds" in line for line in told)
    assert plain(netx.read(tmp_path / "a.net").host) == plain(net.host)
    without = netx.write(replace(net, host=None, readout=None), tmp_path / "b.net")
    assert without.for_lava_dl, without.lava_dl


def test_a_part_of_a_network_has_no_stage(tmp_path: Path) -> None:
    netx.write(network(), tmp_path / "a.net")
    assert netx.read(tmp_path / "a.net", layers=3).host is None


def test_nir_cannot_say_it(tmp_path: Path) -> None:
    with pytest.raises(SpikewattError, match="stage for the host"):
        nir.write(network(), tmp_path / "a.nir")


DAMAGE = [
    ("host/inputs", np.array([1, 9]), "layer that is read is missing"),
    ("host/inputs", np.array([1, 1]), "layers read is (1, 1)"),
    ("host/inputs", np.array([1, 3]), "layer that is read is 3 neurons"),
    ("host/inputs", None, "host/inputs is missing"),
    ("host/shape", np.array([2, 2]), "host/shape is (2,)"),
    ("host/shape", np.array([2, -1, 3]), "stage is shape (2, -1, 3)"),
    ("host/shape", np.array([1, 1, 2**31 - 1]), "layer that is read"),
    ("host/output", np.ones((2, 2), np.int8), "output is (2, 2)"),
    ("host/output", 3, "output is ()"),
    ("host/output", 0.5, "host/output is 0.5"),
    ("host/name", None, "host/name is missing"),
    ("host/map/0/groups", 0, "part 0: map is"),
    ("host/map/0/weight", np.ones(4, np.int8), "part 0: map is"),
    ("host/map/0/weight", np.ones((4, 1, 2, 1), np.int8), "part 0: map is"),
    ("host/map/0/bias", np.ones(1, np.int8), "part 0: map is"),
    ("host/map/1", None, "host/map/1 is missing"),
    ("host/part/0/type", "tensor", "host/part/0/type is tensor"),
    ("host/part/0/type", None, "host/part/0/type is missing"),
    ("host/part/0/source", 1, "part 0 reads is (1,)"),
    ("host/part/0/source", -1, "part 0 reads is (-1,)"),
    ("host/part/0/map", 7, "part 0: map is 7"),
    ("host/part/1/weight", np.ones((1, 1, 1, 1), np.int8), "part 1: weight is (1, 1, 1, 1)"),
    ("host/part/3/decay", 4097, "part 3: decay is 4097"),
    ("host/part/3/threshold", -1, "part 3: threshold is -1"),
    ("host/part/3/source", 0, "part 3 reads is spikes"),
    ("host/part/6/other", 3, "part 6 reads is numbers"),
    ("host/part/7/source", 5, "part 7 reads is numbers"),
    ("host/part/11/sources", np.array([4, 99]), "part 11 reads is (4, 99)"),
    ("host/part/11/sources", np.array([4, 8]), "part 11"),
    ("host/part/14", None, "output reads is numbers"),
    ("host", 5, "host is no group"),
    ("readout", None, "read-out of the network is none"),
    ("readout/persons", 0, "read-out persons is 0"),
]


@pytest.mark.parametrize(("key", "value", "what"), DAMAGE, ids=[f"{d[0]}={d[1]}" for d in DAMAGE])
def test_damage_is_named(tmp_path: Path, key: str, value: object, what: str) -> None:
    netx.write(network(), tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "a") as file:
        if f"spikewatt/{key}" in file:
            del file[f"spikewatt/{key}"]
        if value is not None:
            file[f"spikewatt/{key}"] = value
    with pytest.raises(NetworkError) as caught:
        netx.read(tmp_path / "a.net")
    assert what in str(caught.value)


def _stage(*parts, weight: int = 1, bias: int = 0) -> HostStage:
    one = HostMap(np.full((2, 2, 1, 1), weight, np.int32), np.full(2, bias, np.int32))
    return HostStage("", (1, 2), (2, 2, 4), (one,), parts, np.ones((GROUPS, 2), np.int32))


HUGE = 2**31 - 1
RULES = [
    (_stage(HostPool(0)), None),
    (_stage(*(HostConv(k, 0) for k in range(4)), weight=HUGE), "sum of products is"),
    (_stage(HostPool(0), HostAnd(1, 1)), "reads is sums"),
    (_stage(HostPool(0), HostSum((0, 1))), "shapes is (2, 1, 4)"),
    (_stage(HostSum(())), "part 0 reads is ()"),
    (_stage(HostSum((0,))), "of 2 places"),
    (replace(_stage(HostPool(0)), output=np.full((GROUPS, 2), HUGE, np.int32)), None),
    (_stage(), "0 parts"),
    (_stage(*(HostPool(0) for _ in range(3)), HostFire(1, 0, 0)), "part 3 reads is spikes"),
]


@pytest.mark.parametrize(("stage", "what"), RULES, ids=[str(r[1]) for r in RULES])
def test_rules(stage: HostStage, what: str | None) -> None:
    net = network()
    four = tuple(replace(p, shape=(4,)) for p in net.populations[:2])
    weight = Dense(np.full((4, 5), 2, np.int32)), Dense(np.full((GROUPS, 4), 2, np.int32))
    kinds = (weight[0], weight[0], weight[1])
    projections = tuple(replace(p, synapses=s) for p, s in zip(net.projections, kinds, strict=True))
    whole = replace(
        net, populations=(*four, net.populations[2]), projections=projections, host=stage
    )
    found = [str(v) for v in violations(whole)]
    assert (found == []) if what is None else any(what in v for v in found), found
