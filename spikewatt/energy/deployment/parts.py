"""What computes each population: a core as it is, a core with microcode, or a processor."""

from __future__ import annotations

from spikewatt.hardware_profiles.schema import Profile
from spikewatt.network import Attention, Network
from spikewatt.tables import stepping

NATIVE = "neurocores"
MICROCODE = "neurocores with microcode"
HOST = "embedded or host CPU"
LEVELS = 2  # of a module's path that make a group


def attending(network: Network) -> set[int]:
    """Layers that attention reaches."""
    return {p.target for p in network.projections if isinstance(p.synapses, Attention)}


def group_of(network: Network, layer: int) -> str:
    """The top levels of a layer's path in the trained network, or its number."""
    name = network.names.get(layer)
    return ".".join(name.split(".")[:LEVELS]) if name else f"layer {layer}"


def runs_on(network: Network, profile: Profile) -> dict[int, str] | None:
    """By layer: NATIVE, MICROCODE for a product of spikes or gains and biases of single steps, HOST
    for another neuron model.

    None where the profile does not say which models its cores compute.
    """
    if profile.native_neurons is None:
        return None
    programmed = attending(network) | stepping(network)

    def place(layer: int, model: str) -> str:
        if model not in profile.native_neurons.models:  # type: ignore[union-attr]
            return HOST
        return MICROCODE if layer in programmed else NATIVE

    return {p.layer: place(p.layer, type(p.neuron).__name__) for p in network.populations}
