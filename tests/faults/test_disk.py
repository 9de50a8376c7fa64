"""Disks that are full, folders that are read-only or somebody else's, files that are not there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_places import Place, one_paragraph

RUN = ("run", "small.net", "--input", "x.npy")
COMPARE = ("compare", "run.json", "--profile", "cmos45_paper")
WRITERS = {
    "run --json": (*RUN, "--json", "{out}/run.json"),
    "run --out": (*RUN, "--record", "all", "--out", "{out}/out.npz"),
    "compare --html": (
        "compare",
        "run.json",
        "--profile",
        "cmos45_paper",
        "--html",
        "{out}/c.html",
    ),
    "compare --json": (
        "compare",
        "run.json",
        "--profile",
        "cmos45_paper",
        "--json",
        "{out}/c.json",
    ),
    "compare --csv": (*COMPARE, "--csv", "{out}/c.csv"),
    "check --json": ("check", "small.net", "--json", "{out}/check.json"),
    "audit --json": ("audit", "--json", "{out}/audit.json"),
    "convert": ("convert", "small.net", "{out}/small.nir"),
}
TRAIN = ("train", "--model", "signal-sgn-core", "--data", "synthetic", "--config", "recipe.toml")


def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of its own; a skip says where it cannot be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk without a free block."""
    for folder in mounted(tmp_path / "full", "size=4k"):
        (folder / "filling").write_bytes(bytes(4096))
        yield folder


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system that is mounted read-only."""
    yield from mounted(tmp_path / "read-only", "ro,size=4k")


def with_record(place: Place) -> None:
    status, _, err = place.run(*RUN, "--json", "run.json")
    assert status == 0, err


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk(name: str, place: Place, full: Path) -> None:
    with_record(place)
    done = place.run(*(a.format(out=full) for a in WRITERS[name]))
    one_paragraph(*done, told="No space left on device")
    assert [p.name for p in full.iterdir()] == ["filling"]
    place.nothing_left()


@pytest.mark.parametrize("name", ["run --json", "run --out", "compare --html", "convert"])
def test_a_read_only_disk(name: str, place: Place, read_only: Path) -> None:
    with_record(place)
    done = place.run(*(a.format(out=read_only) for a in WRITERS[name]))
    one_paragraph(*done, told="Read-only file system")
    place.nothing_left()


@pytest.mark.slow
def test_training_on_a_full_disk_keeps_the_last_checkpoint(place: Place, tmp_path: Path) -> None:
    for folder in mounted(tmp_path / "small", "size=256k"):
        done = place.run(*TRAIN, "--out", folder / "run", "--epochs", "1")
        if done[0] == 0:
            kept = (folder / "run" / "last.ckpt").read_bytes()
            free = os.statvfs(folder)
            (folder / "filling").write_bytes(bytes(free.f_bavail * free.f_bsize))
            done = place.run(*TRAIN, "--out", folder / "run", "--resume")
            assert (folder / "run" / "last.ckpt").read_bytes() == kept
        one_paragraph(*done, told="No space left on device")
        place.nothing_left()


def test_a_folder_without_permission(place: Place) -> None:
    closed = place.folder / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("whoever runs this may write everywhere")
    one_paragraph(*place.run(*RUN, "--json", closed / "run.json"), told="Permission denied")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "none.net", "--input", "x.npy"), "none.net"),
        (("run", "small.net", "--input", "none.npy"), "none.npy"),
        (("compare", "none.json"), "none.json"),
        (("export", "none.ckpt", "--out", "x.net"), "none.ckpt"),
        ((*RUN, "--json", "none/run.json"), "No such file or directory"),
        ((*RUN, "--out", "small.net/out.npz"), "Not a directory"),
    ],
)
def test_what_is_not_there(arguments: tuple, told: str, place: Place) -> None:
    one_paragraph(*place.run(*arguments), told=told)
    place.nothing_left()
