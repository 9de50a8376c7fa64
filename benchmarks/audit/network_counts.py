"""Writes spikewatt/energy/audit/counts.toml: counts of the networks that the audit holds claims to.

uv run python benchmarks/audit/network_counts.py

The audit starts without torch, so what it needs of a network lies in this file;
tests/energy/audit/test_network_counts.py counts again and compares exactly.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.models import model
from spikewatt.train.models.facts import facts
from spikewatt.train.task import SkeletonTask, Task

FILE = Path(__file__).parents[2] / "spikewatt" / "energy" / "audit" / "counts.toml"
HEADER = """\
# Counts of networks, made by benchmarks/audit/network_counts.py from spikewatt.train.models (dense
# MACs of one clip, all its persons and steps, as train/models/macs.py counts them; on_values: those
# in front of the first neurons; neurons: LIF neurons of all persons). Do not edit.
"""
# 52 frames: NW-UCLA as CTR-GCN's published code prepares it
UCLA = SkeletonTask(NW_UCLA20, classes=10, frames=52)
OWN = ("st-gcn", "small-st-gcn", "2s-agcn", "shift-gcn", "ms-g3d", "ctr-gcn", "mk-sgn", "base-sgn")
ON_UCLA = ("shift-gcn", "ctr-gcn", "mk-sgn", "base-sgn", "spikformer", "sdt")
# name in the file -> network and clip; None: that of the network's table
CLIPS: dict[str, tuple[str, Task | None]] = {
    **{name: (name, None) for name in (*OWN, "svformer")},
    **{f"{name}-ucla": (name, UCLA) for name in ON_UCLA},
}


def counts_of(name: str, task: Task | None) -> dict[str, str | int]:
    """One network on one kind of clip."""
    entry = model(name)
    entry = entry if task is None else replace(entry, table=task)
    found = facts(entry)
    return {
        "network": name,
        "clip": clip(entry.table),
        "parameters": found.parameters,
        "macs": found.counts.macs,
        "on_values": found.counts.on_values if entry.spiking else 0,
        "steps": found.steps,
        "neurons": found.counts.neurons,
    }


def clip(task: Task) -> str:
    """The configuration in words."""
    if not isinstance(task, SkeletonTask):
        return f"{task.frames} images of {task.height} x {task.width}, {task.classes} classes"
    persons = f"{task.persons} person{'s' if task.persons > 1 else ''}"
    where = f"{task.skeleton.name}, {task.channels} channels"
    return f"{where}, {task.frames} frames, {persons}, {task.classes} classes"


def text() -> str:
    """The whole file."""
    parts = [HEADER]
    for name, (network, task) in CLIPS.items():
        entries = counts_of(network, task).items()
        lines = [f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in entries]
        parts.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
