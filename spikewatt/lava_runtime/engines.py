"""Engines by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spikewatt.errors import SpikewattError, unknown_name
from spikewatt.lava_runtime.engine import Engine
from spikewatt.lava_runtime.loihi2.board import Board


@dataclass(frozen=True)
class Means:
    """What an engine may use: workers, threads of the native one; board, for loihi2."""

    workers: int | None = None
    board: Board | None = None


def _native(means: Means) -> Engine:
    from spikewatt.lava_runtime.native import NativeEngine

    return NativeEngine(means.workers)


def _lava(means: Means) -> Engine:
    from spikewatt.lava_runtime.lava import LavaEngine

    if means.workers not in (None, 1):
        raise SpikewattError(
            f"Engine lava runs every population in a process of its own and takes no workers; "
            f"found {means.workers}. Leave workers out, or use the native engine."
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


def engine(name: str, workers: int | None = None, board: Board | None = None) -> Engine:
    """The engine of this name; SpikewattError with the known names, or why it is unavailable."""
    if name not in ENGINES:
        raise unknown_name("engine", name, list(ENGINES))
    return ENGINES[name](Means(workers, board))
