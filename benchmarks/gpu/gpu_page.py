"""docs/gpu.md from docs/gpu.json, which gpu_table.py wrote on a machine with a GPU.

uv run python benchmarks/gpu/gpu_page.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
TITLE = """# On a GPU

Made by `python benchmarks/gpu/gpu_table.py` on a machine with a GPU, nvcc and slayer, and
`benchmarks/gpu/gpu_page.py`. {device}, torch {torch}, triton {triton}, Python {python}.
"""
NEURON = """## The neuron beside slayer's CUDA kernels

Milliseconds of forward and backward of one population on the same currents (samples x channels ...
x steps), by the GPU's clock over twenty passes that follow each other, host included. `ratio` is to
ours, taken within a round. "a copy" writes the tensor once.
"""
AGREEMENT = """slayer's CUDA kernels cut the threshold, 1 + 0.01 / 4096, to whole 4096ths: a
voltage that meets 1 exactly is reset without a spike. slayer's CPU code, Lava and the chip fire and
reset above the threshold only, as we do ([lava-dl-pitfalls.md](lava-dl-pitfalls.md)).
"""
TRAINING = """## Training steps

Milliseconds of a training step (batch, forward, backward, optimiser, average) of the networks of
`results/recipes/large-*.toml`, with our neuron and with slayer's in its place.
"""
JOULES = """## Joules

`spikewatt bench zoo/signal-sgn-core-nw-ucla.net --backend torch --ann ctr-gcn --device cuda
--measure gpu`, {samples} clips at once: NVML's counter of the whole board, idle subtracted, mean
and standard error of five repetitions; total: with what the board draws at rest in the same time.
"""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _neuron(found: Mapping[str, Any]) -> list[str]:
    parts = [NEURON]
    for shape, entry in found.items():
        rows = [[n, f"{c['ms']:.3f}", f"{c['ratio']:.2f}"] for n, c in entry["timing"].items()]
        parts += [f"**{shape}**\n", _table(["", "ms", "ratio"], rows)]
    keys = list(next(iter(found.values()))["agreement"])
    rows = [
        [
            k.replace("_", " "),
            *(
                f"{e['agreement'][k]:.3g}"
                if isinstance(e["agreement"][k], float)
                else str(e["agreement"][k])
                for e in found.values()
            ),
        ]
        for k in keys
    ]
    return [*parts, _table(["agreement", *found], rows), AGREEMENT]


def _training(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [name, str(e["parameters"]), str(e["frames"]), str(e["batch"])]
        + [f"{e[k]:.1f}" for k in ("ours_ms", "slayer_ms")]
        + [f"{e['ratio']:.2f}"]
        if "failed" not in e
        else [name, *["-"] * 5, e["failed"]]
        for name, e in found.items()
    ]
    head = ["network", "parameters", "frames", "batch", "ours, ms", "slayer's, ms", "ratio"]
    return [TRAINING, _table(head, rows)]


def _joules(found: Mapping[str, Any]) -> list[str]:
    rows = []
    for m in found["medians"]:
        e = m["energy"]["measured"]
        cell = f"{1e3 * e['joules']:.1f} +- {1e3 * e['error_j']:.1f}"
        rate = f"{m['samples_per_s']['median']:.0f}"
        rows.append([m["backend"], cell, f"{1e3 * e['total_j']:.0f}", rate])
    head = ["on the GPU", "dynamic, mJ a clip", "total, mJ a clip", "clips a second"]
    return [JOULES.format(samples=found["medians"][0]["samples"]), _table(head, rows)]


SECTIONS = {"neuron": _neuron, "training": _training, "joules": _joules}


def page(found: Mapping[str, Any]) -> str:
    """The page; a part that failed says why."""
    parts = [TITLE.format(**found["where"])]
    if "first_use_s" in found:
        parts.append(
            f"First use of our neuron in a process, Triton's compiler included: "
            f"{found['first_use_s']:.1f} s. slayer's kernels compile in "
            f"{found['slayer_compile_s']:.0f} s.\n"
        )
    for name, write in SECTIONS.items():
        entry = found.get(name)
        if entry is None:
            continue
        if "failed" in entry:
            parts.append(f"## {name.capitalize()}\n\nFailed: {entry['failed']}\n")
            continue
        parts += write(entry)
        parts += [f"{note}\n" for note in found.get("notes", {}).get(name, ())]
    return "\n".join(parts)


def main() -> None:
    """The command."""
    found = json.loads((DOCS / "gpu.json").read_text(encoding="utf-8"))
    (DOCS / "gpu.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
