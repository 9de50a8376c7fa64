"""What every fault is tried on: commands on small real files, and what a command leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from processes import MARK, hear_interrupts, marked, until

from spikewatt.network import CubaLif, Dense, Input, Network, Population, Projection, Readout

RECIPE = """
epochs = 3
finetune_epochs = 3
batch_size = 128
frames = 8
[model]
channels = [8, 8]
voltage_decay = [0.5, 0.25]
"""


def small_network() -> Network:
    """Three dense populations and a read-out."""
    rng = np.random.default_rng(0)
    sizes = (12, 16, 16, 4)

    def weight(i: int) -> np.ndarray:
        return (2 * rng.integers(-50, 60, (sizes[i + 1], sizes[i]))).astype(np.int32)

    return Network(
        Input(0, (12,)),
        (
            *(Population(i, (sizes[i],), CubaLif(1024, 300, 60)) for i in (1, 2)),
            Population(3, (4,), CubaLif(4096, 0, 2**17 - 1)),
        ),
        tuple(Projection(i, i + 1, Dense(weight(i))) for i in range(3)),
        readout=Readout("membrane", groups=4),
    )


@dataclass
class Place:
    """A folder with real files, and commands started in it."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self, *arguments: object, before: str = "") -> subprocess.Popen[str]:
        """A command of its own session, as a shell starts it; before: Python that runs first."""
        code = f"import sys\n{before}\nfrom spikewatt.cli import main\nmain()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | {MARK: self.mark, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_interrupts,
        )

    def run(self, *arguments: object, before: str = "") -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        process = self.start(*arguments, before=before)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def processes(self) -> list[int]:
        """Living processes that bear the mark."""
        return list(marked(self.mark))

    def nothing_left(self, patience_s: float = 20.0) -> None:
        """No process of a command lives, no half-written file lies in the folder."""
        assert until(lambda: not self.processes(), patience_s)
        assert not list(self.folder.rglob("*.part"))


def one_paragraph(status: int, out: str, err: str, told: str) -> None:
    """Exit 1 and one clear paragraph that tells `told`."""
    assert status == 1, (status, out, err)
    assert "Traceback" not in err
    (line,) = (x for x in err.strip().splitlines() if x.startswith("Error: "))
    assert told in line
