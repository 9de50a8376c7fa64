"""Module by module: neurons, synapses, memory, cores, and what computes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spikewatt.energy.deployment.changes import changes
from spikewatt.energy.deployment.parts import HOST, MICROCODE, NATIVE, group_of, runs_on
from spikewatt.energy.events import synapses
from spikewatt.energy.host import HostShare, host_share
from spikewatt.energy.mapping import Mapping, MappingError, partition
from spikewatt.energy.mapping.limits import has_cores, limits_of
from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import Network


@dataclass(frozen=True)
class ModuleShare:
    """A group of layers: those whose modules share the top two levels of their path.

    neurons: native + microcode + host, by what computes them; None where the profile does not
    say. synapses: stored zeros included. words: 64 bit each, of synaptic memory on all its cores.
    chips: how many the cores lie on, in the order of populations. words, cores, chips: None
    where the network could not be mapped. runs_on: in words; encoder and argmax have no layers.
    """

    module: str
    layers: tuple[int, ...]
    populations: int
    neurons: int
    synapses: int
    words: int | None
    native: int | None
    microcode: int | None
    host: int | None
    cores: int | None
    chips: int | None
    runs_on: str


@dataclass(frozen=True)
class Deployment:
    """A network on a target. cores, chips: of the mapping; unmapped: why there is none.

    host: the stage that a processor computes after the last step, beside encoder and decision.
    changes: what would have to change for all of it to be native, a sentence each.
    """

    modules: tuple[ModuleShare, ...]
    changes: tuple[str, ...]
    cores: int | None
    chips: int | None
    unmapped: str | None = None
    host: HostShare | None = None


def deployment(network: Network, profile: Profile) -> Deployment:
    """Every module of a network on a target's cores, with the encoder and the read-out's argmax."""
    mapping, unmapped = _mapped(network, profile)
    per_chip = limits_of(profile).cores_per_chip if mapping else 0
    places = runs_on(network, profile)
    groups: dict[str, list[int]] = {}
    for p in network.populations:
        groups.setdefault(group_of(network, p.layer), []).append(p.layer)
    shares = [
        _share(network, name, layers, (places, mapping, per_chip))
        for name, layers in groups.items()
    ]
    around = [_processor("encoder")] * (network.encoder is not None)
    decides = [_processor("argmax of the read-out")] * (network.readout is not None)
    if (stage := host_share(network)) is not None:
        decides.insert(0, _processor(f"{stage.module}, after the last step", stage.neurons))
    return Deployment(
        modules=(*around, *shares, *decides),
        changes=changes(network, profile),
        cores=len(mapping.cores) if mapping else None,
        chips=mapping.chips if mapping else None,
        unmapped=unmapped,
        host=stage,
    )


def _mapped(network: Network, profile: Profile) -> tuple[Mapping | None, str | None]:
    if not has_cores(profile):
        return None, f"profile {profile.name} does not say what a core and a chip hold"
    try:
        return partition(network, profile), None
    except MappingError as error:
        return None, str(error)


def _share(
    network: Network,
    name: str,
    layers: list[int],
    placed: tuple[dict[int, str] | None, Mapping | None, int],
) -> ModuleShare:
    places, mapping, per_chip = placed
    sizes = {n: network.by_layer[n].size for n in layers}
    by_place = {
        place: None if places is None else sum(sizes[n] for n in layers if places[n] == place)
        for place in (NATIVE, MICROCODE, HOST)
    }
    cores = None if mapping is None else [c for n in layers for c in mapping.by_layer[n]]
    return ModuleShare(
        module=name,
        layers=tuple(layers),
        populations=len(layers),
        neurons=sum(sizes.values()),
        synapses=sum(synapses(network, p) for n in layers for p in network.incoming(n)),
        words=None if cores is None else sum(c.words for c in cores),
        native=by_place[NATIVE],
        microcode=by_place[MICROCODE],
        host=by_place[HOST],
        cores=None if cores is None else len(cores),
        chips=None if mapping is None else _chips(mapping, layers, per_chip),
        runs_on=_words(by_place),
    )


def _chips(mapping: Mapping, layers: Iterable[int], per_chip: int) -> int:
    """Chips that hold any core of these layers."""
    found: set[int] = set()
    for layer in layers:
        first = mapping.first[layer]
        last = first + mapping.layout[layer].cores - 1
        found |= set(range(first // per_chip, last // per_chip + 1))
    return len(found)


def _words(by_place: dict[str, int | None]) -> str:
    used = [place for place, neurons in by_place.items() if neurons]
    return ", ".join(used) or "not known"


def _processor(what: str, neurons: int = 0) -> ModuleShare:
    """A part without populations."""
    nothing = dict.fromkeys(("populations", "synapses"), 0)
    cores = dict.fromkeys(("words", "native", "microcode", "cores", "chips"), 0)
    own = {"neurons": neurons, "host": neurons}
    return ModuleShare(module=what, layers=(), runs_on=HOST, **nothing, **cores, **own)
