"""Memory that the machine has left, asked before much of it is taken."""

from __future__ import annotations

from pathlib import Path

from spikewatt.errors import SpikewattError


def free_bytes() -> int:
    """Memory that the machine can still give, as the kernel estimates it."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return int(available) * 1024


def check_room(what: str, needed_bytes: int, hint: str) -> None:
    """Raise SpikewattError, before anything is taken, where the machine cannot give as much."""
    free = free_bytes()
    if needed_bytes > free:
        raise SpikewattError(
            f"{what} takes {needed_bytes / 10**9:.1f} GB of memory; {free / 10**9:.1f} GB are "
            f"free. {hint}"
        )
