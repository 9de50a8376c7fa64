"""Everything that decides a training run, as one frozen record that travels with its results."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from spikewatt.errors import SpikewattError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training clip, all uniform within their bounds."""

    yaw: float = 1.0  # rotation about the vertical axis, radians either way
    tilt: float = 0.2  # about the horizontal axes, radians either way
    scale: float = 0.15  # relative size, either way
    noise: float = 0.01  # standard deviation, in mean bone lengths
    crop_min: float = 0.5  # shortest share of the frames kept
    mirror: float = 0.0  # probability of swapping left and right


@dataclass(frozen=True)
class Recipe:
    """One training run: the network's size, the schedule, the augmentation.

    channels and voltage_decay have one entry a unit. Float epochs come first, then
    `finetune_epochs` on the folded and quantised network; AdamW with a one-cycle schedule.
    """

    channels: tuple[int, ...] = (64, 128, 128, 256)
    voltage_decay: tuple[float, ...] = (0.5, 0.5, 0.25, 0.25)
    frames: int = 32
    epochs: int = 50
    finetune_epochs: int = 10
    batch_size: int = 32
    lr: float = 3e-3
    finetune_lr: float = 3e-4
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    dropout: float = 0.25
    grad_clip: float = 3.0
    align_view: bool = True
    augment: Augmentation = Augmentation()

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.voltage_decay) or not self.channels:
            raise SpikewattError(
                f"The recipe has {len(self.channels)} channels and {len(self.voltage_decay)} "
                "voltage_decay; it needs one of each per unit, and at least one unit."
            )
        if min(self.epochs, self.finetune_epochs) < 0 or min(self.batch_size, self.frames) < 1:
            raise SpikewattError(
                f"The recipe has epochs {self.epochs}, finetune_epochs {self.finetune_epochs}, "
                f"batch_size {self.batch_size}, frames {self.frames}; epochs are 0 or more, the "
                "others 1 or more."
            )

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `recipe_from_dict` makes the same recipe."""
        return asdict(self)


def recipe_from_dict(record: Mapping[str, Any], base: Recipe, subject: str) -> Recipe:
    """`base` with the record's entries; SpikewattError names unknown keys and wrong values."""
    changes = dict(record)
    if "augment" in changes:
        changes["augment"] = _changed(base.augment, changes["augment"], f"{subject}, augment")
    return _changed(base, changes, subject)


def _changed(base: Any, changes: Mapping[str, Any], subject: str) -> Any:
    known = {f.name: f for f in fields(base)}
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise SpikewattError(
            f"{subject}: unknown {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
        )
    values = {key: _like(getattr(base, key), v, f"{subject}, {key}") for key, v in changes.items()}
    return replace(base, **values)


def _like(default: Any, value: Any, subject: str) -> Any:
    """The value in the default's type; whole numbers pass as fractions, lists as tuples."""
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple):
            raise SpikewattError(f"{subject}: found {value!r}, expected a list like {default}.")
        return tuple(_like(default[0], v, subject) for v in value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise SpikewattError(
            f"{subject}: found {value!r}, expected {type(default).__name__} like {default!r}."
        )
    return value


def recipe_from_toml(path: Path, base: Recipe) -> Recipe:
    """`base` with the entries of a TOML file; SpikewattError where it cannot be read."""
    try:
        record = tomllib.loads(path.read_text())
    except OSError as error:
        raise SpikewattError(f"Recipe {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpikewattError(f"Recipe {path} is not TOML: {error}. Correct the file.") from error
    return recipe_from_dict(record, base, f"Recipe {path}")
