"""A distillation from a recipe: the matched blocks' sizes are found by showing a clip of zeros."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from spikewatt.data.encode import Encoder
from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.membrane import Membrane
from spikewatt.train.blocks.spiking_frame import COORDINATES
from spikewatt.train.distill.distillation import Distillation, Match, Settings
from spikewatt.train.distill.teachers import Teacher, load_teachers
from spikewatt.train.recipe import Distill, Recipe


def distillation(
    student: nn.Module, teachers: Sequence[Teacher], recipe: Recipe, shape: tuple[int, ...]
) -> Distillation:
    """Student and teachers by the recipe's [distill]; shape: of a clip (C, V, F), or (M, C, V, F).

    C: the teachers' channels, of which the student reads its own, the first ones. Raises
    SpikewattError for a network whose blocks cannot be seen or are of another size.
    """
    d, channels = recipe.distill, COORDINATES * len(recipe.modalities)
    settings = Settings(
        teacher_weights=d.teacher_weights,
        class_share=d.class_share,
        soft_share=d.soft_share,
        inner_share=d.inner_share,
        matches=(),
        membrane=_membrane(student),
        label_smoothing=recipe.label_smoothing,
    )
    if d.inner_share and d.student_blocks:
        clip = torch.zeros(1, *shape)
        own = _seen(student, clip.narrow(-3, 0, channels), d.student_blocks, "The student")
        sizes = _teachers_sizes(teachers, clip, d.teacher_blocks)
        steps = own[d.student_blocks[0]].shape[-1]
        settings = replace(settings, matches=_matches(d, own, sizes), steps=steps)
    return Distillation(student, [t.net for t in teachers], settings, channels)


def from_recipe(
    student: nn.Module, recipe: Recipe, encoder: Encoder, classes: Sequence[str]
) -> tuple[Distillation, list[str]]:
    """The recipe's distillation and its teachers' names; encoder: of the teachers' clips."""
    teachers = load_teachers(recipe.distill, encoder, classes)
    shape = (encoder.channels, encoder.skeleton.size, encoder.frames)
    shape = (encoder.persons, *shape) if encoder.persons > 1 else shape
    return distillation(student, teachers, recipe, shape), [t.name for t in teachers]


def _matches(
    d: Distill, own: dict[int, torch.Tensor], teachers_sizes: list[int]
) -> tuple[Match, ...]:
    pairs = zip(d.student_blocks, d.teacher_blocks, teachers_sizes, d.block_shares, strict=True)
    return tuple(Match(s, t, own[s].shape[1], size, share) for s, t, size, share in pairs)


def _membrane(student: nn.Module) -> Membrane:
    options = getattr(student, "options", None)
    return options.membrane() if hasattr(options, "membrane") else Membrane()


def _teachers_sizes(
    teachers: Sequence[Teacher], clip: torch.Tensor, blocks: Sequence[int]
) -> list[int]:
    """Channels of these blocks, which are the same in all teachers."""
    parts = clip.chunk(len(teachers), dim=-3)
    sizes = []
    for teacher, part in zip(teachers, parts, strict=True):
        seen = _seen(teacher.net, part, blocks, f"Teacher {teacher.path}")
        sizes.append([seen[block].shape[1] for block in blocks])
    _check_equal(teachers, sizes)
    return sizes[0]


@torch.no_grad()
def _seen(
    net: nn.Module, clip: torch.Tensor, blocks: Sequence[int], subject: str
) -> dict[int, torch.Tensor]:
    """Outputs of blocks; SpikewattError that names the network where they cannot be had."""
    if "taps" not in inspect.signature(net.forward).parameters:
        raise SpikewattError(
            f"{subject} is a {type(net).__name__}, whose blocks cannot be matched. Set "
            "inner_share = 0 in [distill], or take another network."
        )
    try:
        return net.eval()(clip, taps=tuple(blocks))[1]
    except SpikewattError as error:
        raise SpikewattError(f"{subject} cannot be matched: {error}") from error


def _check_equal(teachers: Sequence[Teacher], sizes: Sequence[list[int]]) -> None:
    for teacher, found in zip(teachers, sizes, strict=True):
        if found != sizes[0]:
            raise SpikewattError(
                f"Teacher {teacher.path} has {found} channels in the matched blocks, teacher "
                f"{teachers[0].path} {sizes[0]}. Take teachers of the same sizes."
            )
