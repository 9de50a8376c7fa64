"""However a run with workers ends, no process, no shared memory and no file of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest
from processes import MARK, hear_interrupts, marked, until

from spikewatt.export import netx
from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection

pytestmark = pytest.mark.lava

STEPS = 100_000  # minutes in Lava


@pytest.fixture
def run(tmp_path: Path):
    """`spikewatt run` of two clips in Lava, each with a worker; its folder and mark."""
    network = Network(
        Input(0, (4,)),
        (Population(1, (4,), CubaLif(0, 0, 1)),),
        (Projection(0, 1, Dense(2 * np.ones((4, 4), np.int32))),),
    )
    netx.write(network, tmp_path / "n.net")
    np.save(tmp_path / "x.npy", np.ones((2, 4, STEPS), np.int8))
    (scratch := tmp_path / "scratch").mkdir()
    mark = uuid.uuid4().hex
    options = ("--input", "x.npy", "--backend", "lava", "--workers", "2", "--json", "r.json")
    process = subprocess.Popen(
        [sys.executable, "-m", "spikewatt", "run", "n.net", *options],
        env=os.environ | {MARK: mark, "TMPDIR": str(scratch)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )
    yield process, mark, tmp_path
    for pid in (process.pid, *marked(mark)):
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(
    ("end", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_signals_leave_nothing_behind(run, end: signal.Signals, status: int) -> None:
    process, mark, folder = run
    # Lava's child and its own processes, twice
    assert until(lambda: sum("lava.child" in c for c in marked(mark).values()) >= 8, 120)
    if end is signal.SIGINT:
        os.killpg(process.pid, end)  # as a terminal does
    else:
        process.send_signal(end)
    assert process.wait(60) == status
    assert until(lambda: not marked(mark), 30), marked(mark)
    assert sorted(p.name for p in folder.iterdir()) == ["n.net", "scratch", "x.npy"]
    if end is not signal.SIGKILL:
        assert not list((folder / "scratch").iterdir())
        assert "Traceback" not in process.stderr.read()
