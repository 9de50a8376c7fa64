"""A folder for each fault, and the proof that no shared memory stays behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fault_places import RECIPE, Place, small_network

from spikewatt.export import netx

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A network, an input of six clips, a recipe."""
    netx.write(small_network(), tmp_path / "small.net")
    spikes = np.random.default_rng(1).integers(0, 2, (6, 12, 20))
    np.save(tmp_path / "x.npy", spikes)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    before = set(SHARED_MEMORY.iterdir())
    made = Place(tmp_path)
    yield made
    for pid in made.processes():
        os.kill(pid, 9)
    new = {p.name for p in set(SHARED_MEMORY.iterdir()) - before if "spikewatt" in p.name}
    runs = Path(tempfile.gettempdir())  # a run that goes on elsewhere has its folder there
    assert not {name for name in new if not (runs / name.rpartition("_")[0]).exists()}
