"""Neuron groups against the integers that lava-dl and Lava's own processes make of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from late import Late, slayers
from netx_cases import facts, small

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.export.netx.neurons import lava_decays, stored_decays
from spikewatt.network import (
    AdaptiveLif,
    Delta,
    Input,
    Network,
    Population,
    ResonateFire,
    Sigma,
    SigmaDelta,
)


def held_by_lava(sin: float, cos: float, threshold: float, bits: int = 12) -> tuple[int, int, int]:
    """lava-dl's get_neuron_params, then Lava's process."""
    stored = {"sinDecay": np.float64(sin), "cosDecay": np.float64(cos), "vThMant": threshold}
    with np.errstate(divide="ignore"):
        params = slayers("neuron").rf.neuron_params(stored)
    rf = Late("lava.proc.rf.process").RF(
        shape=(1,),
        period=params["period"],
        alpha=params["decay"],
        state_exp=6,
        decay_bits=bits,
        vth=threshold,
    )
    return tuple(int(v.init) for v in (rf.sin_decay, rf.cos_decay, rf.vth))


# where a period overflows, Lava's own code warns before it holds the same
FINITE = st.floats(-4096, 4096).filter(lambda x: x == 0 or abs(x) > 1e-300)
SHARES = st.integers(-4096, 4096) | FINITE


@pytest.mark.lava
@settings(max_examples=300, deadline=None)
@given(SHARES, SHARES, st.sampled_from([12, 7, 1]))
def test_decays_of_resonators_are_lavas(sin, cos, bits):
    assert lava_decays(sin, cos, bits) == held_by_lava(sin, cos, 1.0, bits)[:2]


@pytest.mark.lava
@settings(max_examples=300, deadline=None)
@given(st.integers(-4096, 4096), st.integers(-4096, 4096), st.integers(0, 2**20))
def test_stored_resonators_are_held_again(sin, cos, threshold):
    neuron = ResonateFire(sin, cos, threshold, izhikevich=False)
    assert held_by_lava(*stored_decays(neuron), threshold / 64) == (sin, cos, threshold)


def test_what_slayer_stores_is_often_not_what_lava_holds():
    stored = [(s, c) for s in range(0, 4096, 97) for c in range(0, 4096, 101)]
    assert any(lava_decays(*pair, 12) != pair for pair in stored)


def graded(neuron, bias=None) -> Network:
    network = small([[2, 4], [6, -8]], neuron, bias)
    last = Population(1, (2,), neuron, bias, message_bits=16)
    return Network(network.input, (last,), network.projections)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (small([[2, 4]], AdaptiveLif(1, 2, 3, 4, 5, 6)), "does not know ALIF"),
        (small([[2, 4]], ResonateFire(900, 3000, 65, False)), "complex dense weights only"),
        (graded(SigmaDelta(3, activation="unit")), "applies relu"),
        (graded(SigmaDelta(3, state_exp=2)), "state_exp 6, not 2"),
        (graded(SigmaDelta(3)), None),
        (graded(SigmaDelta(3), np.array([4, -4], np.int32)), None),
        (graded(Sigma()), None),
    ],
    ids=str,
)
def test_what_lava_dl_makes_of_a_neuron(tmp_path, network, why):
    report = netx.write(network, tmp_path / "a.net")
    assert [why] == [why for text in report.lava_dl if why in text] if why else not report.lava_dl
    without = ("layer_types",)
    assert facts(netx.read(tmp_path / "a.net"), without) == facts(network, without)


def driven(neuron, **kinds) -> Network:
    network = graded(SigmaDelta(3))
    first = Population(0, (2,), neuron, None, 16 if isinstance(neuron, Delta) else 0)
    entry = Input(0, (2,), scale=64, **kinds)
    return Network(entry, (first, *network.populations), network.projections)


def test_the_stimulus_of_a_delta_neuron_is_its_dendrite(tmp_path):
    network = driven(Delta(7), drives_dendrite=True)
    report = netx.write(network, tmp_path / "a.net")
    assert report.for_lava_dl
    assert netx.read(tmp_path / "a.net").input == network.input


def test_exponents_are_the_callers_or_the_files(tmp_path):
    network = driven(Delta(7, spike_exp=3), drives_dendrite=True)
    report = netx.write(network, tmp_path / "mixed.net")
    assert "one spike_exp for all layers, not [3, 6]" in " ".join(report.lava_dl)
    assert netx.read(tmp_path / "mixed.net").populations[0].neuron == Delta(7, spike_exp=3)
    both = netx.read(tmp_path / "mixed.net", spike_exp=2)
    assert [p.neuron.spike_exp for p in both.populations] == [2, 2]


def test_an_impossible_exponent_is_refused(tmp_path):
    netx.write(graded(SigmaDelta(3)), tmp_path / "a.net")
    with pytest.raises(SpikewattError, match="spike exponent is -1"):
        netx.read(tmp_path / "a.net", spike_exp=-1)
