"""Imports go one way, and heavy libraries stay behind their doors."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "spikewatt"

# what each part may import, itself apart
LIGHT = {"errors", "files", "lava_door", "memory"}
PARTS = {"neurons", "synapses", "host"}
NETWORK = LIGHT | PARTS | {"network", "expansion", "tables", "validation"}
ENERGY = NETWORK | {"hardware_profiles"}
EXPORT = ENERGY | {"energy"}
ENGINES = EXPORT | {"export"}
REPORT = ENGINES | {"lava_runtime", "train", "data"}
TOP = REPORT | {"report", "commands", "api", "cli"}
ALLOWED = {
    "errors": set(),
    "files": {"errors"},
    "memory": {"errors"},
    "lava_door": {"errors"},
    "neurons": set(),
    "synapses": set(),
    "host": {"synapses"},
    "network": LIGHT | PARTS,
    "expansion": LIGHT | PARTS | {"network"},
    "tables": LIGHT | PARTS | {"network"},
    "validation": NETWORK,
    "hardware_profiles": NETWORK,
    "energy": ENERGY,
    "export": EXPORT,
    "data": LIGHT,
    "train": ENGINES | {"data"},
    "lava_runtime": ENGINES,
    "report": REPORT,
    "commands": TOP,
    "api": TOP,
    "cli": TOP,
    "__main__": TOP,
    "__init__": TOP,
}

# library -> the places that may import it
DOORS = {
    "distributed": ("lava_runtime/cluster/",),
    "dask": ("lava_runtime/cluster/",),
    "dask_jobqueue": ("lava_runtime/cluster/",),
    "torch": (
        *("train/", "data/", "commands/"),
        *("export/modules.py", "export/slayer_blocks/", "export/lowering/"),
    ),
    "h5py": ("export/netx/",),
    "click": ("cli.py",),
    "nir": ("export/nir/",),
    "lava": ("lava_runtime/lava/", "lava_runtime/loihi2/", "export/slayer.py"),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Modules that a file imports at run time, at any depth; typing-only imports are left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    place = path.relative_to(PACKAGE)
    part = place.parts[0].removesuffix(".py")
    names = imported(path)
    parts = {n.split(".")[1] for n in names if n.startswith("spikewatt.")}
    assert parts - {part} <= ALLOWED[part]
    for library, doors in DOORS.items():
        if any(n == library or n.startswith(f"{library}.") for n in names):
            assert str(place).startswith(doors), f"{library} is imported outside its door"


@pytest.mark.parametrize("command", ["--help", "profiles", "datasets", "audit"])
def test_light_commands_import_neither_torch_nor_lava(command: str) -> None:
    code = (
        f"import sys; sys.argv = ['spikewatt', {command!r}]\n"
        "from spikewatt.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'lava', 'numba', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_collecting_tests_imports_no_lava(collection_imported: set[str]) -> None:
    assert not {name for name in collection_imported if name.split(".")[0] == "lava"}
