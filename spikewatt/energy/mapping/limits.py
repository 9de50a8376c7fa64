"""What one core and one chip hold, read from a profile's limits."""

from __future__ import annotations

from dataclasses import dataclass

from spikewatt.errors import SpikewattError
from spikewatt.hardware_profiles.schema import Profile

WORD_BITS = 64


class MappingError(SpikewattError):
    """A network that does not fit on a target's cores."""


@dataclass(frozen=True)
class SynapseFormat:
    """Bits of a stored synapse; an axon's list and a kernel's row each fill whole words.

    weight_bits: the same for every synapse; None: as many as the largest weight needs, at most
    weight_bits_max. block: synapses that share one header in a list; None: one header a list.
    """

    index_bits: int
    header_bits: int
    kernel_index_bits: int
    kernel_header_bits: int
    weight_bits: int | None
    weight_bits_max: int | None
    block: int | None


@dataclass(frozen=True)
class Mesh:
    """Tiles of a chip: width x height, each with its cores."""

    width: int
    height: int
    cores_per_tile: int


@dataclass(frozen=True)
class Limits:
    """Limits of one core and one chip; None where the profile's sources give none.

    axons_out counts pairs of a sending unit and a core that it reaches, axons_map sending units.
    A unit is a neuron, or an (x, y) position whose channels share a kernel. axons_shared: input
    axons that a projection with shared kernels takes; None: one for each position it comes from.
    """

    cores_per_chip: int
    neurons: int
    groups: int | None
    words: int | None
    axons_in: int | None
    axons_out: int | None
    axons_map: int | None
    axons_shared: int | None
    synapse: SynapseFormat
    mesh: Mesh | None


def has_cores(profile: Profile) -> bool:
    """Whether the profile says what a core and a chip hold."""
    return {"neurons_per_core", "cores_per_chip"} <= profile.limits.keys()


def limits_of(profile: Profile) -> Limits:
    """Limits of a profile; MappingError where it gives no neurons a core or cores a chip."""
    if not has_cores(profile):
        raise MappingError(
            f"Profile {profile.name} cannot hold a network: it gives no neurons_per_core or no "
            f"cores_per_chip. Choose a profile with the limits of a chip."
        )

    def get(name: str) -> int | None:
        q = profile.limits.get(name)
        return None if q is None else int(q.value)

    return Limits(
        cores_per_chip=get("cores_per_chip") or 1,
        neurons=get("neurons_per_core") or 1,
        groups=get("neuron_groups_per_core"),
        words=get("synaptic_memory_per_core"),
        axons_in=get("axons_in_per_core"),
        axons_out=get("axons_out_per_core"),
        axons_map=get("axons_map_per_core"),
        axons_shared=get("axons_in_of_shared_kernels"),
        synapse=SynapseFormat(
            index_bits=get("synapse_index_bits") or 0,
            header_bits=get("synapse_header_bits") or 0,
            kernel_index_bits=get("kernel_index_bits") or 0,
            kernel_header_bits=get("kernel_header_bits") or 0,
            weight_bits=get("stored_weight_bits"),
            weight_bits_max=get("weight_bits"),
            block=get("synapses_per_header"),
        ),
        mesh=_mesh(get("mesh_width"), get("mesh_height"), get("cores_per_tile")),
    )


def _mesh(width: int | None, height: int | None, cores: int | None) -> Mesh | None:
    return Mesh(width, height, cores) if width and height and cores else None
