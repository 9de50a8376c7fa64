"""Rules for the input and for populations: shapes, the neuron's integers, bias, messages.

Ranges are the precisions of Lava's processes and models (lava/proc/{lif,atrlif,sdn,rf}).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    DECAY_MAX,
    MESSAGE_BITS_MAX,
    THRESHOLD_MAX,
    AdaptiveLif,
    CubaLif,
    Delta,
    Network,
    Neuron,
    Population,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Violation,
)
from spikewatt.validation.ranges import not_integers, other_shape, out_of_range, unsound_shape

NEVER_FIRES = THRESHOLD_MAX + 1  # v clips below 2**17 << 6; the threshold of a pure integrator
BINARY_NEURONS = (CubaLif, AdaptiveLif, ResonateFire)  # models that send 0 or 1
BIASED_NEURONS = (CubaLif, AdaptiveLif, SigmaDelta)
ACTIVATIONS = ("relu", "unit")
STATE_MAX = 2**23 - 1  # states are 24 bits wide, with sign
ADAPTIVE_THRESHOLD_MAX = 4095  # 12 bits in lava/proc/atrlif
EXPONENT_MAX = 7  # 3 bits
DECAY_BITS_MAX = 12


@dataclass(frozen=True)
class Limit:
    """The range of one of a neuron's integers."""

    what: str
    value: int
    low: int
    high: int
    hint: str


def _decay(what: str, value: int) -> Limit:
    return Limit(what, value, 0, DECAY_MAX, "decays are shares of 4096")


def _exponent(what: str, value: int) -> Limit:
    return Limit(what, value, 0, EXPONENT_MAX, "exponents have 3 bits")


def _cuba(n: CubaLif) -> list[Limit]:
    hint = f"scale weights and threshold down ({NEVER_FIRES} stands for a neuron that never fires)"
    return [
        _decay("current decay", n.i_decay),
        _decay("voltage decay", n.v_decay),
        Limit("threshold", n.v_threshold, 0, NEVER_FIRES, hint),
    ]


def _adaptive(n: AdaptiveLif) -> list[Limit]:
    hint, top = "it has 12 bits; scale weights and threshold down", ADAPTIVE_THRESHOLD_MAX
    return [
        _decay("current decay", n.i_decay),
        _decay("voltage decay", n.v_decay),
        _decay("threshold decay", n.threshold_decay),
        _decay("refractory decay", n.refractory_decay),
        Limit("threshold", n.threshold, 0, top, hint),
        Limit("threshold step", n.threshold_step, 0, top, hint),
    ]


def _delta(n: Delta | SigmaDelta) -> list[Limit]:
    hint = "shifted by the exponents it has 24 bits; scale it or the exponents down"
    top = STATE_MAX >> _shift(n)
    return [
        _exponent("spike exponent", n.spike_exp),
        _exponent("state exponent", n.state_exp),
        Limit("threshold", n.v_threshold, 0, top, hint),
    ]


def _resonate(n: ResonateFire) -> list[Limit]:
    bits = min(max(n.decay_bits, 1), DECAY_BITS_MAX)
    hint = f"decays are shares of 2**{bits}"
    threshold_hint = "the state has 24 bits; scale weights and threshold down"
    return [
        _exponent("state exponent", n.state_exp),
        Limit("decay bits", n.decay_bits, 1, DECAY_BITS_MAX, "decays have up to 12 bits"),
        Limit("sine decay", n.sin_decay, -(1 << bits), 1 << bits, hint),
        Limit("cosine decay", n.cos_decay, -(1 << bits), 1 << bits, hint),
        Limit("threshold", n.v_threshold, 0, STATE_MAX + 1, threshold_hint),
    ]


def _limits(n: Neuron) -> list[Limit]:
    """Ranges of a neuron's integers; a sigma decoder has none."""
    if isinstance(n, Sigma):
        return []
    if isinstance(n, Delta | SigmaDelta):
        return _delta(n)
    if isinstance(n, ResonateFire):
        return _resonate(n)
    return _cuba(n) if isinstance(n, CubaLif) else _adaptive(n)


def _shift(n: Delta | SigmaDelta) -> int:
    """Bits by which threshold and bias are shifted, exponents out of range apart."""
    return sum(min(max(e, 0), EXPONENT_MAX) for e in (n.spike_exp, n.state_exp))


