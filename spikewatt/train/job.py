"""What a training run is asked for, and what it makes of the data before it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from spikewatt.data.clips import AnyDataset
from spikewatt.data.encode import Encoder
from spikewatt.train.batches import TrainingClips, training_clips
from spikewatt.train.devices import require_cuda
from spikewatt.train.distill import modalities_of
from spikewatt.train.inputs import fitted_encoder, to_clips
from spikewatt.train.models import Model
from spikewatt.train.recipe import Recipe

SAMPLE_CLIPS = 16  # test clips that travel with a checkpoint


@dataclass(frozen=True)
class Job:
    """One training run. data_spec is what the user wrote; resume goes on from out/last.ckpt."""

    model: Model
    dataset: AnyDataset
    data_spec: str
    recipe: Recipe
    options: Any
    seed: int
    out: Path
    device: str = "auto"
    resume: bool = False

    @property
    def accelerator(self) -> str:
        """cpu or cuda; `auto` is the GPU where there is one, SpikewattError where there is none."""
        if self.device == "cuda":
            require_cuda()
        there = torch.cuda.is_available()
        return ("cuda" if there else "cpu") if self.device == "auto" else self.device


@dataclass(frozen=True)
class Material:
    """Clips of a run, encoded.

    encoder: of what the network reads. seen: of the training clips, which with teachers have the
    teachers' modalities, too.
    """

    encoder: Encoder
    seen: Encoder
    training: TrainingClips
    test: torch.Tensor
    test_labels: torch.Tensor


def material(job: Job) -> Material:
    """The clips that a job trains on and is tested with."""
    encoder = fitted_encoder(job.dataset, job.recipe, job.model.repeat(job.options))
    seen = _seen(job, encoder)
    return Material(
        encoder,
        seen,
        training_clips(job.dataset, seen, job.recipe),
        to_clips(encoder.encode_all(job.dataset.test), encoder),
        torch.tensor([c.label for c in job.dataset.test]),
    )


def sample_of(job: Job, encoder: Encoder) -> torch.Tensor:
    """Test stimuli that travel with a checkpoint, in Lava's order."""
    test = job.dataset.test
    return torch.as_tensor(encoder.encode_all(test[:: max(1, len(test) // SAMPLE_CLIPS)]))


def _seen(job: Job, encoder: Encoder) -> Encoder:
    recipe = job.recipe
    if not recipe.distill.teachers:
        return encoder
    wanted = modalities_of(recipe.distill, recipe.modalities)
    return fitted_encoder(job.dataset, replace(recipe, modalities=wanted))
