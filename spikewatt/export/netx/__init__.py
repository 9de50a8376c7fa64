"""NetX, lava-dl's HDF5 protocol: files to integer networks and back (docs/netx-format.md)."""

from spikewatt.export.netx.notes import Inspection
from spikewatt.export.netx.reader import inspect, read
from spikewatt.export.netx.writer import WriteReport, write

__all__ = ["Inspection", "WriteReport", "inspect", "read", "write"]
