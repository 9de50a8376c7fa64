"""Write the tables of docs/counting.md: what spikewatt, NeuroBench and SpikingJelly count.

    python benchmarks/counting/counting_table.py [--peers-python PYTHON]

The other two run in an environment of their own in a temporary folder (about 1 GB, some minutes),
or in the one whose Python is given. A package that cannot be installed is named as such.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case, brute_force, cases, network

from spikewatt import api

DOC = Path(__file__).parents[2] / "docs" / "counting.md"
PINS = ("torch==2.13.0", "neurobench==2.3.0", "spikingjelly==2.0.0")
PYTHONS = ("python3.11", "python3.12", "python3.13", sys.executable)
ENGINES = ("native", "lava")
PEERS = {"neurobench": "NeuroBench", "spikingjelly": "SpikingJelly"}
SINGLE = "a single 2 in the batch"
ORDER = [0, 2, 1, 3]  # as in peers.py
SPLITS = (("4", "one batch of 4"), ("2", "two batches of 2"), ("1", "one by one"))


def events(case: Case, engine: str, clips: list[int] | None = None) -> int:
    """Synaptic events that spikewatt counts, of all clips or some."""
    x = case.stimulus if clips is None else case.stimulus[clips]
    counts = api.count(network(case), x, engine)
    return sum(int(layer.synaptic_events.sum()) for layer in counts.layers)


def own_rows(engine: str) -> dict[str, list[int]]:
    """By case: the count by brute force, and an engine's."""
    return {c.name: [brute_force(c), events(c, engine)] for c in cases()}


def own_splits(engine: str) -> dict[str, int]:
    """The clips of one case in several batches, and in another order."""
    case = next(c for c in cases() if c.name == SINGLE)

    def split(order: list[int], size: int) -> int:
        return sum(events(case, engine, order[i : i + size]) for i in range(0, 4, size))

    counted = {label: split([0, 1, 2, 3], int(size)) for size, label in SPLITS}
    return counted | {"in another order, two batches of 2": split(ORDER, 2)}


def environment(folder: Path) -> tuple[Path | None, str]:
    """The Python of a fresh environment with the peers in it, or None and the reason."""
    python = folder / "env" / "bin" / "python"
    reason = "no Python found"
    for name in PYTHONS:
        if shutil.which(name) is None:
            continue
        steps = [
            [name, "-m", "venv", str(folder / "env")],
            [str(python), "-m", "pip", "install", "-q", *PINS],
        ]
        done = [subprocess.run(s, capture_output=True, text=True) for s in steps]
        if not any(d.returncode for d in done):
            return python, ""
        errors = "".join(d.stderr for d in done).strip().splitlines()
        reason = errors[-1] if errors else "the installation failed"
        shutil.rmtree(folder / "env", ignore_errors=True)
    return None, reason


def peer_counts(folder: Path, python: Path | None, reason: str) -> dict[str, Any]:
    """What the peers count, by peer and case; an `error` each where there is no environment."""
    if python is None:
        return {peer: {"error": f"not installed: {reason}"} for peer in PEERS}
    arrays = {
        f"{c.name}/{key}": np.asarray(getattr(c, key))
        for c in cases()
        for key in ("weight", "stimulus", "bias", "stride")
    }
    np.savez(folder / "cases.npz", **arrays)
    command = [str(python), str(Path(__file__).with_name("peers.py")), str(folder / "cases.npz")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {peer: {"error": f"failed: {done.stderr.strip()[-200:]}"} for peer in PEERS}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shown(found: dict[str, Any], case: str, key: str) -> str:
    """A cell: what a peer counts, and as what."""
    if "error" in found:
        return str(found["error"])
    counts = {kind: round(n) for kind, n in found["cases"][case][key].items()}
    other = {"AC": "", "SynOp": "", "MAC": " as MAC"}
    cells = [f"{n}{other[kind]}" for kind, n in counts.items() if n]
    return " + ".join(cells) or "0"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def tables(peers: dict[str, Any]) -> dict[str, str]:
    """Both tables, by the name of their markers."""
    versions = [f"{PEERS[p]} {peers[p].get('version', '')}".strip() for p in PEERS]
    own = {e: own_rows(e) for e in ENGINES}
    rows = [
        [case, exact, *(own[e][case][1] for e in ENGINES)]
        + [shown(peers[p], case, "4") for p in PEERS]
        for case, (exact, _) in own["native"].items()
    ]
    head = ["case", "one by one", *(f"spikewatt, {e}" for e in ENGINES), *versions]
    splits = {e: own_splits(e) for e in ENGINES}
    keys = [*(size for size, _ in SPLITS), "shuffled"]
    order = [
        [label, *(splits[e][label] for e in ENGINES)]
        + [shown(peers[p], SINGLE, key) for p in PEERS]
        for label, key in zip(splits["native"], keys, strict=True)
    ]
    return {"cases": table(head, rows), "batches": table(["the four clips", *head[2:]], order)}


def written(text: str, parts: dict[str, str]) -> str:
    """The page with its tables replaced, between their markers."""
    for name, part in parts.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        before, rest = text.split(begin)
        text = before + begin + part + end + rest.split(end)[1]
    return text


def rows_of(text: str, name: str) -> list[list[str]]:
    """The cells of one of the page's tables, without its head."""
    part = text.split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->")[0]
    lines = part.strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def main() -> None:
    """Count everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers-python", type=Path, help="a Python that has the peers")
    given = parser.parse_args().peers_python
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python, reason = (given, "") if given else environment(folder)
        parts = tables(peer_counts(folder, python, reason))
    DOC.write_text(written(DOC.read_text(), parts))
    sys.stdout.write("\n".join(parts.values()))


if __name__ == "__main__":
    main()
