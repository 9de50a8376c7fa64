"""A network on the cores of a chip: partition, load and traffic of each core."""

from spikewatt.energy.mapping.limits import MappingError
from spikewatt.energy.mapping.partition import Core, Mapping, partition

__all__ = ["Core", "Mapping", "MappingError", "partition"]
