"""Which board a run is for, and whether this machine can compile for one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from spikewatt.lava_door import why_no_lava

# what `Loihi2.is_loihi2_available` of lava/utils/system.py tries to import
COMPILER = Path("magma/compiler/subcompilers/nc/ncproc_compiler.py")
NO_EXTENSION = (
    "Intel's extension for Loihi 2 (lava-loihi, for members of its research community) is not "
    "installed"
)


@dataclass(frozen=True)
class Board:
    """Where a run goes: through SLURM (a board or a partition by name), or to a host's address.

    simulate: run the same processes on Lava's simulator instead, without probes; the proof that
    what goes to a board computes what the other engines do. probes: measure power and activity,
    in one go without pauses, so that membranes are not read.
    """

    host: str | None = None
    partition: str | None = None
    board: str | None = None
    probes: bool = False
    simulate: bool = False

    @property
    def name(self) -> str:
        """What a report calls it."""
        place = self.board or self.partition or self.host
        return f"Loihi 2, {place}" if place else "Loihi 2"


def unavailable() -> str | None:
    """Why nothing can be compiled for Loihi 2 here, or None; found without importing Lava."""
    why = why_no_lava()
    if why is not None:
        return why
    lava = PathFinder.find_spec("lava")
    assert lava is not None
    places = [Path(p) / COMPILER for p in lava.submodule_search_locations or ()]
    compiled = [p.with_suffix("") for p in places]
    found = any(p.exists() for p in places) or any(
        list(p.parent.glob(f"{p.name}.*")) for p in compiled if p.parent.is_dir()
    )
    return None if found else NO_EXTENSION
