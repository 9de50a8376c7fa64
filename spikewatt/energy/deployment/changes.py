"""What would have to change for every neuron to run on the cores as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from spikewatt.energy.deployment.parts import HOST, group_of, runs_on
from spikewatt.energy.mapping.fan_in import fan_in
from spikewatt.energy.mapping.limits import has_cores, limits_of
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import Attention, Dense, Network, Sparse
from spikewatt.tables import stepping

_BY_MASKS = "a network whose attention is masks (AND gates and sums, as sdt has)"


def changes(network: Network, profile: Profile) -> tuple[str, ...]:
    """One sentence a change: attention, gains of steps, models of neurons, encoder, read-out."""
    lines = [*_products(network), *_tables(network), *_models(network, profile)]
    if network.host is not None:
        name = network.host.name or "the host's stage"
        lines.append(f"{name}: reads steps that are still to come; train without it")
    if network.encoder is not None:
        lines.append("encoder: on a processor as it is; send spikes or graded values already coded")
    wide = (*_attends_too_much(network, profile), *_too_wide(network, profile))
    return (*lines, *wide, _readout(network))


def _products(network: Network) -> list[str]:
    """Attention of one form has one sentence, with all its layers."""
    layers: dict[tuple[int, int], list[int]] = {}
    for p in network.projections:
        if isinstance(s := p.synapses, Attention):
            tokens = s.split(network.shape_of(p.target))[1]
            layers.setdefault((s.heads, tokens), []).append(p.target)
    return [
        f"attention of {_named(network, found)}: {_many(heads, 'head')} over "
        f"{_many(tokens, 'token')}, a product of spikes; write microcode, or "
        f"{_instead(network.training)}"
        for (heads, tokens), found in layers.items()
    ]


def _tables(network: Network) -> list[str]:
    """Layers with gains or biases of steps have one sentence."""
    if not (layers := sorted(stepping(network))):
        return []
    instead = "with norms that all steps share"
    if isinstance(options := network.training.get("options"), Mapping) and "time_norm" in options:
        instead = "with time_norm = false"
    return [
        f"neurons of {_named(network, layers)}: gains and biases for each of "
        f"{_many(network.table_steps or 0, 'step')}; write microcode that reads them from tables, "
        f"or train {instead}"
    ]


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(network: Network, layers: Iterable[int]) -> str:
    known = {layer: group_of(network, layer) for layer in layers}
    each = [f"{n} ({name})" if n in network.names else str(n) for n, name in known.items()]
    return f"layer{'s' if len(each) > 1 else ''} {', '.join(each)}"


def _instead(training: Mapping[str, Any]) -> str:
    """What the network's own options offer instead, as far as its record tells."""
    options = training.get("options")
    chosen = options.get("attention") if isinstance(options, Mapping) else None
    if isinstance(chosen, str):
        return "train with attention = masks"
    if chosen is True:
        return f"train with attention = false, or {_BY_MASKS}"
    return f"train {_BY_MASKS}"


def _models(network: Network, profile: Profile) -> list[str]:
    places = runs_on(network, profile) or {}
    models: dict[str, list[int]] = {}
    for p in network.populations:
        if places.get(p.layer) == HOST:
            models.setdefault(type(p.neuron).__name__, []).append(p.layer)
    return [
        f"neurons of {_named(network, layers)}: {model} is no model of {profile.name}'s cores; "
        "train with CubaLif"
        for model, layers in models.items()
    ]


def _attends_too_much(network: Network, profile: Profile) -> list[str]:
    """Attention whose one neuron takes more queries, keys and values than a core has axons."""
    axons = limits_of(profile).axons_in if has_cores(profile) else None
    layers: dict[int, list[int]] = {}
    for p in network.projections:
        if axons is not None and isinstance(s := p.synapses, Attention):
            _, tokens, _, channels = s.split(network.shape_of(p.target))
            if (needed := channels + tokens * channels + tokens) > axons:
                layers.setdefault(needed, []).append(p.target)
    return [
        f"attention of {_named(network, found)}: a neuron hears {needed} queries, keys and values, "
        f"a core has {axons} axons; train with smaller heads or fewer tokens"
        for needed, found in layers.items()
    ]


def _too_wide(network: Network, profile: Profile) -> list[str]:
    """Neurons with more listed sources than a core has words for: one word each, at least."""
    limits = limits_of(profile) if has_cores(profile) else None
    if limits is None or limits.words is None:
        return []
    fits = min(limits.words, limits.axons_in or limits.words)
    layers: dict[int, list[int]] = {}
    for p in network.populations:
        if (heard := _listed_sources(network, p.layer)) > fits:
            layers.setdefault(heard, []).append(p.layer)
    return [
        f"neurons of {_named(network, found)}: each hears {heard} sources, {fits} fit on a core; "
        f"{_fewer(network, found, fits)}"
        for heard, found in layers.items()
    ]


def _listed_sources(network: Network, layer: int) -> int:
    """The most synapses onto a neuron of a layer, kernels apart, whose words are shared."""
    incoming = [p for p in network.incoming(layer) if isinstance(p.synapses, Dense | Sparse)]
    return int(np.sum([fan_in(network, p) for p in incoming], axis=0).max()) if incoming else 0


def _fewer(network: Network, layers: Sequence[int], fits: int) -> str:
    summed = network.readout is not None and network.readout.kind == "membrane"
    if summed and layers == [network.output.layer]:
        return f"export with --readout-sources {fits}, and a processor adds the partial sums"
    options = network.training.get("options")
    if isinstance(options, Mapping) and options.get("mix_heads") is True:
        return "train with mix_heads = false"
    return "make the layer's inputs fewer"


def _readout(network: Network) -> str:
    if network.readout is None:
        return "read-out: none"
    if network.readout.kind == "membrane":
        parts = network.output.size // network.readout.groups
        if parts > 1:
            return (
                f"read-out: its neurons are {parts} partial sums a class; a processor adds their "
                "voltages and takes the argmax"
            )
        return "read-out: its sums are neurons; the argmax of their voltages is on a processor"
    return "read-out: a processor counts spikes and takes the argmax"
