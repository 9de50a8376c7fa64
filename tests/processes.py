"""Processes that belong to a test, found by a mark in their environment."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

MARK = "SPIKEWATT_TEST_MARK"


def marked(mark: str) -> dict[int, str]:
    """Living processes whose environment bears the mark, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                bears = mark.encode() in (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if bears and state not in "ZX":
                found[int(entry.name)] = command
    return found


def hear_interrupts() -> None:
    """In a new process: a shell's background jobs ignore SIGINT, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(true: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()