def input_layer(network: Network) -> Iterator[Violation]:
    """Rules for the input, and for the population that the stimulus drives."""
    source = network.input
    yield from unsound_shape(source.layer, "input shape", source.shape)
    bits = (0, MESSAGE_BITS_MAX)
    hint = "send smaller messages"
    yield from out_of_range(source.layer, "input message bits", source.message_bits, bits, hint)
    if source.drives_bias and source.drives_dendrite:
        hint = "let it drive the bias or the dendrite"
        yield Violation(source.layer, "parts that the stimulus drives", "2", "1", hint)
    if source.drives_bias or source.drives_dendrite:
        yield from _driven(network)


def _driven(network: Network) -> Iterator[Violation]:
    source = network.input
    driven = network.by_layer.get(source.layer)
    if driven is None:
        return
    hint = "give the input its population's shape"
    yield from other_shape(source.layer, "input shape", source.shape, driven.shape, hint)
    if not source.drives_bias:
        return
    if driven.bias is not None:
        hint = "the stimulus takes its place; leave it out"
        yield Violation(source.layer, "bias of the input population", "set", "none", hint)
    if not isinstance(driven.neuron, BIASED_NEURONS):
        found, limit = type(driven.neuron).__name__, _names(BIASED_NEURONS)
        hint = "only these have a bias; let the stimulus drive the dendrite"
        yield Violation(source.layer, "neuron whose bias is driven", found, limit, hint)


def population(network: Network, population: Population) -> Iterator[Violation]:
    """Rules for one population."""
    layer, neuron = population.layer, population.neuron
    yield from unsound_shape(layer, "shape", population.shape)
    for n in _limits(neuron):
        yield from out_of_range(layer, n.what, n.value, (n.low, n.high), n.hint)
    if isinstance(neuron, SigmaDelta) and neuron.activation not in ACTIVATIONS:
        limit = " or ".join(ACTIVATIONS)
        yield Violation(layer, "activation", neuron.activation, limit, "name one of these")
    if isinstance(neuron, Delta) and not (
        network.input.drives_dendrite and layer == network.input.layer
    ):
        hint = "it encodes the stimulus; use SigmaDelta behind synapses"
        yield Violation(layer, "place of Delta neurons", "inside", "the input", hint)
    yield from _messages(population)
    yield from _bias(population)


def _messages(population: Population) -> Iterator[Violation]:
    layer, bits = population.layer, (0, MESSAGE_BITS_MAX)
    hint = "message bits count the magnitude's bits"
    yield from out_of_range(layer, "message bits", population.message_bits, bits, hint)
    if type(population.neuron) not in BINARY_NEURONS and population.message_bits < 1:
        hint = (
            "with 0 bits spikes of -1 count as +1 and sums as 1; give the population message bits"
        )
        yield Violation(layer, "message bits of graded or signed spikes", "0", "at least 1", hint)


def _bias(population: Population) -> Iterator[Violation]:
    layer, bias = population.layer, population.bias
    if bias is None:
        return
    yield from unbiased(population)
    yield from not_integers(layer, "bias", bias)
    hint = "one mantissa for each neuron"
    yield from other_shape(layer, "bias shape", bias.shape, population.shape, hint)
    yield from out_of_range(layer, "bias", bias, *bias_limits(population.neuron))


def unbiased(population: Population) -> Iterator[Violation]:
    """One violation for a bias of neurons that have none."""
    if not isinstance(population.neuron, BIASED_NEURONS):
        found = f"set on {type(population.neuron).__name__}"
        hint = "these neurons have none; leave it out"
        yield Violation(population.layer, "bias", found, _names(BIASED_NEURONS), hint)


def bias_limits(neuron: Neuron) -> tuple[tuple[int, int], str]:
    """Smallest and largest bias mantissa, and what to do beyond."""
    if isinstance(neuron, SigmaDelta):
        top = min(BIAS_MAX, STATE_MAX >> _shift(neuron))
        return (-top, top), "shifted by the exponents it has 24 bits; scale it down"
    return (BIAS_MIN, BIAS_MAX), "the mantissa has 13 bits; scale weights, bias and threshold down"


def _names(types: tuple[type, ...]) -> str:
    return ", ".join(t.__name__ for t in types)
