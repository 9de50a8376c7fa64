"""Each rule finds its fault and names layer, value and limit; all faults come together."""

from dataclasses import replace

import numpy as np
import pytest
import random_networks as rn
from hypothesis import given
from hypothesis import strategies as st

from spikewatt.network import (
    AdaptiveLif,
    Conv,
    ConvTranspose,
    CubaLif,
    Delta,
    Dense,
    Input,
    Network,
    NetworkError,
    Pool,
    Population,
    Projection,
    Readout,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Sparse,
    StartRule,
    Unpool,
)
from spikewatt.validation import NEVER_FIRES, validate, violations

LIF = CubaLif(1024, 512, 20)
ALIF = AdaptiveLif(1024, 512, 100, 200, 20, 3)
RESONATE = ResonateFire(100, -4000, 64, izhikevich=False)


def ones(*shape) -> np.ndarray:
    return np.full(shape, 2, np.int32)


def ints(*values) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.fixture
def net():
    """Input (4, 4, 2) -> 1 conv (3, 3, 2) -> 2 dense (5,) -> 3 sparse (2,), with biases."""
    sparse = Sparse(ints(0, 1), ints(2, 3), ints(4, -6), (2, 5), 10, ints(0, 62))
    layers = (
        ((3, 3, 2), Conv(ones(2, 2, 2, 2)), ones(3, 3, 2)),
        ((5,), Dense(ones(5, 18), ones(5, 18)), ones(5)),
        ((2,), sparse, None),
    )
    return Network(
        Input(0, (4, 4, 2)),
        tuple(Population(i, shape, LIF, b) for i, (shape, _, b) in enumerate(layers, 1)),
        tuple(Projection(i, i + 1, synapses) for i, (_, synapses, _) in enumerate(layers)),
    )


def with_population(net, i, **changes):
    populations = list(net.populations)
    populations[i] = replace(populations[i], **changes)
    return replace(net, populations=tuple(populations))


def with_projection(net, i, **changes):
    projections = list(net.projections)
    projections[i] = replace(projections[i], **changes)
    return replace(net, projections=tuple(projections))


def with_synapses(net, i, **changes):
    return with_projection(net, i, synapses=replace(net.projections[i].synapses, **changes))


def with_neuron(net, **changes):
    return with_population(net, 1, neuron=replace(LIF, **changes))


def with_model(net, neuron, bias=None):
    return with_population(net, 1, neuron=neuron, bias=bias, message_bits=16)


def with_kernel(net, kernel, shape):
    """The first layer's synapses and shape changed; the second then takes what comes."""
    net = with_projection(net, 0, synapses=kernel)
    return with_population(net, 0, shape=shape, bias=None)


def plus(net, *projections, populations=()):
    return replace(
        net,
        projections=(*net.projections, *projections),
        populations=(*net.populations, *populations),
    )


SHORT = Projection(0, 3, Dense(ones(2, 32)))  # arrives two steps before layer 3 starts

