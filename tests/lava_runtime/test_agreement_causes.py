"""Planted faults: the cause that agreement names is the one that was planted.

Every fault is planted in one side's network or execution and is told apart by what that side
did, whichever side it is: the file may be wrong and the reference right, or the other way round.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spikewatt.lava_runtime.agreement import Reference, compare
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.engines import engine
from spikewatt.lava_runtime.schedule import clips, stream
from spikewatt.network import (
    Conv,
    CubaLif,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    StartRule,
)

RNG = np.random.default_rng(11)
SAMPLES, STEPS = 5, 24
SHAPE = (SAMPLES, 5, 4, 2, STEPS)
GRADED = (RNG.integers(-6, 7, SHAPE) * (RNG.random(SHAPE) < 0.3)).astype(np.int32)


def weights(*shape: int) -> np.ndarray:
    return RNG.integers(-40, 44, shape).astype(np.int32) * 2


def population(layer: int, *shape: int) -> Population:
    bias = RNG.integers(-40, 90, shape).astype(np.int32)
    return Population(layer, shape, CubaLif(900, 300, 180), bias)


NETWORK = Network(
    input=Input(0, (5, 4, 2), message_bits=3),
    populations=(population(1, 5, 4, 3), population(2, 8), population(3, 6), population(4, 5)),
    projections=(
        Projection(0, 1, Conv(weights(3, 3, 3, 2), padding=(1, 1))),
        Projection(1, 2, Dense(weights(8, 60))),
        Projection(2, 3, Dense(weights(6, 8))),
        Projection(3, 4, Dense(weights(5, 6))),
        Projection(2, 4, Dense(weights(5, 8)), delay=1),
    ),
)


def request(network: Network = NETWORK, state: bool = False) -> Request:
    layers = tuple(network.by_layer)
    return Request(network, GRADED, clips(network, SAMPLES, STEPS), layers, state)


def run(network: Network = NETWORK, state: bool = False, name: str = "native") -> Execution:
    return engine(name).run(request(network, state))


def with_projection(index: int, **changes) -> Network:
    projections = list(NETWORK.projections)
    projections[index] = replace(projections[index], **changes)
    return replace(NETWORK, projections=tuple(projections))


def with_weight(index: int, change) -> Network:
    s = NETWORK.projections[index].synapses
    return with_projection(
        index, synapses=replace(s, weight=np.ascontiguousarray(change(s.weight)))
    )


def with_population(index: int, **changes) -> Network:
    populations = list(NETWORK.populations)
    populations[index] = replace(populations[index], **changes)
    return replace(NETWORK, populations=tuple(populations))


def channels_first(weight: np.ndarray) -> np.ndarray:
    """Columns as if the source had been flattened channel first."""
    return weight.reshape(8, 3, 5, 4).transpose(0, 2, 3, 1).reshape(8, 60)


NEURON = CubaLif(900, 300, 180)
FAULTS = {
    "delay": (with_projection(1, delay=1), 2, "delays 1 step longer"),
    "branch-delay": (with_projection(4, delay=2), 4, "a delay from layer 2 1 step longer"),
    "kernel": (with_weight(0, lambda w: w.swapaxes(1, 2)), 1, "kernels transposed"),
    "flipped": (with_weight(0, lambda w: w[:, ::-1, ::-1]), 1, "kernels flipped"),
    "flatten": (with_weight(1, channels_first), 2, "flatten order is"),
    "exponent": (with_weight(1, lambda w: w * 2), 2, "weights times 2^1 (weight exponent)"),
    "exponent-down": (with_weight(2, lambda w: w // 2), 3, "weights times 2^-1 (weight exponent)"),
    "message-bits": (
        replace(NETWORK, input=Input(0, (5, 4, 2))),
        1,
        "the message bits are lost and graded spikes count as 1",
    ),
    "bias": (with_population(2, bias=None), 3, "without its bias"),
    "start": (replace(NETWORK, start=StartRule.TOGETHER), 1, "start together"),
    "threshold": (
        with_population(0, neuron=replace(NEURON, v_threshold=360)),
        1,
        "of 360, not 180",
    ),
    "branch": (with_weight(4, np.zeros_like), 4, "nothing arrives from layer 2"),
}


@pytest.mark.parametrize("state", [False, True], ids=["spikes", "states"])
@pytest.mark.parametrize(("fault", "layer", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_named(fault: Network, layer: int, told: str, state: bool) -> None:
    right, wrong = run(state=state), run(fault, state=state)
    agreement = compare(NETWORK, right, wrong, request())
    assert agreement.first.layer == layer
    assert agreement.cause.startswith(f"layer {layer} gives exactly what was found")
    assert told in agreement.cause.split("(and just so")[0]
    assert agreement.cause.endswith("what was expected follows the network")
    other = compare(NETWORK, wrong, right, request())
    assert told in other.cause.split("(and just so")[0]
    assert other.cause.endswith("what was found follows the network")


def test_the_cause_in_a_reference_file() -> None:
    """A transposed kernel in the file: the engine follows the file, the reference does not."""
    right = run()
    reference = Reference(GRADED, right.spikes, right.readout)
    wrong_file = with_weight(0, lambda w: w.swapaxes(1, 2))
    agreement = compare(wrong_file, reference, run(wrong_file))
    assert "layer 1 gives exactly what was expected with its kernels transposed" in agreement.cause
    assert "what was found follows the network" in agreement.cause


def one_after_the_other(x: np.ndarray, silent: int, after: int) -> np.ndarray:
    """All samples as one stream, with silent steps before and after."""
    return np.pad(np.concatenate(list(x), axis=-1)[np.newaxis], [(0, 0)] * 4 + [(silent, after)])


def samples_from(row: np.ndarray, first: int) -> np.ndarray:
    """A stream's record cut into samples of STEPS steps that begin at `first`."""
    count = (row.shape[-1] - first) // STEPS
    return np.stack(np.split(row[..., first : first + count * STEPS], count, axis=-1))


