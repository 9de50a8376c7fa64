"""Trains, exports and executes every network that deploys, and writes docs/deployment.md.

    uv run python benchmarks/deployment/deployment_table.py [--only mk-sgn,sdt] [--full] [--missing]

What was found of each network stays in deployment.json beside the page, so that single networks
can be done again, and an interrupted run goes on with --missing. Small configurations take seconds
to a minute each on one core. --full takes those of the papers, as they are initialised unless
--epochs says otherwise: minutes each, and up to 10 GB of memory. A network that fails says why.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import deploying  # noqa: E402
import deployment_page  # noqa: E402
from sizes import PROFILE, Setup  # noqa: E402

from spikewatt.files import whole_file  # noqa: E402
from spikewatt.train.models import MODELS, Model  # noqa: E402

DOCS = HERE.parents[1] / "docs"
FULL_AMOUNTS = {"epochs": 0, "train_clips": 2, "clips": 1, "lava_steps": 4}
DEPLOYABLE = [name for name, entry in MODELS.items() if entry.deploys]


def update(out: Path, setups: list[Setup]) -> str:
    """Do these networks, keep what is known of the others, and write both files after each."""
    found = _known(out / "deployment.json")
    text = ""
    for setup in setups:
        begun = perf_counter()
        found[setup.key] = _alone(setup)
        sys.stderr.write(f"{setup.key}: {perf_counter() - begun:.0f} s\n")
        text = _write(out, found)
    return text or _write(out, found)


def _alone(setup: Setup) -> dict[str, Any]:
    """In a process of its own, whose memory is this network's and nothing else's."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, spawn) as alone:
        try:
            return alone.submit(deploying.deployed, setup, Path(folder), PROFILE).result()
        except BrokenProcessPool:
            return {"unavailable": "its process was ended from outside, as for want of memory"}


def _known(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())["networks"]) if path.exists() else {}


def _write(out: Path, found: dict[str, Any]) -> str:
    ordered = {k: found[k] for k in sorted(found, key=_place)}
    out.mkdir(parents=True, exist_ok=True)
    record = {"schema": 1, "profile": PROFILE, "networks": ordered}
    _put(out / "deployment.json", json.dumps(record, indent=1) + "\n")
    text = deployment_page.page(ordered, PROFILE)
    _put(out / "deployment.md", text)
    return text


def _put(path: Path, content: str) -> None:
    with whole_file(path) as beside:
        beside.write_text(content, encoding="utf-8")


def _place(key: str) -> tuple[str, int]:
    """Sizes apart, networks in the registry's order; one that is gone comes last."""
    size, name = key.split("/")
    return size, [*MODELS, name].index(name)


def _setup(entry: Model, given: argparse.Namespace) -> Setup:
    """A network with the amounts that were given, or those of its size."""
    own = FULL_AMOUNTS if given.full else {}
    named = {name: getattr(given, name) for name in ("epochs", "train_clips", "clips")}
    chosen = {name: value for name, value in named.items() if value is not None}
    return Setup(entry, given.full, **{**own, **chosen}, lava_s=given.lava_s)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(DEPLOYABLE), help="networks, by comma")
    parser.add_argument("--full", action="store_true", help="the papers' configurations")
    parser.add_argument("--missing", action="store_true", help="only networks without a row")
    parser.add_argument("--epochs", type=int, help="float epochs; 12, with --full 0")
    parser.add_argument("--train-clips", type=int, help="clips to train on; 32, with --full 2")
    parser.add_argument("--clips", type=int, help="clips to execute; 2, with --full 1")
    parser.add_argument(
        "--lava-s", type=float, default=600.0, help="most seconds forecast for Lava"
    )
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of both files")
    given = parser.parse_args(arguments)
    names = given.only.split(",")
    unknown = [name for name in names if name not in DEPLOYABLE]
    if unknown:
        parser.error(f"{unknown[0]!r} does not deploy; these do: {', '.join(DEPLOYABLE)}")
    setups = [_setup(MODELS[name], given) for name in names]
    if given.missing:
        known = _known(given.out / "deployment.json")
        setups = [s for s in setups if "unavailable" in known.get(s.key, {"unavailable": ""})]
    sys.stdout.write(update(given.out, setups))


if __name__ == "__main__":
    main()
