"""What a model is made of in its table's configuration, counted on shapes alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from spikewatt.train.models.entry import Model
from spikewatt.train.models.kinds import parameters_by_kind
from spikewatt.train.models.macs import Counted, counted, parameters
from spikewatt.train.task import SkeletonTask, Task


@dataclass(frozen=True)
class Facts:
    """A model in its table's configuration.

    counts: of one clip with all its persons and steps. neurons: LIF neurons for one person (a
    chip holds one person's, and a clip of another person comes after it). steps: of the neurons'
    time, 0 without neurons.
    """

    parameters: int
    parameters_by_kind: dict[str, int]
    counts: Counted
    neurons: int
    steps: int
    persons: int


def facts(entry: Model) -> Facts:
    """Counts of the network that a model's table says."""
    net, persons = on_shapes(entry, entry.table), persons_of(entry.table)
    counts = counted(net, clip_shape(entry.table))
    alone = counts if persons == 1 or not entry.spiking else _of_one_person(entry)
    return Facts(
        parameters=parameters(net),
        parameters_by_kind=parameters_by_kind(net),
        counts=counts,
        neurons=alone.neurons,
        steps=steps_of(entry, entry.table),
        persons=persons,
    )


def on_shapes(entry: Model, task: Task) -> nn.Module:
    """The network without values, on the meta device."""
    with torch.device("meta"):
        return entry.build(task, entry.options)


def _of_one_person(entry: Model) -> Counted:
    task = replace(entry.table, persons=1)
    return counted(on_shapes(entry, task), clip_shape(task))


def clip_shape(task: Task) -> tuple[int, ...]:
    """Shape of a batch of one clip, as the network's forward takes it."""
    if not isinstance(task, SkeletonTask):
        return 1, task.channels, task.height, task.width, task.frames
    persons = (task.persons,) if task.persons > 1 else ()
    return 1, *persons, task.channels, task.skeleton.size, task.frames


def persons_of(task: Task) -> int:
    """Persons that a clip holds; a video counts as one."""
    return task.persons if isinstance(task, SkeletonTask) else 1


def steps_of(entry: Model, task: Task) -> int:
    """Steps of a clip: its frames, or how often it is shown; 0 for a network without spikes."""
    return (entry.repeat(entry.options) or task.frames) if entry.spiking else 0


def described(task: Task) -> dict[str, Any]:
    """The configuration in words."""
    if isinstance(task, SkeletonTask):
        clip = {"skeleton": task.skeleton.name, "joints": task.skeleton.size}
        return {**clip, "persons": task.persons, "channels": task.channels, "frames": task.frames}
    size = f"{task.height} x {task.width}"
    return {"image": size, "channels": task.channels, "frames": task.frames}
