"""What would have to change for every neuron to run on the cores as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spikewatt.energy.deployment.parts import HOST, group_of, runs_on
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import Attention, Network
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
    return (*lines, _readout(network))


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


def _readout(network: Network) -> str:
    if network.readout is None:
        return "read-out: none"
    if network.readout.kind == "membrane":
        return "read-out: its sums are neurons; the argmax of their voltages is on a processor"
    return "read-out: a processor counts spikes and takes the argmax"