@pytest.mark.parametrize("early", [1, 2])
def test_the_phase_of_the_reset(early: int) -> None:
    """The stimulus comes later than the resets expect it, as with a wrong reset offset."""
    x = one_after_the_other(GRADED, early, 3)
    resets = stream(x.shape[-1], STEPS)
    done = engine("native").run(Request(NETWORK, x, resets, (1, 2, 3)))
    found = {i: samples_from(s[0], i + early)[:SAMPLES] for i, s in done.spikes.items() if i < 3}
    noun = "step" if early == 1 else "steps"
    for agreement in (
        compare(NETWORK, run(), replace(run(), spikes=found), request()),
        compare(NETWORK, Reference(GRADED, found), run()),
    ):
        assert agreement.first.layer == 1
        assert f"if its reset comes {early} {noun} early" in agreement.cause


def test_no_reset_between_samples() -> None:
    quiet = with_population(0, bias=None)
    x = one_after_the_other(GRADED, 0, 1)
    unreset = engine("native").run(Request(quiet, x, stream(x.shape[-1]), (1,)))
    found = {1: samples_from(unreset.spikes[1][0], 1)}
    agreement = compare(quiet, Reference(GRADED, found), run(quiet))
    assert "if it is not reset between samples" in agreement.cause


def lif(current: np.ndarray, n: CubaLif, bias: np.ndarray, decay, fires) -> np.ndarray:
    """CUBA-LIF by the book, with a decay and a comparison of one's own; current (N, size, T)."""
    u = v = np.zeros(current.shape[:2], np.int64)
    spikes = np.zeros(current.shape, np.int32)
    for t in range(current.shape[2]):
        u = decay(u, 4096 - n.i_decay) + current[:, :, t] * 64
        v = decay(v, 4096 - n.v_decay) + u + bias * 64
        spikes[:, :, t] = fires(v, n.v_threshold * 64)
        v = np.where(spikes[:, :, t], 0, v)
    return spikes


