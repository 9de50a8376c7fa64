"""Rules for gains and biases of single steps: each finds its fault."""

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.network import (
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    ResonateFire,
    StartRule,
)
from spikewatt.validation import violations

LIF = CubaLif(1024, 512, 20)
RESONATOR = ResonateFire(10, 20, 30, izhikevich=False)


def table(*rows) -> np.ndarray:
    return np.array(rows, np.int32)


GAIN, BIAS = table([4096, -4096], [0, 7]), table([100, -4096], [4095, 0])


def network(population=None, projection=None, **changes) -> Network:
    """Input (2,) -> two neurons with gains and biases of two steps."""
    weight = np.full((2, 2), 4, np.int32)
    first = Population(1, (2,), LIF, step_bias=BIAS)
    only = Projection(0, 1, Dense(weight), step_gain=GAIN)
    net = Network(
        Input(0, (2,)),
        (replace(first, **population or {}),),
        (replace(only, **projection or {}),),
    )
    return replace(net, **changes)


def found(net: Network) -> list[str]:
    return [str(v) for v in violations(net)]


def test_sound_tables_have_no_violations() -> None:
    assert found(network()) == []
    assert network().table_steps == 2
    assert network({"step_bias": None}, {"step_gain": None}).table_steps is None


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (network(projection={"step_gain": GAIN + 1}), "gain of a step is 4097 (1 of 4 values)"),
        (network(projection={"step_gain": GAIN / 2}), "gain of a step type is float64"),
        (network(projection={"step_gain": GAIN[:, :1]}), "shape of gains of steps is (2, 1)"),
        (network(projection={"step_gain": GAIN[:0]}), "shape of gains of steps is (0, 2)"),
        (network(projection={"step_gain": GAIN[:1]}), "steps in a table of gains or biases is 1"),
        (network({"step_bias": BIAS - 1}), "bias of a step is -4097"),
        (network({"step_bias": BIAS[0]}), "shape of biases of steps is (2,)"),
        (network({"step_bias": BIAS, "bias": table(1, 0)}), "bias of a step is 4096"),
        (network(projection={"gained_bias": table(0, 4096)}), "bias behind gains is 4096"),
        (network(projection={"gained_bias": table([0], [1])}), "shape of the bias behind gains"),
        (network(projection={"gained_bias": table(0, 1), "step_gain": None}), "none without gains"),
        (network(projection={"gained_bias": table(0, 5)}), "bias of a step is -4101"),
        (network({"neuron": RESONATOR}), "bias is set on ResonateFire"),
        (network(start=StartRule.TOGETHER), "gains or biases of steps is together"),
    ],
)
def test_faults_are_named(net: Network, words: str) -> None:
    assert any(words in text for text in found(net)), found(net)


def test_a_bias_that_the_stimulus_drives_has_no_table() -> None:
    net = Network(Input(0, (2,), drives_bias=True), (Population(0, (2,), LIF, step_bias=BIAS),), ())
    assert any("biases of steps of the input population is set" in text for text in found(net))
