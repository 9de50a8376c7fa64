"""Checkpoints: tensors and plain values only, loaded without running any code of the file."""

from __future__ import annotations

import io
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
FLOAT_ONLY = "float_only"  # entry of a record: why a network of these options has no integer form


@dataclass(frozen=True)
class Checkpoint:
    """A training run after some epoch.

    record: JSON-ready facts (model, data, classes, encoder, recipe, seed, results so far).
    epoch: epochs done, float and fine-tuning together. weights: of the network that trains now.
    float_weights, scales: what its quantised form was made from; None while the network is float.
    averaged: the moving average of weights, where the recipe has one. beside: weights and
    optimizer of what trains beside the network and is not part of it. seconds: that its epochs
    took, whatever else the machine did.
    """

    record: dict[str, Any]
    epoch: int
    weights: dict[str, torch.Tensor]
    float_weights: dict[str, torch.Tensor] | None
    scales: list[float] | None
    sample: torch.Tensor  # a few test stimuli in Lava's order, to check an export with
    optimizer: dict[str, Any] = field(default_factory=dict)
    averaged: dict[str, torch.Tensor] | None = None
    beside: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def deployed(self) -> dict[str, torch.Tensor]:
        """The weights to evaluate and to export."""
        return self.weights if self.averaged is None else self.averaged

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        recipe = self.record["recipe"]
        return int(recipe["epochs"] + recipe["finetune_epochs"])

    @property
    def finished(self) -> bool:
        """Whether the run is over, its last measurement included."""
        last = "float_accuracy" if self.scales is None else "quantised_accuracy"
        return self.epoch >= self.epochs and last in self.record


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
        "averaged": checkpoint.averaged,
        "beside": checkpoint.beside,
        "seconds": checkpoint.seconds,
    }
    packed = io.BytesIO()  # torch's own writer cannot say that a disk is full
    torch.save(content, packed)
    with whole_file(path) as beside:
        beside.write_bytes(packed.getvalue())


def clear_leftovers(path: Path) -> None:
    """Remove what runs that were killed while writing this checkpoint left beside it."""
    for beside in path.parent.glob(f".{path.name}.*.part"):
        beside.unlink(missing_ok=True)


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
        content.get("averaged"),
        content.get("beside", {}),
        content.get("seconds", 0.0),
    )
