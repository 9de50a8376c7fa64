"""However a Lava run ends, no process, no shared memory and no file of it stays behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import MARK, hear_interrupts, marked, until

pytestmark = pytest.mark.lava

SHARED_MEMORY = Path("/dev/shm")
LONG_RUN = """
import sys
import numpy as np
from spikewatt.errors import SpikewattError
from spikewatt.lava_runtime.engine import Request
from spikewatt.lava_runtime.lava import LavaEngine
from spikewatt.lava_runtime.schedule import stream
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

steps = 300_000  # minutes
network = Network(
    Input(0, (4,)),
    tuple(Population(i, (4,), CubaLif(0, 0, 1)) for i in (1, 2)),
    tuple(Projection(i, i + 1, Dense(np.ones((4, 4), np.int32))) for i in (0, 1)),
)
said = False

def progress(done, total):
    global said
    if done > 0 and not said:
        said = True
        print("stepping", flush=True)

try:
    LavaEngine().run(Request(network, np.ones((1, 4, steps), np.int32), stream(steps)), progress)
except SpikewattError as error:
    print(error)
    sys.exit(1)
"""


def own_group() -> None:
    hear_interrupts()
    os.setpgrp()


class Run:
    """A run in a process group of its own, as a shell would start it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex
        self.prefixes: set[str] = set()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LONG_RUN],
            env=os.environ | {MARK: self.mark, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=own_group,
        )

    def wait_for_steps(self) -> None:
        assert self.process.stdout.readline() == b"stepping\n"
        assert len(self.children()) >= 5
        assert self.segments() == self.mapped() != set()

    def segments(self) -> set[str]:
        """Shared memory of this run: its names begin with its folder's."""
        self.prefixes |= {folder.name for folder in self.folder.iterdir()}
        names = (segment.name for segment in SHARED_MEMORY.iterdir())
        return {name for name in names if name.startswith(tuple(self.prefixes))}

    def mapped(self) -> set[str]:
        """Shared memory that the run's processes use, whatever its name."""
        maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in self.children())
        # semaphores are unlinked as soon as they are made: "(deleted)"
        return set(re.findall(rf"{SHARED_MEMORY}/(\S+)$", maps, re.MULTILINE))

    def children(self) -> list[int]:
        """Processes that run our child module: the one that was started, then its workers."""
        return sorted(pid for pid, command in marked(self.mark).items() if "lava.child" in command)

    def nothing_is_left(self) -> bool:
        return not (marked(self.mark) or self.segments() or list(self.folder.iterdir()))


@pytest.fixture
def run(tmp_path: Path):
    run = Run(tmp_path)
    yield run
    run.process.kill()  # the rest follows; should it not, the test has failed already
    run.process.communicate()
    until(lambda: not (marked(run.mark) or run.segments()), 5)


def interrupt_group(run: Run) -> None:
    os.killpg(run.process.pid, signal.SIGINT)


ENDS: dict[str, tuple[Callable[[Run], None], int]] = {
    "Ctrl-C": (interrupt_group, -signal.SIGINT),
    "SIGINT": (lambda run: run.process.send_signal(signal.SIGINT), -signal.SIGINT),
    "SIGTERM": (lambda run: run.process.terminate(), -signal.SIGTERM),
    "SIGKILL": (lambda run: run.process.kill(), -signal.SIGKILL),
}


@pytest.mark.parametrize("how", ENDS)
def test_signals_leave_nothing_behind(run: Run, how: str) -> None:
    end, status = ENDS[how]
    run.wait_for_steps()
    end(run)
    assert run.process.wait(10) == status
    assert until(run.nothing_is_left, 5), (marked(run.mark), list(run.folder.iterdir()))


@pytest.mark.parametrize("delay_s", [0.0, 0.4])
def test_signals_while_it_starts_leave_nothing_behind(run: Run, delay_s: float) -> None:
    assert until(lambda: bool(run.children()), 10)
    run.segments()  # to know their names
    time.sleep(delay_s)
    run.process.kill()
    run.process.wait(10)
    assert until(run.nothing_is_left, 5), (marked(run.mark), list(run.folder.iterdir()))


@pytest.mark.parametrize("victim", [0, -1])
def test_a_process_that_dies_is_an_error_and_leaves_nothing_behind(run: Run, victim: int) -> None:
    """The process that runs Lava, or one of its workers, is killed for its memory, say."""
    run.wait_for_steps()
    os.kill(run.children()[victim], signal.SIGKILL)
    said, _ = run.process.communicate(timeout=15)
    assert run.process.returncode == 1
    assert said.decode().startswith(("The Lava run failed", "A Lava worker process died"))
    assert run.nothing_is_left(), (marked(run.mark), list(run.folder.iterdir()))


def test_both_killed_at_once_leave_no_process_and_no_shared_memory(run: Run) -> None:
    """The kernel ends the workers, and Python's resource tracker the shared memory."""
    run.wait_for_steps()
    child = run.children()[0]
    run.process.kill()
    os.kill(child, signal.SIGKILL)
    assert until(lambda: not (marked(run.mark) or run.segments()), 5), marked(run.mark)
