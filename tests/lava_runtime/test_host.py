"""The host's stage: every value and operation against its definition, alike for every engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracle_host import Oracle, random_stage

from spikewatt.energy.host import host_dense_macs, host_neurons
from spikewatt.errors import SpikewattError
from spikewatt.host import HostConv, HostFire, HostMap, HostStage
from spikewatt.lava_runtime.agreement import Reference, compare, load_reference, save_reference
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.host import run_stage, stage_values
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import (
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    StartRule,
)
from spikewatt.validation import violations
from spikewatt.validation.host import host_values

SEEDS = range(12)
GROUPS = 3


def counts(rng: np.random.Generator, stage: HostStage, samples: int) -> np.ndarray:
    return rng.integers(0, len(stage.inputs) + 1, (samples, *stage.shape)).astype(np.int32)


@pytest.mark.parametrize("seed", SEEDS)
def test_values_and_operations_are_those_of_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stage = random_stage(rng, (1, 2) if seed % 2 else (1,), GROUPS)
    for clip in counts(rng, stage, 2):
        oracle = Oracle(stage, clip)
        found = stage_values(stage, clip.astype(np.int64))
        for got, want in zip(found, oracle.values, strict=True):
            assert np.array_equal(got, want.astype(np.int64))
        outcome = run_stage(stage, clip[None])
        assert outcome.sums[0].tolist() == oracle.sums
        work = outcome.work
        assert (work.macs, work.acs) == (oracle.macs, oracle.acs)
        assert work.neuron_updates == oracle.updates == host_neurons(stage) * stage.shape[2]
    for fact, value in zip(host_values(stage), found, strict=True):
        assert value.shape == fact.shape
        assert np.abs(value).max() <= fact.bound


def test_random_stages_spike() -> None:
    rng, fired = np.random.default_rng(0), 0
    for seed in SEEDS:
        stage = random_stage(np.random.default_rng(seed), (1, 2), GROUPS)
        values = stage_values(stage, counts(rng, stage, 1)[0].astype(np.int64))
        spikes = [
            v for p, v in zip(stage.parts, values[1:], strict=True) if isinstance(p, HostFire)
        ]
        fired += sum(0 < s.mean() < 1 for s in spikes)
    assert fired > 2 * len(SEEDS)


def test_dense_macs_are_all_weights_everywhere() -> None:
    one = HostMap(np.ones((2, 1, 3, 1), np.int32), np.zeros(2, np.int32), 2)
    parts = (HostConv(0, 0), HostFire(1, 0, 5))
    stage = HostStage("", (1,), (2, 4, 5), (one,), parts, np.ones((3, 2), np.int32))
    assert host_dense_macs(stage) == 2 * 3 * 4 * 5 + 6


def network(seed: int, samples_a_clip: int = 1) -> tuple[Network, np.ndarray]:
    """Two populations that the stage reads, of different depths, and a read-out; four samples."""
    rng = np.random.default_rng(seed)
    stage = random_stage(rng, (1, 2), GROUPS)
    channels, places, steps = stage.shape
    size = channels * places

    def dense(rows: int, columns: int) -> Dense:
        return Dense((2 * rng.integers(-40, 50, (rows, columns))).astype(np.int32))

    lif = CubaLif(4096, 1000, 60)
    net = Network(
        Input(0, (5,)),
        (Population(1, (size,), lif), Population(2, (size,), lif), Population(3, (GROUPS,), lif)),
        (
            Projection(0, 1, dense(size, 5)),
            Projection(1, 2, dense(size, size)),
            Projection(2, 3, dense(GROUPS, size)),
        ),
        start=StartRule.BY_DEPTH,
        readout=Readout("membrane", GROUPS, persons=samples_a_clip),
        host=stage,
    )
    return net, rng.integers(0, 2, (4, 5, steps)).astype(np.int32)


def execute(net: Network, x: np.ndarray, name: str = "native", **options: tuple) -> Execution:
    schedule = clips(net, len(x), x.shape[-1])
    return engine(name).run(Request(net, x, schedule, **options))


@pytest.mark.parametrize("name", ["native", pytest.param("lava", marks=pytest.mark.lava)])
@pytest.mark.parametrize("persons", [1, 2])
def test_an_engine_decides_as_the_definition_does(name: str, persons: int) -> None:
    net, x = network(5, persons)
    assert not violations(net)
    found = execute(net, x, name, record=(1, 2))
    channels, places, steps = net.host.shape
    read = (found.spikes[1] + found.spikes[2]).reshape(-1, persons, places, channels, steps)
    by_clip = read.sum(axis=1).swapaxes(1, 2)
    assert by_clip.any()
    added = [Oracle(net.host, clip).sums for clip in by_clip]
    persons_added = found.readout.reshape(-1, persons, GROUPS).sum(axis=1)
    assert np.array_equal(found.decision, persons_added + np.array(added))
    assert np.array_equal(found.host.sums, np.array(added))
    assert np.any(added)


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(2))
def test_engines_and_threads_agree(seed: int) -> None:
    net, x = network(seed)
    everything = {"record": tuple(net.by_layer)}
    first, second = execute(net, x, "native", **everything), execute(net, x, "lava", **everything)
    agreement = compare(net, first, second)
    assert agreement.equal, str(agreement)
    assert "decision of layer 3" in agreement.compared
    assert first.host.work == second.host.work
    assert execute(net, x).spikes == {}  # what the stage reads is not what was asked for
    alone = [execute(net, one[None]).decision[0] for one in x]
    assert np.array_equal(alone, first.decision)


def test_a_difference_in_the_decision_alone_is_told() -> None:
    net, x = network(5, 2)
    found = execute(net, x, record=(3,))
    wrong = replace(found, decision=found.decision + np.array([[0, 0, 0], [0, 2, 0]]))
    text = str(compare(net, wrong, found))
    assert "decision of layer 3, clip 1, group 1" in text
    assert "read-outs are equal" in text


def test_references_keep_decisions(tmp_path) -> None:
    net, x = network(5, 2)
    found = execute(net, x, record=(1, 2, 3))
    path = tmp_path / "ref.npz"
    save_reference(path, Reference(x, found.spikes, found.readout, found.decision))
    loaded = load_reference(path)
    assert np.array_equal(loaded.decision, found.decision)
    assert "decision of layer 3" in compare(net, loaded, found).compared


def test_without_a_stage_a_sample_decides_alone() -> None:
    net, x = network(2)
    found = execute(replace(net, host=None), x)
    assert found.host is None
    assert np.array_equal(found.decision, found.readout)


def test_what_makes_no_clips_is_refused() -> None:
    net, x = network(5, 2)
    with pytest.raises(SpikewattError, match="3 samples, and 2 of them"):
        execute(net, x[:3])
    with pytest.raises(SpikewattError, match="reads whole clips of"):
        execute(net, x[..., :-1])
    with pytest.raises(SpikewattError, match="the run is one stream"):
        engine("native").run(Request(net, x[:1], stream(x.shape[-1])))
