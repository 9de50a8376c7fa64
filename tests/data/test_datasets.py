"""Data sets by name."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from spikewatt.data.datasets import DATASETS, describe, found, load
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
    assert len(source.classes) >= 6 or name.startswith("keypoints")
    assert len(set(source.classes)) == len(source.classes)
    assert (source.read is None) == (source.generate is not None)
    assert source.usage == (name if source.read is None else f"{name}:PATH")


def test_what_is_found() -> None:
    told = found("synthetic-events")
    assert (told.name, told.kind, told.train, told.test) == ("synthetic-events", "events", 192, 64)
    assert told.by_class == tuple((c, 24, 8) for c in describe("synthetic").classes)
    assert told.report == ()


def test_video_and_events_have_no_skeleton() -> None:
    with pytest.raises(SpikewattError, match="'synthetic-video' holds video and no skeletons"):
        _ = load("synthetic-video").graph
    assert load("synthetic").graph.name == "nw-ucla-20"


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    return names


def test_the_package_needs_numpy_alone_and_readers_where_they_are_used() -> None:
    tops: set[str] = set()
    others: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text())
        names = _imported(ast.walk(tree))
        inside = {".".join(n.split(".")[:2]) for n in names if n.startswith("spikewatt")}
        assert inside <= {"spikewatt.data", "spikewatt.errors"}
        tops |= {n.split(".")[0] for n in _imported(tree.body)}
        others |= {n.split(".")[0] for n in names}
    known = set(sys.stdlib_module_names) | {"spikewatt"}
    assert tops - known == {"numpy"}
    assert others - known == {"numpy", "scipy", "av", "tonic"}
