"""Folders of the real data sets; tests skip, saying so, where there is none."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[3] / "shared" / "data"


def _folder(name: str, made: pytest.TempPathFactory) -> Path:
    root = Path(os.environ.get("SPIKEWATT_DATA", BESIDE))
    if (root / name).is_dir():
        return root / name
    archive = root / f"{name}.tar.xz"
    if not archive.exists():
        pytest.skip(f"no {name}: set SPIKEWATT_DATA to a folder with {name} (none in {root})")
    folder = made.mktemp(name)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / name


@pytest.fixture(scope="session")
def ntu_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder("ntu-samples", tmp_path_factory)


@pytest.fixture(scope="session")
def utd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder("utd-mhad", tmp_path_factory)


@pytest.fixture(scope="session")
def n_mnist_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder("n-mnist-small", tmp_path_factory)


@pytest.fixture(scope="session")
def video_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _folder("video-samples", tmp_path_factory)
