"""Lava's and lava-dl's own code, imported when a test first uses it, not by collection."""

from __future__ import annotations

import multiprocessing
import sys
from importlib import import_module
from operator import attrgetter
from typing import Any


class Late:
    """A module, or what it calls `path`, looked up at every use."""

    def __init__(self, module: str, path: str = "") -> None:
        self._module, self._path = module, path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # pytest asks every object for its marks
            raise AttributeError(name)
        if self._module not in sys.modules:
            # Lava sets it at import, which fails where another test has started a process
            multiprocessing.set_start_method(None, force=True)
        found = import_module(self._module)
        return getattr(attrgetter(self._path)(found) if self._path else found, name)


def slayers(path: str) -> Late:
    """lava-dl's `slayer.<path>`."""
    return Late("spikewatt.export.slayer", f"slayer.{path}")
