"""Rules for attention and for blocks of listed synapses: each finds its fault."""

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.network import (
    Attention,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    ResonateFire,
    Sparse,
    StartRule,
)
from spikewatt.validation import violations

LIF = CubaLif(1024, 512, 20)
SHAPE = (2, 2, 4)


def ones(*shape) -> np.ndarray:
    return np.full(shape, 2, np.int32)


def ints(*values) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.fixture
def net():
    """Input (16,) -> queries 1, keys 2, values 3 -> attention 4 -> two blocks 5 (2, 1, 3)."""
    spread = [Projection(0, i, Dense(ones(16, 16))) for i in (1, 2, 3)]
    attends = Projection(1, 4, Attention(ones(1), 2, keys=2, values=3, blocks=2))
    blocks = Sparse(ints(0, 2), ints(7, 1), ints(2, 4), (6, 16), 96, repeats=2)
    return Network(
        Input(0, (16,)),
        (*(Population(i, SHAPE, LIF) for i in (1, 2, 3, 4)), Population(5, (2, 1, 3), LIF)),
        (*spread, attends, Projection(4, 5, blocks)),
    )


def with_projection(net, i, **changes):
    projections = list(net.projections)
    projections[i] = replace(projections[i], **changes)
    return replace(net, projections=tuple(projections))


def with_synapses(net, i, **changes):
    return with_projection(net, i, synapses=replace(net.projections[i].synapses, **changes))


def with_population(net, i, **changes):
    populations = list(net.populations)
    populations[i] = replace(populations[i], **changes)
    return replace(net, populations=tuple(populations))


def deeper(net):
    """The keys behind the queries instead of beside them."""
    return with_projection(net, 1, source=1)


FAULTS = [
    (lambda n: with_synapses(n, 3, weight=ones(2)), 4, "weight shape is (2,), limit (1,)"),
    (lambda n: with_synapses(n, 3, weight=ints(0)), 4, "weight of attention is 0"),
    (lambda n: with_synapses(n, 3, weight=ints(256)), 4, "weight is 256"),
    (lambda n: with_synapses(n, 3, weight=ones(1) * 0.5), 4, "weight type is float64"),
    (lambda n: with_synapses(n, 3, heads=3), 4, "heads of attention is 3, limit a divisor of 4"),
    (lambda n: with_synapses(n, 3, heads=0), 4, "heads of attention is 0"),
    (lambda n: with_synapses(n, 3, blocks=3), 4, "blocks of attention is 3, limit a divisor of 4"),
    (lambda n: with_synapses(n, 3, keys=9), 4, "keys of a projection is layer 9"),
    (lambda n: with_synapses(n, 3, values=9), 4, "values of a projection is layer 9"),
    (lambda n: with_synapses(n, 3, keys=5), 4, "source of a projection is layer 5, which comes"),
    (lambda n: with_synapses(n, 3, values=4), 4, "values is the layer itself"),
    (lambda n: with_synapses(n, 3, keys=0), 4, "shape of the keys is (16,), limit (2, 2, 4)"),
    (lambda n: with_population(n, 3, shape=(16,)), 4, "shape of attention is (16,)"),
    (lambda n: with_population(n, 2, message_bits=3), 4, "message bits of the values is 3"),
    (lambda n: with_projection(n, 3, axon_delay=ones(16)), 4, "axonal delay of attention is set"),
    (lambda n: with_projection(n, 3, delay=63), 4, "projection delay is 63"),
    (lambda n: with_projection(n, 3, part="imag"), 4, "drives is imag of CubaLif"),
    (deeper, 4, "depth of the keys is 2, limit 1, as the queries"),
    (lambda n: replace(deeper(n), start=StartRule.TOGETHER), 4, "depth of the keys is 2"),
    (lambda n: with_synapses(n, 4, repeats=0), 5, "repeats of listed synapses is 0"),
    (lambda n: with_synapses(n, 4, repeats=4), 5, "repeats of listed synapses is 4, limit a div"),
    (
        lambda n: with_synapses(n, 4, targets=ints(0, 3)),
        5,
        "synapse target is 3 (1 of 2 values), limit 0..2",
    ),
    (
        lambda n: with_synapses(n, 4, sources=ints(8, 0)),
        5,
        "synapse source is 8 (1 of 2 values), limit 0..7",
    ),
    (
        lambda n: with_projection(with_synapses(n, 4, delay=ints(60, 0)), 4, axon_delay=ones(16)),
        5,
        "",
    ),
    (
        lambda n: with_projection(
            with_synapses(n, 4, delay=ints(60, 0)), 4, axon_delay=ints(*[0] * 15, 3)
        ),
        5,
        "delay with its axon's is 63 (1 of 2",
    ),
]


@pytest.mark.parametrize(("fault", "layer", "text"), FAULTS, ids=[f[2] or "ok" for f in FAULTS])
def test_every_rule_names_its_fault(net, fault, layer, text):
    found = violations(fault(net))
    if not text:
        assert found == []
        return
    named = [v for v in found if text in str(v)]
    assert [v.layer for v in named] == [layer], [str(v) for v in found]
    assert all(v.hint for v in found)


def test_attention_and_blocks_can_be_sound(net):
    assert violations(net) == []
    assert violations(with_projection(net, 3, delay=62)) == []
    assert violations(with_synapses(net, 3, keys=1, values=1)) == []
    resonator = with_population(net, 3, neuron=ResonateFire(100, -4000, 64, izhikevich=False))
    assert violations(with_projection(resonator, 3, part="imag")) == []


def test_the_input_can_be_all_three():
    attention = Attention(ones(1), 2, keys=0, values=0)
    network = Network(Input(0, SHAPE), (Population(1, SHAPE, LIF),), (Projection(0, 1, attention),))
    assert violations(network) == []
    graded = replace(network, input=replace(network.input, message_bits=2))
    assert [v.what for v in violations(graded)] == [
        f"message bits of the {role}" for role in ("queries", "keys", "values")
    ]


def test_depths_come_from_all_three_sources(net):
    assert net.depths == {0: 0, 1: 1, 2: 1, 3: 1, 4: 2, 5: 3}
    assert deeper(net).depths[4] == 3
    assert net.projections[3].sources == (1, 2, 3)
    assert net.projections[4].sources == (4,)
