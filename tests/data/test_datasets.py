"""Data sets by name."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from spikewatt.data.datasets import DATASETS, describe, load
from spikewatt.errors import SpikewattError

PACKAGE = Path(__file__).parents[2] / "spikewatt" / "data"


@pytest.mark.parametrize("spec", ["ucf", "ucf:/somewhere", ""])
def test_an_unknown_name_lists_the_known(spec: str) -> None:
    with pytest.raises(SpikewattError, match=r"nw-ucla.*synthetic"):
        load(spec)


def test_paths_where_they_belong() -> None:
    with pytest.raises(SpikewattError, match="takes no path; found 'synthetic:x'"):
        load("synthetic:x")
    for spec in ("nw-ucla", "nw-ucla:"):
        with pytest.raises(SpikewattError, match=r"needs a folder .* Write nw-ucla:PATH"):
            load(spec)


def test_a_negative_seed() -> None:
    with pytest.raises(SpikewattError, match="seed of 0 or more; found -1"):
        load("synthetic", seed=-1)


@pytest.mark.parametrize("name", DATASETS)
def test_descriptions(name: str) -> None:
    source = describe(name)
    assert source.origin
    assert source.split
    assert len(source.classes) >= 6
    assert (source.read is None) == (source.generate is not None)
    assert source.usage == (name if source.read is None else f"{name}:PATH")


def test_the_package_needs_numpy_alone() -> None:
    found: set[str] = set()
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
    tops = {".".join(name.split(".")[:2]) for name in found if name.startswith("spikewatt")}
    assert tops <= {"spikewatt.data", "spikewatt.errors"}
    others = {name.split(".")[0] for name in found} - set(sys.stdlib_module_names) - {"spikewatt"}
    assert others == {"numpy"}
