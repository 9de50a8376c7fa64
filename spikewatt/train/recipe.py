"""Everything that decides a training run, as one frozen record that travels with its results."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from spikewatt.data.modalities import check_modalities
from spikewatt.errors import SpikewattError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MIXED = "bf16-mixed"
PRECISIONS = ("32-true", MIXED)


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
class Distill:
    """Teachers of a student, none by default; the equations are in `train.distill.distillation`.

    teachers: checkpoints of float networks, of joint, bone, joint_motion and bone_motion in this
    order. teacher_weights: one for each. class_share, soft_share, inner_share: of the losses; 0
    leaves a loss out. Block student_blocks[i] of the student, from 1, learns from the teachers'
    block teacher_blocks[i], with block_shares[i].
    """

    teachers: tuple[str, ...] = ()
    teacher_weights: tuple[float, ...] = (0.6, 0.6, 0.4, 0.4)
    class_share: float = 1.0
    soft_share: float = 1.0
    inner_share: float = 1.0
    student_blocks: tuple[int, ...] = (3, 5)
    teacher_blocks: tuple[int, ...] = (5, 8)
    block_shares: tuple[float, ...] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not all(isinstance(t, str) for t in self.teachers):
            raise SpikewattError(f"The recipe's teachers are {self.teachers!r}; give paths.")
        if self.teachers and len(self.teachers) != len(self.teacher_weights):
            raise SpikewattError(
                f"The recipe has {len(self.teachers)} teachers and {len(self.teacher_weights)} "
                "teacher_weights; give one weight for each teacher."
            )
        if len({len(self.student_blocks), len(self.teacher_blocks), len(self.block_shares)}) > 1:
            raise SpikewattError(
                f"The recipe has student_blocks {self.student_blocks}, teacher_blocks "
                f"{self.teacher_blocks} and block_shares {self.block_shares}; give one of each "
                "for a pair of blocks."
            )


@dataclass(frozen=True)
class Events:
    """A price on the synaptic events of the integer network, none by default.

    The loss gets weight x the mean over clips of max(0, ln(events / target)), events: of a clip,
    all its steps together (`train.events`). In float epochs they are those of the float spikes,
    with the fan-outs that quantising would leave; in fine-tuning they are exact. start_epoch:
    epochs, fine-tuning included, before the price is asked; from the number of float epochs on it
    shapes fine-tuning only.
    """

    weight: float = 0.0
    target: float = 1.0
    start_epoch: int = 0

    def __post_init__(self) -> None:
        if self.weight < 0 or self.target < 1 or self.start_epoch < 0:
            raise SpikewattError(
                f"The recipe's [events] has weight {self.weight}, target {self.target}, "
                f"start_epoch {self.start_epoch}; the target is 1 event a clip or more, the "
                "others 0 or more."
            )


@dataclass(frozen=True)
class Recipe:
    """One training run: what enters, the schedule, the augmentation.

    Float epochs come first, then `finetune_epochs` on the folded and quantised network, which
    always take AdamW with a one-cycle schedule. optimizer: `adamw` or `sgd` (Nesterov). schedule:
    `one-cycle`, or `steps`: x 0.1 at each of the `milestones` (epochs). warm_up: epochs; 0 is the
    first tenth of a phase. finetune_lr: in the units of the chip's weights, which reach from -4 to
    4. size: height and width of video.

    ema: share of the averaged weights that a step keeps; those are evaluated and exported. 0 is
    no average. tensorboard: write scalars of every epoch to OUT/tensorboard. distill: teachers of
    the float phase; fine-tuning learns from the labels alone. events: their price.
    precision: of the float phase, 32-true or bf16-mixed (autocast); neurons compute in float32 all
    the same, and so does everything once it is quantised, so that what is exported stays exact.
    """

    modalities: tuple[str, ...] = ("joint", "bone", "joint_motion", "bone_motion")
    frames: int = 32
    persons: int = 1
    size: int = 64
    epochs: int = 50
    finetune_epochs: int = 10
    batch_size: int = 32
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    milestones: tuple[int, ...] = ()
    warm_up: int = 0
    lr: float = 3e-3
    finetune_lr: float = 1e-2
    momentum: float = 0.9
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    grad_clip: float = 3.0
    align_view: bool = True
    ema: float = 0.0
    tensorboard: bool = False
    augment: Augmentation = Augmentation()
    distill: Distill = Distill()
    events: Events = Events()
    precision: str = "32-true"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SpikewattError(
                f"The recipe has precision {self.precision!r}; it is {' or '.join(PRECISIONS)}. "
                "Shorter weights or states would not be those of the integers, and 16-mixed scales "
                "its losses by what no checkpoint keeps."
            )
        if min(self.epochs, self.finetune_epochs) < 0 or min(self.batch_size, self.frames) < 1:
            raise SpikewattError(
                f"The recipe has epochs {self.epochs}, finetune_epochs {self.finetune_epochs}, "
                f"batch_size {self.batch_size}, frames {self.frames}; epochs are 0 or more, the "
                "others 1 or more."
            )
        if not 0 <= self.ema < 1:
            raise SpikewattError(f"The recipe has ema {self.ema}; it is 0 or more, and below 1.")
        check_modalities(self.modalities)

    def to_dict(self) -> dict[str, Any]:
        """A record for JSON, from which `recipe_from_dict` makes the same recipe."""
        return asdict(self)


def recipe_from_dict(record: Mapping[str, Any], base: Recipe, subject: str) -> Recipe:
    """`base` with the record's entries; SpikewattError names unknown keys and wrong values."""
    return changed(base, record, subject)


def changed(base: Any, changes: Mapping[str, Any], subject: str) -> Any:
    """A frozen dataclass with these fields changed, nested ones too."""
    nested = {
        key: changed(getattr(base, key), value, f"{subject}, {key}")
        for key, value in changes.items()
        if is_dataclass(getattr(base, key, None)) and isinstance(value, Mapping)
    }
    plain = {key: value for key, value in changes.items() if key not in nested}
    return replace(_flat(base, plain, subject), **nested)


def _flat(base: Any, changes: Mapping[str, Any], subject: str) -> Any:
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
        return tuple(_like(default[0], v, subject) if default else v for v in value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise SpikewattError(
            f"{subject}: found {value!r}, expected {type(default).__name__} like {default!r}."
        )
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a recipe file; SpikewattError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise SpikewattError(f"Recipe {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpikewattError(f"Recipe {path} is not TOML: {error}. Correct the file.") from error


def settings_from_toml(path: Path, recipe: Recipe, options: Any) -> tuple[Recipe, Any]:
    """Recipe and model options with the entries of a TOML file, whose table [model] has options."""
    record = read_toml(path)
    switches = record.pop("model", {})
    if not isinstance(switches, Mapping):
        raise SpikewattError(f"Recipe {path}: [model] is a table of options; found {switches!r}.")
    subject = f"Recipe {path}"
    return changed(recipe, record, subject), changed(options, switches, f"{subject}, [model]")
