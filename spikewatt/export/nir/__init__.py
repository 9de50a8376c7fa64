"""NIR files: networks of other frameworks in, our integers out and back."""

from spikewatt.export.nir.reader import read
from spikewatt.export.nir.steps import DT
from spikewatt.export.nir.writer import write

__all__ = ["DT", "read", "write"]
