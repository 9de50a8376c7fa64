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
from spikewatt.lava_door import PYTHON, why_no_lava

sys.path.insert(0, str(Path(__file__).parent))  # the oracle and the random networks

BESIDE = Path(__file__).parents[2] / "shared" / "data"
COLLECTED = pytest.StashKey[set[str]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[COLLECTED] = set(sys.modules)


@pytest.fixture
def collection_imported(pytestconfig: pytest.Config) -> set[str]:
    """Modules that were there when all tests had been collected and none had run."""
    return pytestconfig.stash[COLLECTED]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marked `lava`: skipped where Lava cannot be, failed where its Python is and it is missing."""
    why = why_no_lava() if item.get_closest_marker("lava") else None
    if why and sys.version_info[:2] == PYTHON:
        pytest.fail(f"{why}, but every installation on this Python has them", pytrace=False)
    if why:
        pytest.skip(why)


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
