"""What a checkpoint says of its run, and whether another run is the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from spikewatt.data.encode import Encoder
from spikewatt.errors import SpikewattError
from spikewatt.train.job import Job
from spikewatt.train.recipe import Recipe

SAME = ("model", "data", "seed", "options", "classes")


def run_record(job: Job, encoder: Encoder, teachers: Sequence[str]) -> dict[str, Any]:
    """JSON-ready facts of a job; teachers: their names, which stand for their files."""
    distill = replace(job.recipe.distill, teachers=tuple(teachers))
    return {
        "model": job.model.name,
        "data": job.data_spec.partition(":")[0],
        "classes": list(job.dataset.classes),
        "encoder": encoder.to_dict(),
        "recipe": replace(job.recipe, distill=distill).to_dict(),
        "options": asdict(job.options),
        "seed": job.seed,
        "train_clips": len(job.dataset.train),
        "test_clips": len(job.dataset.test),
    }


def check_same_run(saved: dict[str, Any], wanted: dict[str, Any], path: Path) -> None:
    """Raise SpikewattError that names what differs between a checkpoint's run and this one."""
    pairs = {key: (saved[key], _plain(wanted[key])) for key in SAME}
    pairs["recipe"] = _deciding(saved["recipe"]), _deciding(_plain(wanted["recipe"]))
    for key, (found, expected) in pairs.items():
        if found != expected:
            raise SpikewattError(
                f"Checkpoint {path} has {key} {found!r}, this run {expected!r}. "
                "Resume with the same settings, or train into another folder."
            )


def _deciding(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe without what only watches; entries that an older one lacks have their defaults."""
    known = {**_plain(Recipe().to_dict()), **recipe}
    return {key: value for key, value in known.items() if key != "tensorboard"}


def _plain(value: Any) -> Any:
    """As JSON gives it back: tuples are lists."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
