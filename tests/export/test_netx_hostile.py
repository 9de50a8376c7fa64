"""Damaged and hostile files: read within the limits or refused in words, never a crash or hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import random_networks as rn
from netx_cases import chain

from spikewatt.errors import SpikewattError
from spikewatt.export import netx
from spikewatt.network import StartRule

SCRIPT = Path(__file__).with_name("netx_hostile.py")
SECONDS = 10.0  # for one file, on a busy machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Sound files of all layer and neuron types, chains and graphs."""
    found = tmp_path_factory.mktemp("hostile")
    for seed in range(40):
        netx.write(chain(seed), found / f"chain{seed:02}.net")
        try:
            graph = rn.network(seed, equalised=True)
            if seed % 2 and graph.start is not StartRule.TOGETHER:
                graph = rn.tabled(seed, graph, entries=4)
            netx.write(graph, found / f"graph{seed:02}.net")
        except SpikewattError:
            continue  # numbers that leave no room for a flatten layer
    return found


def read_all(folder: Path, first: int, last: int) -> dict[int, tuple[str, float]]:
    """What became of the files of these seeds, and the seconds it took; a dead reader is told."""
    found: dict[int, tuple[str, float]] = {}
    while first < last:
        command = [sys.executable, str(SCRIPT), str(folder), str(first), str(last)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        with (folder / "out").open("w+") as out, (folder / "log").open("w+") as log:
            process = subprocess.Popen(command, stdout=out, stderr=log, env=environment)
            done = _wait(process, min(30 + 1.5 * (last - first), 3500))
            lines = (folder / "out").read_text().splitlines()
        for line in map(json.loads, lines):
            found[line["seed"]] = line["outcome"], line["s"]
        first += len(lines)
        if done != 0:
            found[first] = f"{done}: {(folder / 'log').read_text()[-300:]}", 0.0
            first += 1
    return found


def _wait(process: subprocess.Popen, seconds: float) -> int | str:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return "hangs"
    finally:
        process.kill()


@pytest.mark.parametrize(
    "seeds",
    [(0, 150), pytest.param((150, 10_000), marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
    ids=["few", "thousands"],
)
def test_damaged_files_are_read_or_refused(folder, seeds):
    found = read_all(folder, *seeds)
    assert sorted(found) == list(range(*seeds))
    counts = Counter(outcome for outcome, _ in found.values())
    bad = {s: v for s, v in found.items() if v[0] not in ("read", "refused") or v[1] > SECONDS}
    assert not bad
    assert counts["read"] > 0.1 * len(found)
    assert counts["refused"] > 0.4 * len(found)
