"""The Lava engine: the side that asks, which never imports Lava."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spikewatt.errors import SpikewattError
from spikewatt.lava_door import require_lava
from spikewatt.lava_runtime.engine import Execution, Progress, Request, no_progress
from spikewatt.lava_runtime.lava.execution import read_execution
from spikewatt.lava_runtime.lava.forecast import admit
from spikewatt.lava_runtime.lava.workplace import Workplace, end_session
from spikewatt.lava_runtime.request import check

CHILD = "spikewatt.lava_runtime.lava.child"
POLL_S = 0.05
PATIENCE_S = 5.0
# workers are many and small: threads of numerical libraries would fight for the cores
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


class LavaEngine:
    """Executes a network as Lava processes on Loihi2SimCfg(select_tag='fixed_pt').

    Lava runs in a process of its own, built once for all samples. Whatever ends a run, an
    error or a signal to either side, no process and no shared memory stays behind.
    """

    name = "lava"

    def __init__(self) -> None:
        """SpikewattError where Lava is not to be had."""
        require_lava(
            "Engine lava",
            "Use native: the same integer network, equal to Lava's simulator bit for bit.",
        )

    def run(self, request: Request, progress: Progress = no_progress) -> Execution:
        """Execute; SpikewattError where Lava cannot, or where it fails."""
        check(request)
        check_system()
        admit(request)
        with workplace() as place:
            place.write_request(request)
            run_child(CHILD, place, request, progress)
            return read_execution(place, request)


def run_child(module: str, place: Workplace, request: Request, progress: Progress) -> None:
    """Run a module that serves an execution in this place; SpikewattError where it fails."""
    with _child(module, place) as child:
        _follow(child, place, request, progress)
    if not place.summary.exists():
        raise SpikewattError(_last_words(place, child.returncode))


def check_system() -> None:
    if not sys.platform.startswith("linux"):
        raise SpikewattError(f"The lava engine needs Linux, this is {sys.platform}. Use native.")


@contextmanager
def workplace() -> Iterator[Workplace]:
    """A private folder, removed in the end."""
    place = Workplace(Path(tempfile.mkdtemp(prefix="spikewatt-lava-")))
    try:
        yield place
    finally:
        place.remove()


@contextmanager
def _child(module: str, place: Workplace) -> Iterator[subprocess.Popen[bytes]]:
    """The process that runs Lava, in a session of its own, ended in the end."""
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    with place.log.open("wb") as log:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                place.folder,
                str(os.getpid()),
            ],
            cwd=place.folder,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches us alone, and its session is what we end
        )
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()  # it notices, and cleans up behind itself
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        end_session(child.pid)
        place.remove_segments()


def _follow(
    child: subprocess.Popen[bytes], place: Workplace, request: Request, progress: Progress
) -> None:
    """Report progress until the child ends."""
    total, done = request.schedule.total_steps, place.progress()
    while child.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            child.wait(POLL_S)
        progress(int(done[0]), total)


def _last_words(place: Workplace, status: int) -> str:
    """Why a run failed, in one paragraph."""
    for source in (place.failure, place.log):
        words = source.read_text(errors="replace").split("\n") if source.exists() else []
        said = [line.strip() for line in words if line.strip()]
        if said:
            return f"The Lava run failed. The last that it said: {said[-1]}"
    return f"The Lava run failed without a word, status {status}. Try the native engine."