FAULTS = [
    (lambda n: with_synapses(n, 0, weight=ones(2, 2, 2, 2) * 128), 1, "weight is 256"),
    (lambda n: with_synapses(n, 1, weight=ones(5, 18) * -129), 2, "weight is -258 (90 of 90"),
    (lambda n: with_synapses(n, 1, weight=ones(5, 18) * 1.0), 2, "weight type is float64"),
    (lambda n: with_synapses(n, 1, weight=ones(5, 17)), 2, "weight shape is (5, 17)"),
    (lambda n: with_synapses(n, 1, delay=ones(5, 17)), 2, "delay shape is (5, 17)"),
    (lambda n: with_synapses(n, 1, delay=ones(5, 18) * 32), 2, "delay is 64"),
    (lambda n: with_synapses(n, 1, delay=ones(5, 18) * -1), 2, "delay is -2"),
    (lambda n: with_projection(n, 2, delay=1), 3, "delay is 62 (1 of 2 values), limit 0..61"),
    (lambda n: with_projection(n, 0, delay=63), 1, "projection delay is 63"),
    (lambda n: with_projection(n, 0, delay=-1), 1, "projection delay is -1"),
    (lambda n: with_population(n, 1, bias=ones(5) * 2048), 2, "bias is 4096"),
    (lambda n: with_population(n, 1, bias=ones(5) * 0.5), 2, "bias type is float64"),
    (lambda n: with_population(n, 0, bias=ones(2)), 1, "bias shape is (2,)"),
    (lambda n: with_neuron(n, i_decay=4097), 2, "current decay is 4097"),
    (lambda n: with_neuron(n, v_decay=-1), 2, "voltage decay is -1"),
    (lambda n: with_neuron(n, v_threshold=NEVER_FIRES + 1), 2, "threshold is 131073"),
    (lambda n: with_population(n, 1, message_bits=25), 2, "message bits is 25"),
    (lambda n: replace(n, input=Input(0, (4, 4, 2), -1)), 0, "input message bits is -1"),
    (lambda n: replace(n, input=Input(0, (4, 0, 2))), 0, "input shape is (4, 0, 2)"),
    (lambda n: with_population(n, 2, shape=(2, 1, 1, 1)), 3, "shape is (2, 1, 1, 1)"),
    (lambda n: with_synapses(n, 0, groups=3), 1, "groups is 3"),
    (lambda n: with_synapses(n, 0, groups=2), 1, "channels in of the weight is 2, limit 1"),
    (lambda n: with_synapses(n, 0, padding=(1, 0)), 1, "shape is (3, 3, 2), limit (5, 3, 2)"),
    (lambda n: with_synapses(n, 0, stride=(0, 1)), 1, "stride is (0, 1)"),
    (lambda n: with_synapses(n, 0, weight=ones(2, 2, 2)), 1, "convolution's shapes is"),
    (lambda n: with_synapses(n, 2, targets=ints(0, 2)), 3, "synapse target is 2"),
    (lambda n: with_synapses(n, 2, sources=ints(-1, 3)), 3, "synapse source is -1"),
    (lambda n: with_projection(n, 1, axon_delay=ones(18) * 32), 2, "axonal delay is 64"),
    (lambda n: with_projection(n, 0, axon_delay=ones(32) * -1), 1, "axonal delay is -2"),
    (lambda n: with_projection(n, 0, axon_delay=ones(31)), 1, "axonal delay shape is (31,)"),
    (lambda n: with_projection(n, 0, axon_delay=ones(32) * 0.5), 1, "axonal delay type is float"),
    (lambda n: with_projection(n, 2, axon_delay=ones(5)), 3, "delay with its axon's is 64 (1 of 2"),
    (lambda n: with_projection(n, 1, part="imag"), 2, "drives is imag of CubaLif"),
    (lambda n: with_projection(n, 1, part="phase"), 2, "drives is phase"),
    (lambda n: with_model(n, replace(ALIF, threshold_decay=4097)), 2, "threshold decay is 4097"),
    (lambda n: with_model(n, replace(ALIF, refractory_decay=-1)), 2, "refractory decay is -1"),
    (lambda n: with_model(n, replace(ALIF, threshold=4096)), 2, "threshold is 4096"),
    (lambda n: with_model(n, replace(ALIF, threshold_step=-1)), 2, "threshold step is -1"),
    (lambda n: with_model(n, SigmaDelta(2048)), 2, "threshold is 2048, limit 0..2047"),
    (lambda n: with_model(n, SigmaDelta(1, 8)), 2, "spike exponent is 8"),
    (lambda n: with_model(n, SigmaDelta(1, 0, -1)), 2, "state exponent is -1"),
    (lambda n: with_model(n, SigmaDelta(1), ones(5) * 1024), 2, "bias is 2048 (5 of 5 values)"),
    (lambda n: with_model(n, SigmaDelta(1, activation="tanh")), 2, "activation is tanh"),
    (lambda n: with_model(n, Sigma(), ones(5)), 2, "bias is set on Sigma"),
    (lambda n: with_model(n, RESONATE, ones(5)), 2, "bias is set on ResonateFire"),
    (lambda n: with_model(n, Delta(1)), 2, "place of Delta neurons is inside"),
    (lambda n: with_model(n, replace(RESONATE, sin_decay=4097)), 2, "sine decay is 4097"),
    (lambda n: with_model(n, replace(RESONATE, decay_bits=13)), 2, "decay bits is 13"),
    (lambda n: with_model(n, replace(RESONATE, decay_bits=11)), 2, "cosine decay is -4000"),
    (lambda n: with_model(n, replace(RESONATE, v_threshold=2**23 + 1)), 2, "threshold is 8388609"),
    (
        lambda n: with_kernel(n, ConvTranspose(ones(3, 2, 2, 2), (2, 2)), (8, 7, 3)),
        1,
        "shape is (8, 7, 3), which (4, 3) kernels cover, limit (4, 4) kernels, 3 channels",
    ),
    (
        lambda n: with_kernel(n, Unpool(ones(2, 2), (2, 2)), (8, 8, 3)),
        1,
        "limit (4, 4) kernels, 2 channels",
    ),
    (
        lambda n: with_kernel(n, Pool(ones(3, 3), (2, 2)), (2, 2, 2)),
        1,
        "shape is (2, 2, 2), limit (1, 1, 2)",
    ),
    (
        lambda n: with_kernel(n, Pool(ones(2, 2), (2, 2), after=(-1, 0)), (2, 2, 2)),
        1,
        "padding after is (-1, 0)",
    ),
    (lambda n: with_kernel(n, Pool(ones(2), (2, 2)), (2, 2, 2)), 1, "pool's shapes is"),
    (
        lambda n: with_kernel(n, ConvTranspose(ones(2, 2, 2, 2), groups=2), (5, 5, 2)),
        1,
        "channels in of the weight is 2, limit 1",
    ),
    (lambda n: with_synapses(n, 2, targets=ints(0)), 3, "numbers of listed synapses"),
    (lambda n: with_synapses(n, 2, shape=(2, 6)), 3, "synapse shape is (2, 6)"),
    (lambda n: with_projection(n, 0, source=7), 1, "source of a projection is layer 7"),
    (lambda n: plus(n, Projection(1, 9, Dense(ones(2, 2)))), 9, "target of a projection is layer"),
    (lambda n: plus(n, Projection(3, 2, Dense(ones(5, 2)))), 2, "loops through several popul"),
    (lambda n: plus(n, Projection(1, 0, Dense(ones(32, 18)))), 0, "only populations receive"),
    (lambda n: plus(n, populations=[Population(8, (2,), LIF)]), 8, "paths from the input is 0"),
    (lambda n: plus(n, populations=[n.populations[2]]), 3, "populations of this number is 2"),
    (lambda n: replace(n, populations=(), projections=()), None, "number of populations is 0"),
    (lambda n: replace(n, input=replace(n.input, layer=1)), 1, "number is that of the input too"),
    (lambda n: replace(n, input=replace(n.input, drives_bias=True)), 0, "drives is missing"),
    (lambda n: plus(n, SHORT), 3, "first arrival is 2 steps before"),
    (lambda n: replace(plus(n, SHORT), start=StartRule.BY_DEPTH), 3, "first arrival is 2 steps"),
    (lambda n: replace(n, readout=Readout("vote", 2)), 3, "read-out is vote"),
    (lambda n: replace(n, readout=Readout("rate", 3)), 3, "read-out groups is 3"),
    (lambda n: replace(n, readout=Readout("rate", 2, 0)), 3, "read-out divisor is 0"),
    (lambda n: replace(n, readout=Readout("rate", 2), classes=("a",)), 3, "class names is 1"),
]


