"""Writes docs/results.md and its figures from the records in results/records/.

uv run python benchmarks/results/results_table.py [--results DIR] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

import doing  # noqa: E402
import results_page  # noqa: E402

from spikewatt.files import whole_file  # noqa: E402
from spikewatt.train.recipe import read_toml  # noqa: E402

FIGURE = "results-trade-off.svg"
Records = Sequence[Mapping[str, Any]]


def read_records(folder: Path) -> list[Mapping[str, Any]]:
    """The records of a folder, in the order of its campaign."""
    order = [plan.name for plan in doing.read_plans(folder)]
    files = sorted((folder / doing.RECORDS).glob("*.json"))
    records = [json.loads(file.read_text()) for file in files]
    return sorted(records, key=lambda r: (order.index(r["name"]), r["seed"]))


def write(folder: Path, out: Path) -> str:
    """The page, written with its figure."""
    records = read_records(folder)
    curve = [r for r in records if r["table"] == "trade-off"]
    if curve:
        _draw(curve, out / "figures" / FIGURE)
    claims = read_toml(folder / "claims.toml")
    text = results_page.page(records, claims, doing.PROFILE, FIGURE if curve else None)
    with whole_file(out / "results.md") as beside:
        beside.write_text(text, encoding="utf-8")
    return text


def _draw(records: Records, path: Path) -> None:
    """Deployed accuracy over synaptic events and over modelled energy."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {"svg.hashsalt": "spikewatt", "svg.fonttype": "none", "font.size": 9}
    path.parent.mkdir(parents=True, exist_ok=True)
    percent = [100 * r["deployed_accuracy"] for r in records]
    sides = {
        "synaptic events a clip, M": [
            r["totals"]["synaptic_events"] / r["samples"] / 1e6 for r in records
        ],
        "modelled energy a clip, mJ": [1e3 * r["modelled"]["dynamic_j"] for r in records],
    }
    with plt.rc_context(style):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
        for panel, (label, values) in zip(axes, sides.items(), strict=True):
            panel.plot(values, percent, "o", color="#0b6e4f")
            for record, x, y in zip(records, values, percent, strict=True):
                panel.annotate(
                    record["name"], (x, y), fontsize=7, xytext=(3, 3), textcoords="offset points"
                )
            panel.set(xlabel=label)
        axes[0].set_ylabel("deployed accuracy, %")
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"), help="plans and records")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page")
    given = parser.parse_args(arguments)
    sys.stdout.write(write(given.results, given.out))


if __name__ == "__main__":
    main()
