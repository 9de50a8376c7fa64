"""Trains, exports and executes every network that deploys, and writes docs/deployment.md.

    uv run python benchmarks/deployment/deployment_table.py [--only mk-sgn,sdt] [--full] [--out DIR]

What was found of each network stays in deployment.json beside the page, so that single networks
can be done again. Small configurations take seconds to a minute each on one core; --full takes
those of the papers, which need much memory and time. A network that fails says why in its row.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import deploying  # noqa: E402
import deployment_page  # noqa: E402
from sizes import Setup  # noqa: E402

from spikewatt.files import whole_file  # noqa: E402
from spikewatt.train.models import MODELS  # noqa: E402

DOCS = HERE.parents[1] / "docs"
PROFILE = "loihi2_derived"
DEPLOYABLE = [name for name, entry in MODELS.items() if entry.deploys]


def update(out: Path, setups: list[Setup]) -> str:
    """Do these networks, keep what is known of the others, and write both files after each."""
    found = _known(out / "deployment.json")
    text = ""
    for setup in setups:
        begun = perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            found[setup.key] = deploying.deployed(setup, Path(folder), PROFILE)
        sys.stderr.write(f"{setup.key}: {perf_counter() - begun:.0f} s\n")
        text = _write(out, found)
    return text or _write(out, found)


def _known(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())["networks"]) if path.exists() else {}


def _write(out: Path, found: dict[str, Any]) -> str:
    ordered = {k: found[k] for k in sorted(found, key=_place)}
    text = deployment_page.page(ordered, PROFILE)
    out.mkdir(parents=True, exist_ok=True)
    record = {"schema": 1, "profile": PROFILE, "networks": ordered}
    for name, content in (
        ("deployment.json", json.dumps(record, indent=1) + "\n"),
        ("deployment.md", text),
    ):
        with whole_file(out / name) as beside:
            beside.write_text(content, encoding="utf-8")
    return text


def _place(key: str) -> tuple[str, int]:
    """Sizes apart, networks in the registry's order; one that is gone comes last."""
    size, name = key.split("/")
    return size, [*MODELS, name].index(name)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(DEPLOYABLE), help="networks, by comma")
    parser.add_argument("--full", action="store_true", help="the papers' configurations")
    parser.add_argument("--epochs", type=int, default=3, help="float epochs")
    parser.add_argument("--train-clips", type=int, default=32, help="clips to train on")
    parser.add_argument("--clips", type=int, default=2, help="clips to execute")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of both files")
    given = parser.parse_args(arguments)
    names = given.only.split(",")
    unknown = [name for name in names if name not in DEPLOYABLE]
    if unknown:
        parser.error(f"{unknown[0]!r} does not deploy; these do: {', '.join(DEPLOYABLE)}")
    amounts = {"epochs": given.epochs, "train_clips": given.train_clips, "clips": given.clips}
    setups = [Setup(MODELS[name], given.full, **amounts) for name in names]
    sys.stdout.write(update(given.out, setups))


if __name__ == "__main__":
    main()