@pytest.mark.parametrize(("fault", "layer", "text"), FAULTS, ids=[f[2] for f in FAULTS])
def test_every_rule_names_its_fault(net, fault, layer, text):
    found = violations(fault(net))
    named = [v for v in found if text in str(v)]
    assert named, [str(v) for v in found]
    assert named[0].layer == layer
    assert all(v.hint for v in found)


@pytest.mark.parametrize("neuron", [SigmaDelta(3), Sigma()])
def test_signed_spikes_need_message_bits(net, neuron):
    net = with_population(net, 1, neuron=neuron, bias=None)
    found = violations(net)
    assert [v.layer for v in found] == [2]
    assert "graded or signed" in found[0].what
    assert violations(with_population(net, 1, message_bits=1)) == []


def test_an_input_population_takes_its_bias_from_the_stimulus(net):
    driven = Population(0, (4, 4, 2), LIF, bias=ones(4, 4, 2))
    net = replace(net, input=replace(net.input, drives_bias=True))
    net = replace(net, populations=(driven, *net.populations))
    assert "bias of the input population" in violations(net)[0].what
    assert violations(with_population(net, 0, bias=None)) == []
    moved = replace(net, input=replace(net.input, shape=(4, 2, 4)))
    assert any("input shape" in v.what for v in violations(moved))


