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
            f"Engine lava runs every population in a process of its own and takes no threads; "
            f"found {workers}. Leave them out, or use the native engine."
        )
    return LavaEngine()


def _loihi2(workers: int | None) -> Engine:
    raise SpikewattError(
        "Engine loihi2 is unavailable, because this version has no binding to Loihi 2 boards. "
        "Use lava: the same integer network on Lava's simulator, bit for bit."
    )


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
