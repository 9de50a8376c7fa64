"""Every network in a size that trains on a CPU in seconds: options, clips, recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from spikewatt.data.clips import AnyDataset
from spikewatt.data.datasets import load
from spikewatt.data.graph import NW_UCLA20
from spikewatt.train.job import Job
from spikewatt.train.models import MODELS, Model, model
from spikewatt.train.recipe import Augmentation, Recipe
from spikewatt.train.task import SkeletonTask, Task, VideoTask

SKELETONS = SkeletonTask(NW_UCLA20, classes=8, channels=3, frames=8)
VIDEO = VideoTask(classes=8, channels=2, height=32, width=32, frames=4)
LIMIT = 40  # of a clip's integers


@dataclass(frozen=True)
class Small:
    """changes: of the options. task: of the clips. fast: overfits in seconds. steps: enough to."""

    changes: dict[str, Any]
    task: Task = SKELETONS
    fast: bool = True
    steps: int = 60


_ANN = {"width": 8}
_SHORT = {"dropout": 0.0, "steps": 3, "output_threshold": 0.25}
_FOUR_STAGES = {
    "blocks": (1, 1, 1, 1),
    "channels": (8, 16, 16, 16),
    "strides": (4, 2, 2, 2),
    "head_dim": 8,
}
_THREE_STAGES = {"blocks": (1, 1, 1), "channels": (8, 16, 16), "head_dim": 8}
_TOKENS = {"channels": 16, "depth": 1, "heads": 2, "steps": 3}

SMALL: dict[str, Small] = {
    "svformer": Small(_FOUR_STAGES, VIDEO),
    # the variants' own blocks, or their own steps of channels
    "svformer-ss": Small({"channels": (8, 16, 16, 16), "head_dim": 8}, VIDEO, fast=False),
    "svformer-st": Small(_FOUR_STAGES | {"channels": (8, 8, 16, 32)}, VIDEO, fast=False),
    # the deepest, and narrow here: it takes longest
    "svformer-dp": Small(
        {"channels": (8, 16, 16, 16), "head_dim": 8}, VIDEO, fast=False, steps=200
    ),
    "svformer-wd": Small(_FOUR_STAGES | {"channels": (8, 16, 32, 48)}, VIDEO, fast=False),
    "svformer-3stg": Small(_THREE_STAGES, VIDEO),
    "mk-sgn": Small(_SHORT | {"channels": (16, 16, 32), "strides": (1, 1, 2)}),
    "base-sgn": Small(_SHORT | {"channels": (16, 16, 32), "strides": (1, 1, 2)}),
    "signal-sgn-core": Small({"channels": (16, 16), "voltage_decay": (0.5, 0.25), "dropout": 0.0}),
    "signal-sgn": Small({"channels": (16, 16), "heads": 4, "dropout": 0.0, "levels": 2}),
    "signal-sgn-loihi": Small(
        {"channels": (16, 16), "voltage_decay": (0.5, 0.25), "heads": 4, "dropout": 0.0}
    ),
    "spikformer": Small(_TOKENS),
    "sdt": Small(_TOKENS),
    "ctr-gcn": Small(_ANN),
    "2s-agcn": Small(_ANN),
    "ms-g3d": Small({"width": 12, "graph_scales": 3, "window_scales": 2}),
    "shift-gcn": Small(_ANN),
    "st-gcn": Small(_ANN | {"dropout": 0.0}),
    "small-st-gcn": Small(_ANN),
}


def small(name: str) -> Small:
    """How a model is made small; KeyError asks for an entry."""
    return SMALL[name]


def options(name: str) -> Any:
    """The model's options with the changes of `SMALL`."""
    return replace(model(name).options, **small(name).changes)


def build(name: str, task: Task | None = None, seed: int = 0) -> nn.Module:
    """The small network of a seed."""
    torch.manual_seed(seed)
    return model(name).build(task or small(name).task, options(name))


def clips(task: Task, samples: int, seed: int = 0) -> torch.Tensor:
    """Random clips of whole numbers; those of video are sparse, as events are."""
    rng = np.random.default_rng(seed)
    if isinstance(task, VideoTask):
        shape = (samples, task.channels, task.height, task.width, task.frames)
        found = rng.integers(0, 8, shape) * (rng.random(shape) < 0.3)
    else:
        shape = (samples, task.channels, task.skeleton.size, task.frames)
        found = rng.integers(-LIMIT, LIMIT + 1, shape)
    return torch.as_tensor(found, dtype=torch.float32)


def recipe(entry: Model, **changes: Any) -> Recipe:
    """One float epoch, and one of fine-tuning where the network has an integer form."""
    tiny = Recipe(
        modalities=("joint",),
        frames=small(entry.name).task.frames,
        size=32,
        epochs=1 if entry.deploys else 2,
        finetune_epochs=1 if entry.deploys else 0,
        batch_size=8,
        augment=Augmentation(crop_min=0.9),
    )
    return replace(tiny, **changes)


_DATA = {SkeletonTask: "synthetic", VideoTask: "synthetic-events"}


def data_of(name: str) -> str:
    """The embedded data set that the small network reads."""
    return _DATA[type(small(name).task)]


def slice_of(data: AnyDataset, train: int, test: int) -> AnyDataset:
    """So many clips from all over the data set."""
    pick = [part[:: len(part) // n][:n] for part, n in ((data.train, train), (data.test, test))]
    return replace(data, train=pick[0], test=pick[1])


@cache
def few_clips(kind: str) -> AnyDataset:
    """16 and 8 clips of an embedded data set."""
    return slice_of(load(kind, 0), 16, 8)


def job(name: str, out: Any, resume: bool = False, **changes: Any) -> Job:
    """A run of the small network on 16 clips of its data set."""
    entry, data = MODELS[name], few_clips(data_of(name))
    settings = recipe(entry, **changes)
    return Job(entry, data, data_of(name), settings, options(name), 3, out, "cpu", resume)
