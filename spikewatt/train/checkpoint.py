"""Checkpoints: tensors and plain values only, loaded without running any code of the file."""

from __future__ import annotations

import json
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from spikewatt.errors import SpikewattError
from spikewatt.files import whole_file

FORMAT = "spikewatt-checkpoint"
VERSION = 2


@dataclass(frozen=True)
class Checkpoint:
    """A training run after some epoch.

    record: JSON-ready facts (model, data, classes, encoder, recipe, seed, results so far).
    epoch: epochs done, float and fine-tuning together. weights: of the network that trains now.
    float_weights, scales: what its quantised form was made from; None while the network is float.
    """

    record: dict[str, Any]
    epoch: int
    weights: dict[str, torch.Tensor]
    float_weights: dict[str, torch.Tensor] | None
    scales: list[float] | None
    sample: torch.Tensor  # a few test stimuli in Lava's order, to check an export with
    optimizer: dict[str, Any] = field(default_factory=dict)


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file whole or not at all."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "record": json.dumps(checkpoint.record),
        "epoch": checkpoint.epoch,
        "weights": checkpoint.weights,
        "float_weights": checkpoint.float_weights,
        "scales": checkpoint.scales,
        "sample": checkpoint.sample,
        "optimizer": checkpoint.optimizer,
    }
    try:
        with whole_file(path) as beside:
            torch.save(content, beside)
    except RuntimeError as error:  # torch's zip writer, where the disk is full
        raise SpikewattError(f"Checkpoint {path} cannot be written: {error}.") from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; SpikewattError for anything that is none."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("not an archive of tensors")
            file.seek(0)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SpikewattError(f"Checkpoint {path} cannot be read: {error.strerror}.") from error
    except (RuntimeError, pickle.UnpicklingError, EOFError, LookupError, ValueError) as error:
        raise SpikewattError(
            f"{path} is not a checkpoint of `spikewatt train` (it does not open as tensors and "
            "plain values). Give the file that training wrote."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SpikewattError(
            f"{path} holds tensors, but not a checkpoint of `spikewatt train`. To deploy a "
            "network of another tool, use `spikewatt.from_slayer` or give its .net file."
        )
    if content["version"] != VERSION:
        raise SpikewattError(
            f"Checkpoint {path} has version {content['version']}, this spikewatt reads {VERSION}."
        )
    return Checkpoint(
        json.loads(content["record"]),
        content["epoch"],
        content["weights"],
        content["float_weights"],
        content["scales"],
        content["sample"],
        content["optimizer"],
    )
