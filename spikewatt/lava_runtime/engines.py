"""Engines by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spikewatt.errors import SpikewattError, unknown_name
from spikewatt.lava_runtime.engine import Engine
from spikewatt.lava_runtime.loihi2.board import Board


@dataclass(frozen=True)
class Means:
    """What an engine may use: threads, of the native one; board, for loihi2."""

    threads: int | None = None
    board: Board | None = None


def _native(means: Means) -> Engine:
    from spikewatt.lava_runtime.native import NativeEngine

    return NativeEngine(means.threads)


def _lava(means: Means) -> Engine:
    from spikewatt.lava_runtime.lava import LavaEngine

    if means.threads not in (None, 1):
        raise SpikewattError(
            f"Engine lava runs every population in a process of its own and takes no threads; "
            f"found {means.threads}. Leave them out, or use the native engine."
        )
    return LavaEngine()


def _loihi2(means: Means) -> Engine:
    from spikewatt.lava_runtime.loihi2.engine import Loihi2Engine

    return Loihi2Engine(means.board)


ENGINES: dict[str, Callable[[Means], Engine]] = {
    "native": _native,
    "lava": _lava,
    "loihi2": _loihi2,
}


def engine(name: str, threads: int | None = None, board: Board | None = None) -> Engine:
    """The engine of this name; SpikewattError with the known names, or why it is unavailable."""
    if name not in ENGINES:
        raise unknown_name("engine", name, list(ENGINES))
    return ENGINES[name](Means(threads, board))
