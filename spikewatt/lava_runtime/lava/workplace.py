"""The folder that an execution and its processes share, and how everything in it ends.

The folder's name marks all that belongs to the execution: the session of processes, and the
shared memory, whose segments bear it as a prefix. So either side can clean up after the other.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikewatt.lava_runtime.engine import Request
from spikewatt.network import IntArray

SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Workplace:
    """Files of one execution."""

    folder: Path

    @property
    def failure(self) -> Path:
        """Why the execution ended early, as a traceback or a sentence."""
        return self.folder / "failure.txt"

    @property
    def log(self) -> Path:
        """What Lava printed."""
        return self.folder / "lava.txt"

    @property
    def summary(self) -> Path:
        """Seconds, processes and memory; exists once the execution is complete."""
        return self.folder / "summary.json"

    @property
    def segment_prefix(self) -> str:
        """How the names of the execution's shared memory begin."""
        return f"{self.folder.name}_"

    def write_request(self, request: Request) -> None:
        """Leave the request for the other process; its stimulus as a table to map.

        Pickle is for our own processes only: the folder is private to the user.
        """
        n, *_, t = request.stimulus.shape
        table = request.stimulus.reshape(n, -1, t).transpose(0, 2, 1)
        np.save(self.folder / "stimulus.npy", np.ascontiguousarray(table, dtype=np.int32))
        bare = replace(request.network, encoder=None, training={}, layer_types={}, names={})
        empty = np.zeros((0,), dtype=np.int32)
        data = pickle.dumps(replace(request, network=bare, stimulus=empty))
        (self.folder / "request.pickle").write_bytes(data)
        np.save(self.folder / "progress.npy", np.zeros(1, dtype=np.int64))

    def read_request(self) -> tuple[Request, IntArray]:
        """The request, and its stimulus as a mapped table (N, T, size)."""
        request: Request = pickle.loads((self.folder / "request.pickle").read_bytes())
        return request, np.load(self.folder / "stimulus.npy", mmap_mode="r")

    def progress(self) -> npt.NDArray[np.int64]:
        """Steps done, (1,), in a mapped file that both sides see."""
        return np.asarray(np.load(self.folder / "progress.npy", mmap_mode="r+"))

    def write_summary(self, summary: dict[str, float]) -> None:
        """Say that the execution is complete."""
        part = self.summary.with_suffix(".part")
        part.write_text(json.dumps(summary))
        part.replace(self.summary)

    def fail(self, why: str) -> None:
        """Say why the execution ends, all at once; the first reason stays."""
        if not self.failure.exists():
            part = self.folder / f"failure-{os.getpid()}.part"
            part.write_text(why)
            part.replace(self.failure)

    def remove_segments(self) -> None:
        """Remove the execution's shared memory."""
        for segment in SHARED_MEMORY.glob(f"{self.segment_prefix}*"):
            segment.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def session_members(session: int) -> list[int]:
    """Living processes of a session, by id; zombies are not among them."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # after the command's closing bracket: state, parent, group, session
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if int(fields[3]) == session and fields[0] not in "ZX":
                members.append(int(entry.name))
    return members


def end_session(session: int, patience_s: float = 5.0) -> None:
    """Kill a session's processes, apart from the caller, and wait until they are gone."""
    deadline = time.monotonic() + patience_s
    while others := [pid for pid in session_members(session) if pid != os.getpid()]:
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