def truncated(x: np.ndarray, kept: int) -> np.ndarray:
    return (np.sign(x) * (np.abs(x) * kept // 4096)).astype(np.int64)


ROUNDINGS = {
    "floor": (lambda x, k: x * k // 4096, np.greater, "rounded down"),
    "nearest": (lambda x, k: np.rint(x * k / 4096).astype(np.int64), np.greater, "to the nearest"),
    "lava": (truncated, np.greater, None),
    "at-threshold": (truncated, np.greater_equal, "equal to the threshold fires"),
}


# Small weights, long memory and many steps: voltages come close to the threshold.
FINE = Network(
    input=Input(0, (20,)),
    populations=(
        Population(1, (40,), CubaLif(700, 60, 5), RNG.integers(-3, 2, 40).astype(np.int32)),
    ),
    projections=(Projection(0, 1, Dense((RNG.integers(-1, 2, (40, 20)) * 2).astype(np.int32))),),
)
SPARKS = (RNG.random((6, 20, 80)) < 0.2).astype(np.int32)
FINE_REQUEST = Request(FINE, SPARKS, clips(FINE, 6, 80), (1,))


def fine(neuron: CubaLif) -> Network:
    return replace(FINE, populations=(replace(FINE.populations[0], neuron=neuron),))


@pytest.mark.parametrize(("decay", "fires", "told"), ROUNDINGS.values(), ids=ROUNDINGS.keys())
def test_another_rounding_of_the_state(decay, fires, told: str | None) -> None:
    """Layer 1 in an arithmetic of its own; Lava's own arithmetic agrees."""
    neuron = CubaLif(4096, 0, 5) if fires is np.greater_equal else FINE.populations[0].neuron
    network = fine(neuron)
    right = engine("native").run(replace(FINE_REQUEST, network=network))
    current = np.einsum("ij,njt->nit", FINE.projections[0].synapses.weight, SPARKS)
    found = lif(current, neuron, FINE.populations[0].bias, decay, fires)
    wrong = replace(right, spikes={1: found})
    agreement = compare(network, right, wrong, FINE_REQUEST)
    assert agreement.equal is (told is None)
    assert told is None or told in agreement.cause


@pytest.mark.parametrize(
    ("neuron", "told"),
    [
        (CubaLif(699, 60, 5), "with a current decay of 699, not 700 (decay rounding)"),
        (CubaLif(700, 61, 5), "with a voltage decay of 61, not 60 (decay rounding)"),
        (CubaLif(699, 59, 5), "with both decays smaller by 1 (decay rounding)"),
    ],
)
def test_decays_that_were_rounded_otherwise(neuron: CubaLif, told: str) -> None:
    requests = FINE_REQUEST, replace(FINE_REQUEST, network=fine(neuron))
    done = [engine("native").run(r) for r in requests]
    assert told in compare(FINE, *done, FINE_REQUEST).cause


def test_what_to_record_is_said() -> None:
    fault = with_population(2, bias=None)
    blind = [replace(run(n), spikes={4: run(n).spikes[4]}, readout=None) for n in (NETWORK, fault)]
    cause = compare(NETWORK, *blind, request()).cause
    assert "record layers 2, 3 too on both sides" in cause
    fewer = [
        replace(run(n), spikes={i: run(n).spikes[i] for i in (2, 3)}) for n in (NETWORK, fault)
    ]
    assert "without its bias" in compare(NETWORK, *fewer).cause


def test_a_stimulus_that_is_not_known_is_asked_for() -> None:
    fault = with_weight(0, lambda w: w.swapaxes(1, 2))
    assert "what layer 1 receives is equal, so its own" in compare(NETWORK, run(), run(fault)).cause


def test_other_numbers_are_told_by_the_state() -> None:
    fault = with_weight(1, lambda w: weights(8, 60))
    told = compare(NETWORK, run(state=True), run(fault, state=True), request()).cause
    assert "its current u is not: its own weights" in told
    fault = with_population(1, bias=weights(8))
    told = compare(NETWORK, run(state=True), run(fault, state=True), request()).cause
    assert "so is its current u: its bias" in told
    assert told.endswith("what was expected follows the network")


@pytest.mark.parametrize("reset", [None, 7])
def test_streams(reset: int | None) -> None:
    x = GRADED[:1]
    fault = with_weight(1, lambda w: w * 2)
    requests = [Request(n, x, stream(STEPS, reset), (1, 2, 3)) for n in (NETWORK, fault)]
    done = [engine("native").run(r) for r in requests]
    assert "weight exponent" in compare(NETWORK, *done, requests[0]).cause


@pytest.mark.lava
def test_a_fault_in_lava() -> None:
    """Lava executes a network with a late branch; the native engine is right."""
    fault = with_projection(1, delay=1)
    agreement = compare(NETWORK, run(), run(fault, name="lava"), request())
    assert agreement.first.layer == 2
    assert "delays 1 step longer" in agreement.cause
