"""What the registry knows of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.recipe import Recipe
from spikewatt.train.task import SkeletonTask, Task


def frames_are_steps(options: Any) -> int:
    """A frame is a step of the neurons."""
    return 0


def repeated(options: Any) -> int:
    """The whole clip is shown at each of the options' steps; frames are places."""
    return int(options.steps)


@dataclass(frozen=True)
class Model:
    """A network that can be trained.

    build: (task, options) -> float module; options: the model's switches with the paper's values.
    table: the configuration in which its parameters are listed. recipe: the paper's, where it
    gives one. repeat: options -> steps for which a whole clip is shown. deploys: it has an
    integer form.
    """

    name: str
    title: str
    source: str
    build: Callable[[Task, Any], nn.Module]
    options: Any
    table: Task
    recipe: Recipe
    spiking: bool = True
    deploys: bool = False
    repeat: Callable[[Any], int] = frames_are_steps

    def network(self, task: Task, options: Any) -> nn.Module:
        """The float network; SpikewattError for options of which torch makes none."""
        try:
            return self.build(task, options)
        except (ValueError, RuntimeError) as error:
            raise SpikewattError(
                f"Model {self.name} cannot be built with {options}: {error}. Correct the [model] "
                f"table of the recipe; `spikewatt models {self.name}` shows the paper's values."
            ) from error

    @property
    def reads(self) -> str:
        """What it is trained on."""
        return "skeletons" if isinstance(self.table, SkeletonTask) else "video or events"
