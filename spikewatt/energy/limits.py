"""What a target's limits mean for a network: violations, and how many cores it needs at least.

The limits are those of a profile (`limits` and `native_neurons` of its file); what a profile does
not limit is not checked. Cores and chips are lower bounds: every core is taken to be full, and
axons, indices and alignment cost no memory. A mapping to cores can only need more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from spikewatt.energy.deployment.parts import attending
from spikewatt.energy.events import Counters, fan_out
from spikewatt.energy.mapping.fan_in import sparse_fan_in
from spikewatt.expansion import expand
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import (
    Attention,
    Conv,
    CubaLif,
    Dense,
    IntArray,
    Network,
    Projection,
    Sparse,
    Violation,
)
from spikewatt.tables import stepping
from spikewatt.validation import NEVER_FIRES, out_of_range

WORD_BITS = 64  # of a word of synaptic memory


@dataclass(frozen=True)
class Need:
    """One resource of the cores: how much a network needs, and the cores that this fills."""

    resource: str
    needed: int
    per_core: int
    cores: int


@dataclass(frozen=True)
class Fit:
    """A network on a target: None where its profile does not say enough.

    cores, chips: lower bounds. native_share: share of the neurons whose model and synapses its
    cores compute; those behind attention or with tables of steps are not among them.
    """

    violations: tuple[Violation, ...]
    needs: tuple[Need, ...]
    cores: int | None
    chips: int | None
    native_share: float | None


def fit(network: Network, profile: Profile) -> Fit:
    """Everything that a profile's limits say about a sound network."""
    found = list(_not_native(network, profile))
    for name, rule in RULES.items():
        if name in profile.limits:
            found += rule(network, int(profile.limits[name].band[2]))
    needs = tuple(_needs(network, profile))
    cores = max((n.cores for n in needs), default=None)
    violations = tuple(replace(v, limit=f"{v.limit} on {profile.name}") for v in found)
    chips = _chips(network, profile, cores)
    return Fit(violations, needs, cores, chips, native_share(network, profile))


def native_share(network: Network, profile: Profile) -> float | None:
    """Share of the neurons that the target's cores compute; None where it is not known.

    Another neuron model, attention, and gains or biases of steps need microcode of their own.
    """
    if profile.native_neurons is None:
        return None
    sizes = {p.layer: p.size for p in network.populations}
    programmed = attending(network) | stepping(network)
    native = [
        p
        for p in network.populations
        if _is_native(type(p.neuron).__name__, profile) and p.layer not in programmed
    ]
    return sum(sizes[p.layer] for p in native) / sum(sizes.values())


def fan_in(network: Network, projection: Projection) -> Counters:
    """Stored non-zero synapses of each target neuron, (targets,).

    Of attention, which stores none, the neurons whose spikes a target needs: D queries, N D keys,
    N values.
    """
    source, target = network.shape_of(projection.source), network.shape_of(projection.target)
    if isinstance(attended := projection.synapses, Attention):
        _, tokens, _, channels = attended.split(target)
        needed = channels + tokens * channels + tokens
        return np.full(int(np.prod(target)), needed, dtype=np.int64)
    if isinstance(s := projection.synapses, Sparse):
        return sparse_fan_in(s)
    s = expand(s, source, target)
    if isinstance(s, Dense):
        return np.asarray((s.weight != 0).sum(axis=1, dtype=np.int64))
    if isinstance(s, Sparse):
        return sparse_fan_in(s)
    x, y = (_taps_inside(s, source[i], target[i], i) for i in (0, 1))
    taps = (s.weight != 0).sum(axis=3, dtype=np.int64)
    return np.asarray(np.einsum("xi,yj,oij->xyo", x, y, taps, optimize=True).reshape(-1))


def _taps_inside(conv: Conv, source: int, target: int, axis: int) -> Counters:
    """1 where a tap of a target lies on an existing source, (target, kernel), along one axis."""
    taps = np.arange(conv.weight.shape[1 + axis]) * conv.dilation[axis] - conv.padding[axis]
    at = np.arange(target)[:, None] * conv.stride[axis] + taps
    return np.asarray(((at >= 0) & (at < source)).astype(np.int64))


def _is_native(model: str, profile: Profile) -> bool:
    return profile.native_neurons is not None and model in profile.native_neurons.models


def _not_native(network: Network, profile: Profile) -> Iterator[Violation]:
    if profile.native_neurons is None:
        return
    for p in network.populations:
        if not _is_native(model := type(p.neuron).__name__, profile):
            hint = "run it on the host or the chip's processors, or train with another model"
            limit = ", ".join(profile.native_neurons.models)
            yield Violation(p.layer, "neuron model", model, limit, hint)
    hint = "write microcode for it, or run it on the host or the chip's processors"
    for layer in sorted(attending(network)):
        yield Violation(layer, "synapses", "attention", "stored weights", hint)
    for layer in sorted(stepping(network)):
        what = "gains and biases of a step"
        yield Violation(layer, what, "read from a table", "the same in every step", hint)


def weight_bits(weight: IntArray) -> int:
    """Bits that a core stores for each weight, a shared power of two left to the exponent.

    Weights of both signs need a bit for the sign; those of one sign do not.
    """
    common = int(np.bitwise_or.reduce(np.abs(weight), axis=None))
    if not common:
        return 0
    step = common & -common
    low, high = int(weight.min()) // step, int(weight.max()) // step
    if low >= 0 or high <= 0:
        return max(-low, high).bit_length()
    return 1 + max((-low - 1).bit_length(), high.bit_length())


