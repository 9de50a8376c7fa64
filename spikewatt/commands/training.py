"""train and export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spikewatt.data.datasets import load as load_dataset
from spikewatt.export import netx
from spikewatt.export.modules import from_slayer
from spikewatt.lava_door import require_lava
from spikewatt.lava_runtime.agreement import Reference, save_reference
from spikewatt.lava_runtime.engine import Progress
from spikewatt.network import Network
from spikewatt.train.loop import Job, restore, train
from spikewatt.train.models import Model
from spikewatt.train.models import model as model_named
from spikewatt.train.recipe import Recipe, settings_from_toml
from spikewatt.train.reference import slayer_spikes

FINETUNE_SHARE = 3  # fine-tuning takes at most one epoch in three


@dataclass(frozen=True)
class TrainJob:
    """The options of `train`; epochs are all epochs, fine-tuning included."""

    model: str
    data: str
    out: Path | None = None
    epochs: int | None = None
    device: str = "auto"
    seed: int = 0
    resume: bool = False
    config: Path | None = None


def settings_of(job: TrainJob, entry: Model) -> tuple[Recipe, Any]:
    """The model's recipe and options with the user's file and number of epochs."""
    recipe, options = entry.recipe, entry.options
    if job.config:
        recipe, options = settings_from_toml(job.config, recipe, options)
    if job.epochs is not None:
        fine = min(recipe.finetune_epochs, job.epochs // FINETUNE_SHARE)
        recipe = replace(recipe, epochs=job.epochs - fine, finetune_epochs=fine)
    return recipe, options


def job_of(job: TrainJob) -> Job:
    """What these options ask for, with the data read."""
    entry = model_named(job.model)
    recipe, options = settings_of(job, entry)
    dataset = load_dataset(job.data, job.seed)
    name = f"{job.model}-{dataset.name}-seed{job.seed}"
    out = job.out or Path("runs") / name
    return Job(entry, dataset, job.data, recipe, options, job.seed, out, job.device, job.resume)


def run_training(job: TrainJob, progress: Progress) -> Path:
    """Train; the path of the last checkpoint."""
    return train(job_of(job), progress)


def run_export(
    checkpoint: Path, out: Path, reference: Path | None, readout_sources: int | None = None
) -> tuple[Network, Any]:
    """Write the integer network of a checkpoint, and SLAYER's spikes on its sample clips.

    readout_sources: a read-out neuron with more becomes several. Returns the network and the
    writer's report. Raises SpikewattError where a reference is asked for and lava-dl cannot be
    used.
    """
    if reference is not None:
        require_lava("A reference of SLAYER's spikes", "Export without --reference.")
    module, record, sample = restore(checkpoint)
    facts = facts_of(record) | {"readout_sources": readout_sources}
    network = from_slayer(module, torch.as_tensor(sample[:1]), facts)
    report = netx.write(network, out)
    if reference is not None:
        save_reference(reference, slayer_reference(module, network, sample))
    return network, report


def facts_of(record: dict[str, Any]) -> dict[str, Any]:
    """What a network file keeps of its training."""
    kept = ("model", "options", "data", "seed", "recipe", "train_clips", "test_clips")
    results = ("float_accuracy", "quantised_accuracy")
    return {
        "classes": record["classes"],
        "encoder": record["encoder"],
        "message_bits": int(record["encoder"]["limit"]).bit_length(),
        "training": {key: record[key] for key in (*kept, *results) if key in record},
    }


def slayer_reference(
    module: torch.nn.Module, network: Network, sample: np.ndarray[Any, Any]
) -> Reference:
    """Spikes of every population and the read-out, by slayer's own neurons, on the sample."""
    spikes, readout, decision = slayer_spikes(module, sample)
    layers = network.populations[: len(spikes)]
    shaped = {
        p.layer: s.reshape(len(s), *p.shape, s.shape[-1])
        for p, s in zip(layers, spikes, strict=True)
    }
    return Reference(sample.astype(np.int32), shaped, readout, decision)
