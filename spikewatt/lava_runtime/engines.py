"""Engines by name."""

from __future__ import annotations

from collections.abc import Callable

from spikewatt.errors import SpikewattError, unknown_name
from spikewatt.lava_runtime.engine import Engine


def _native(workers: int | None) -> Engine:
    from spikewatt.lava_runtime.native import NativeEngine

    return NativeEngine(workers)


def _lava(workers: int | None) -> Engine:
    from spikewatt.lava_runtime.lava import LavaEngine

    if workers not in (None, 1):
        raise SpikewattError(
            f"Engine lava runs every population in a process of its own and takes no workers; "
            f"found {workers}. Leave workers out, or use the native engine."
        )
    return LavaEngine()


def _loihi2(workers: int | None) -> Engine:
    from spikewatt.lava_runtime.loihi2 import Loihi2Engine

    return Loihi2Engine()


ENGINES: dict[str, Callable[[int | None], Engine]] = {
    "native": _native,
    "lava": _lava,
    "loihi2": _loihi2,
}


def engine(name: str, workers: int | None = None) -> Engine:
    """The engine of this name; SpikewattError with the known names, or why it is unavailable."""
    if name not in ENGINES:
        raise unknown_name("engine", name, list(ENGINES))
    return ENGINES[name](workers)