def _weights(network: Network, bits: int) -> Iterator[Violation]:
    for p in network.projections:
        if (needed := weight_bits(p.synapses.weight)) > bits:
            hint = "quantise in steps of 2 where signs are mixed"
            yield Violation(p.target, "bits of a weight", str(needed), str(bits), hint)


def longest_delay(projection: Projection) -> int:
    """Most steps that a spike of this projection waits beyond the one that all take."""
    own = getattr(projection.synapses, "delay", None)
    parts = (own, projection.axon_delay)
    return projection.delay + sum(int(a.max(initial=0)) for a in parts if a is not None)


def _delays(network: Network, steps: int) -> Iterator[Violation]:
    for p in network.projections:
        hint = "projection, axon and synapse together; clamp delays in training"
        yield from out_of_range(p.target, "delay", longest_delay(p), (0, steps), hint)


def _thresholds(network: Network, bits: int) -> Iterator[Violation]:
    hint = "scale weights, bias and threshold down together"
    for p in network.populations:
        if isinstance(n := p.neuron, CubaLif) and n.v_threshold != NEVER_FIRES:
            limits = (0, 2**bits - 1)
            yield from out_of_range(p.layer, "threshold", n.v_threshold, limits, hint)


def _biases(network: Network, bits: int) -> Iterator[Violation]:
    limits = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    hint = "scale weights, bias and threshold down together"
    for p in network.populations:
        if isinstance(p.neuron, CubaLif) and p.bias is not None:
            yield from out_of_range(p.layer, "bias", p.bias, limits, hint)


def _decays(network: Network, bits: int) -> Iterator[Violation]:
    """The chip adds 1 to the current's decay: it holds 1 to 2^bits, the voltage's 0 to 2^bits-1."""
    for p in network.populations:
        if isinstance(n := p.neuron, CubaLif):
            hint = "its register holds one less, without sign"
            limits = (1, 2**bits)
            yield from out_of_range(p.layer, "current decay", n.i_decay, limits, hint)
            hint = f"{2**bits - 1} forgets all but a {2**bits}th"
            limits = (0, 2**bits - 1)
            yield from out_of_range(p.layer, "voltage decay", n.v_decay, limits, hint)


def _messages(network: Network, bits: int) -> Iterator[Violation]:
    hint = "the target sends smaller or only binary spikes"
    ends = [(network.input.layer, network.input.message_bits)] * (not network.input.drives_bias)
    ends += [(p.layer, p.message_bits) for p in network.populations]
    for layer, found in dict(ends).items():
        yield from out_of_range(layer, "message bits", found, (0, bits), hint)


def _fan_ins(network: Network, axons: int) -> Iterator[Violation]:
    """A neuron lives on one core, which needs an input axon for each neuron that reaches it."""
    for p in network.populations:
        incoming = network.incoming(p.layer)
        fan = sum((fan_in(network, q) for q in incoming), np.zeros(p.size, np.int64))
        hint = "prune the layer, or split it into two that are summed"
        yield from out_of_range(p.layer, "fan-in", fan, (0, axons), hint)


RULES: dict[str, Callable[[Network, int], Iterator[Violation]]] = {
    "weight_bits": _weights,
    "delay": _delays,
    "threshold_mantissa_bits": _thresholds,
    "bias_mantissa_bits": _biases,
    "decay_bits": _decays,
    "message_bits": _messages,
    "axons_in_per_core": _fan_ins,
}


def _neurons(network: Network, profile: Profile) -> int:
    return sum(p.size for p in network.populations)


def _groups(network: Network, profile: Profile) -> int:
    return len(network.populations)


def _synaptic_words(network: Network, profile: Profile) -> int:
    """Every non-zero weight is held somewhere, a shared kernel once."""
    pairs = ((int(np.count_nonzero(p.synapses.weight)), p.synapses) for p in network.projections)
    return ceil(sum(n * weight_bits(s.weight) for n, s in pairs) / WORD_BITS)


def _axons_out(network: Network, profile: Profile) -> int:
    """A neuron needs an output axon for each core that holds its targets."""
    per_core = int(profile.limits["neurons_per_core"].band[2])
    populations = network.by_layer
    axons = 0
    for p in network.projections:
        if isinstance(p.synapses, Attention):  # at least one core for each neuron that sends
            axons += sum(populations[i].size for i in p.sources if i in populations)
        elif p.source in populations:
            reached = np.minimum(fan_out(network, p), populations[p.target].size)
            axons += int(np.ceil(reached / per_core).sum())
    return axons


RESOURCES: dict[str, tuple[str, Callable[[Network, Profile], int]]] = {
    "neurons_per_core": ("neurons", _neurons),
    "neuron_groups_per_core": ("neuron groups", _groups),
    "synaptic_memory_per_core": ("synaptic memory (words)", _synaptic_words),
    "axons_out_per_core": ("output axons", _axons_out),
}


def _needs(network: Network, profile: Profile) -> Iterator[Need]:
    for name, (resource, amount) in RESOURCES.items():
        known = name in profile.limits
        if known and (name != "axons_out_per_core" or "neurons_per_core" in profile.limits):
            per_core, needed = int(profile.limits[name].band[2]), amount(network, profile)
            yield Need(resource, needed, per_core, ceil(needed / per_core))


def _chips(network: Network, profile: Profile, cores: int | None) -> int | None:
    """At least so many chips for the cores, the neurons and the synapses."""
    amounts = {
        "cores_per_chip": cores,
        "neurons_per_chip": _neurons(network, profile),
        "synapses_per_chip": sum(
            int(np.count_nonzero(p.synapses.weight)) for p in network.projections
        ),
    }
    chips = [
        ceil(amount / profile.limits[name].band[2])
        for name, amount in amounts.items()
        if name in profile.limits and amount is not None
    ]
    return max(chips, default=None)
