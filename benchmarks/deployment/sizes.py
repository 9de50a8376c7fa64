"""How each network is made small, and what both sizes train on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from spikewatt.data.modalities import MODALITIES
from spikewatt.errors import SpikewattError
from spikewatt.train.models import Model
from spikewatt.train.models.connections import chip_options
from spikewatt.train.recipe import Augmentation, Recipe
from spikewatt.train.task import SkeletonTask

PROFILE = "loihi2_derived"
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
EVENTS_SIZE = 128  # of the networks for an event camera, at most
SMALL_CLIPS = {"frames": 8, "size": 32}


@dataclass(frozen=True)
class Setup:
    """One network to deploy: full or small, and how long it trains on how many clips.

    epochs: float ones; 0 is a network as it is initialised. clips: those that run in all engines.
    lava_steps: of each clip in Lava, at most. lava_s: forecast seconds from which Lava is left out.
    """

    entry: Model
    full: bool = False
    epochs: int = 12
    train_clips: int = 32
    clips: int = 2
    lava_steps: int = 8
    lava_s: float = 600.0

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
        if hasattr(deployable, "waves"):  # they have no synapses, but a stage of the host
            deployable = replace(deployable, waves=self.entry.options.waves)
        if self.full:
            return deployable
        if self.entry.name not in SMALL:
            raise SpikewattError(f"no small configuration of {self.entry.name} in sizes.py")
        return replace(deployable, **SMALL[self.entry.name])

    @property
    def data(self) -> str:
        """The embedded data set that it reads."""
        if isinstance(self.entry.table, SkeletonTask):
            return "synthetic"
        of_video = self.full and self.entry.table.height > EVENTS_SIZE
        return "synthetic-video" if of_video else "synthetic-events"

    @property
    def modalities(self) -> tuple[str, ...]:
        """Of a full one as many as its table has channels for."""
        table = self.entry.table
        if not self.full or not isinstance(table, SkeletonTask):
            return ("joint",)
        return tuple(MODALITIES)[: table.channels // 3]

    @property
    def recipe(self) -> Recipe:
        """Float epochs, one of fine-tuning; clips of the full size as the network's recipe has."""
        own = self.entry.recipe
        kept = {"frames": own.frames, "size": own.size} if self.full else SMALL_CLIPS
        return Recipe(
            modalities=self.modalities,
            epochs=self.epochs,
            finetune_epochs=1,
            batch_size=min(8, self.train_clips),
            augment=Augmentation(crop_min=0.9),
            **kept,
        )
