"""Fixtures of all tests, and the helpers beside this file made importable.

The real data sets are where $SPIKEWATT_DATA says, or in shared/data beside the repository.
"""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import pytest

from spikewatt.data.clips import Dataset
from spikewatt.data.datasets import load

sys.path.insert(0, str(Path(__file__).parent))  # the oracle and the random networks

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--target",
        choices=["simulator", "loihi2"],
        default="simulator",
        help="Where the tests of the loihi2 engine run its processes.",
    )


@pytest.fixture(scope="session")
def nw_ucla_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(os.environ.get("SPIKEWATT_DATA", BESIDE))
    if (root / "nw-ucla").is_dir():
        return root / "nw-ucla"
    archive = root / "nw-ucla.tar.xz"
    if not archive.exists():
        pytest.skip(f"no NW-UCLA: set SPIKEWATT_DATA to a folder with nw-ucla (none in {root})")
    folder = tmp_path_factory.mktemp("data")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "nw-ucla"


@pytest.fixture(scope="session")
def nw_ucla(nw_ucla_folder: Path) -> Dataset:
    return load(f"nw-ucla:{nw_ucla_folder}")


@pytest.fixture(scope="session")
def synthetic() -> Dataset:
    return load("synthetic", seed=0)
