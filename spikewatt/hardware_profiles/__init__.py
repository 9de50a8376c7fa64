"""Energy, static power, limits and timing of targets; every number with unit and source."""

from spikewatt.hardware_profiles.loader import load, names
from spikewatt.hardware_profiles.schema import Profile, Quantity

__all__ = ["Profile", "Quantity", "load", "names"]
