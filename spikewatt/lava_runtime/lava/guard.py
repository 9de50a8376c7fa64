"""No process of an execution outlives the one that asked for it, however that one ends.

Three lines of defence. Lava's workers ask the kernel to be killed when the process that forked
them dies. That process notices, within a fraction of a second, that the engine's process has
died or wants it to stop, and ends the workers, the shared memory and the folder. The engine
does the same where it is alive and the other is not.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.shared_memory as shared_memory
import os
import secrets
import select
import signal
import sys
import threading

from spikewatt.lava_runtime.lava.workplace import Workplace, end_session

PR_SET_PDEATHSIG = 1
POLL_S = 0.2


def die_with_parent() -> None:
    """Have every process that is forked from now on killed when its parent dies."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    os.register_at_fork(after_in_child=ask_kernel)


def keep_together(prefix: str) -> None:
    """Let the names of shared memory begin with a prefix, and sockets lie in this folder.

    Otherwise nobody could tell whose they are once their makers are dead. The folder is `.`
    because a socket's path may not be long.
    """

    def make_filename() -> str:
        return f"/{prefix}{secrets.token_hex(8)}"

    vars(shared_memory)["_make_filename"] = make_filename
    vars(multiprocessing.current_process())["_config"]["tempdir"] = "."


class Guard:
    """Ends the execution when its engine is gone or a worker has died."""

    def __init__(self, place: Workplace, engine: int) -> None:
        self.place, self.engine = place, engine
        self.workers: list[int] = []
        self.lock = threading.Lock()

    def start(self) -> None:
        """Watch from a thread: Lava's main thread may wait for ever."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            if self._abandoned(POLL_S):
                self.end(1)
            if self.place.failure.exists() or any(map(_has_ended, self.workers)):
                self.place.fail("A Lava worker process died; the machine may be out of memory.")
                self.end(1)

    def _abandoned(self, wait_s: float) -> bool:
        """Whether the engine has let go of the pipe that is our stdin, or has died."""
        closed, _, _ = select.select([sys.stdin], [], [], wait_s)  # readable: closed
        # a dying process closes its files some time before its children get another parent
        return bool(closed) or os.getppid() != self.engine

    def end(self, status: int) -> None:
        """End everything, the caller last; the engine, if it lives, still needs the folder."""
        self.lock.acquire()  # never released: whoever comes second waits for the end
        # first of all, since we may be killed ourselves once nobody else could do it
        self.place.remove_segments()
        end_session(os.getpid())
        self.place.remove_segments()
        if self._abandoned(0):
            self.place.remove()
        os._exit(status)


def _has_ended(pid: int) -> bool:
    """Whether a child has ended; it stays for whoever waits for it."""
    try:
        state = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return state is not None