def test_a_delta_population_encodes_the_stimulus(net):
    delta = Population(0, (4, 4, 2), Delta(3), message_bits=16)
    driven = replace(net, populations=(delta, *net.populations))
    sound = replace(driven, input=replace(net.input, drives_dendrite=True))
    assert violations(sound) == []
    biased = replace(driven, input=replace(net.input, drives_bias=True))
    assert {v.what for v in violations(biased)} == {
        "neuron whose bias is driven",
        "place of Delta neurons",
    }
    both = replace(driven, input=replace(net.input, drives_bias=True, drives_dendrite=True))
    assert "parts that the stimulus drives" in {v.what for v in violations(both)}
    alone = replace(net, input=replace(net.input, drives_dendrite=True))
    assert "population that the stimulus drives" in violations(alone)[0].what


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [
        (ConvTranspose(ones(3, 2, 2, 2), (2, 2)), (8, 8, 3)),
        (ConvTranspose(ones(4, 3, 3, 1), (2, 2), (1, 1), groups=2), (7, 8, 4)),
        (Unpool(ones(2, 2), (2, 2)), (8, 8, 2)),
        (Pool(ones(2, 2), (2, 2)), (2, 2, 2)),
        (Pool(ones(3, 3), (3, 3), after=(2, 2)), (2, 2, 2)),
        (Sparse(ints(0, 1), ints(2, 3), ints(4, 0), (5, 32), 160), (5,)),
    ],
)
def test_every_kind_of_synapse_can_be_sound(net, kernel, shape):
    net = with_kernel(net, kernel, shape)
    size = int(np.prod(shape))
    assert violations(with_projection(net, 1, synapses=Dense(ones(5, size)))) == []


@pytest.mark.parametrize("neuron", [ALIF, SigmaDelta(3), Sigma(), RESONATE])
def test_every_neuron_and_recurrence_can_be_sound(net, neuron):
    net = with_model(net, neuron)
    assert violations(plus(net, Projection(2, 2, Dense(ones(5, 5))))) == []


def test_both_parts_of_a_resonator_can_be_driven(net):
    net = with_model(net, RESONATE)
    imag = replace(net.projections[1], part="imag")
    assert violations(plus(net, imag)) == []


def test_delays_of_synapse_and_axon_equalise_branches(net):
    axon = replace(SHORT, delay=1, axon_delay=np.arange(1, 33, dtype=np.int32))
    assert violations(plus(net, axon)) == []


def test_limits_themselves_are_allowed(net):
    net = with_synapses(net, 1, weight=np.resize(ints(-256, 254), (5, 18)))
    net = with_population(net, 1, bias=np.resize(ints(-4096, 4095), 5))
    net = with_neuron(net, i_decay=4096, v_decay=0, v_threshold=NEVER_FIRES)
    assert violations(net) == []


def test_equalised_and_unstaggered_branches_are_sound(net):
    assert violations(plus(net, replace(SHORT, delay=2))) == []
    assert violations(replace(plus(net, SHORT), start=StartRule.TOGETHER)) == []


def test_all_faults_are_reported_together(net):
    bad = with_synapses(with_neuron(net, i_decay=9999), 0, groups=3)
    bad = plus(bad, Projection(0, 5, Dense(ones(2, 2))))
    with pytest.raises(NetworkError, match="the test's network cannot be used, 3 violations"):
        validate(bad, "the test's network")
    validate(net, "the test's network")


@given(st.integers(0, 2**32))
def test_random_sound_networks_pass(seed):
    assert violations(rn.network(seed, equalised=True)) == []
