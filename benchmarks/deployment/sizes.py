"""How each network is made small, and what both sizes train on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from spikewatt.errors import SpikewattError
from spikewatt.train.models import Model
from spikewatt.train.models.connections import chip_options
from spikewatt.train.recipe import Augmentation, Recipe
from spikewatt.train.task import SkeletonTask

LOW = 0.25  # with the papers' threshold little fires after so few epochs
_GRAPHS = {
    "channels": (16, 16, 32),
    "strides": (1, 1, 2),
    "dropout": 0.0,
    "output_threshold": LOW,
}
_TOKENS = {"channels": 16, "depth": 1, "heads": 2, "threshold": 2 * LOW}
_FOUR_STAGES = {
    "threshold": LOW,
    "blocks": (1, 1, 1, 1),
    "channels": (8, 16, 16, 16),
    "strides": (4, 2, 2, 2),
    "head_dim": 8,
}

# changes of the options; a variant keeps what makes it one
SMALL: dict[str, dict[str, Any]] = {
    "svformer": _FOUR_STAGES,
    "svformer-ss": _FOUR_STAGES | {"blocks": (1, 1, 2, 1)},
    "svformer-st": _FOUR_STAGES | {"channels": (8, 8, 16, 32)},
    "svformer-dp": _FOUR_STAGES | {"blocks": (1, 2, 2, 1)},
    "svformer-wd": _FOUR_STAGES | {"channels": (8, 16, 32, 48)},
    "svformer-3stg": {
        "threshold": LOW,
        "blocks": (1, 2, 1),
        "channels": (8, 16, 16),
        "head_dim": 8,
    },
    "mk-sgn": _GRAPHS,
    "base-sgn": _GRAPHS,
    "signal-sgn": {"channels": (16, 16), "heads": 4, "levels": 2, "dropout": 0.0},
    "signal-sgn-loihi": {
        "channels": (16, 16),
        "voltage_decay": (0.5, 0.25),
        "heads": 4,
        "dropout": 0.0,
    },
    "signal-sgn-core": {"channels": (16, 16), "voltage_decay": (0.5, 0.25), "dropout": 0.0},
    "spikformer": _TOKENS,
    "sdt": _TOKENS,
}
SMALL_CLIPS = {"frames": 8, "size": 32}


@dataclass(frozen=True)
class Setup:
    """One network to deploy: full or small, and how long it trains on how many clips.

    clips: those that run in all engines.
    """

    entry: Model
    full: bool = False
    epochs: int = 3
    train_clips: int = 32
    clips: int = 2

    @property
    def key(self) -> str:
        """Its name in the JSON."""
        return f"{self.size}/{self.entry.name}"

    @property
    def size(self) -> str:
        """small or full."""
        return "full" if self.full else "small"

    @property
    def options(self) -> Any:
        """The network's options, without what has no integer form.

        SpikewattError where nobody made it small.
        """
        deployable, _ = chip_options(self.entry.options)
        if self.full:
            return deployable
        if self.entry.name not in SMALL:
            raise SpikewattError(f"no small configuration of {self.entry.name} in sizes.py")
        return replace(deployable, **SMALL[self.entry.name])

    @property
    def data(self) -> str:
        """The embedded data set that it reads."""
        return "synthetic" if isinstance(self.entry.table, SkeletonTask) else "synthetic-events"

    @property
    def recipe(self) -> Recipe:
        """Float epochs, one of fine-tuning; clips of the full size as the network's recipe has."""
        own = self.entry.recipe
        kept = {"frames": own.frames, "size": own.size} if self.full else SMALL_CLIPS
        return Recipe(
            modalities=("joint",),
            epochs=self.epochs,
            finetune_epochs=1,
            batch_size=min(8, self.train_clips),
            augment=Augmentation(crop_min=0.9),
            **kept,
        )
