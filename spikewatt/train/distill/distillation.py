"""Distillation from four skeleton GCNs to MK-SGN (arXiv 2404.10210).

    L = g1 CE(student, y) + g2 |student - fused teachers|^2 + g3 sum over i of b_i (1 - cos_i)

cos_i is between a student's block and the translated features of the teachers' block: 3 with 5,
and 5 with 8. Student and translation have an optimiser each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.membrane import Membrane
from spikewatt.train.distill.ensemble import TeacherEnsemble
from spikewatt.train.distill.losses import cosine_distance, soft_distance
from spikewatt.train.distill.translation import FeatureTranslation
from spikewatt.train.recipe import Recipe
from spikewatt.train.schedule import optimizer


@dataclass(frozen=True)
class Match:
    """A student's block and the teachers' block it learns from, counted from 1.

    channels: of the student's block, and of one teacher's. share: b_i.
    """

    student: int
    teacher: int
    channels: int
    teacher_channels: int
    share: float = 1.0


@dataclass(frozen=True)
class Settings:
    """Weights of the teachers and of the losses, blocks that are matched.

    A share of 0 leaves its loss out (rows of the paper's ablation). The paper's shares are not
    known to us; these are 1. steps, membrane: of the translation's spikes, as the student's.
    """

    teacher_weights: tuple[float, ...] = (0.6, 0.6, 0.4, 0.4)  # joint, bone, and their motions
    class_share: float = 1.0
    soft_share: float = 1.0
    inner_share: float = 1.0
    matches: tuple[Match, ...] = (Match(3, 5, 128, 128), Match(5, 8, 256, 256))
    steps: int = 4
    membrane: Membrane = field(default_factory=Membrane)
    label_smoothing: float = 0.0  # of CE


class Distillation(nn.Module):
    """Student, frozen teachers and the translation between them; `losses` for a training loop.

    student: has `forward(x, taps) -> (logits, {block: spikes})` where blocks are matched. It reads
    the first `channels` of a clip's channels (by default its task's), the teachers all of them,
    one modality each. `forward(x)` is the student's.
    """

    def __init__(
        self,
        student: nn.Module,
        teachers: Sequence[nn.Module],
        settings: Settings,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        self.channels = student.task.channels if channels is None else channels
        self.student, self.settings = student, settings
        self.teachers = TeacherEnsemble(teachers, settings.teacher_weights)
        self.matches = settings.matches if settings.inner_share else ()
        self.translations = nn.ModuleDict(
            {str(m.student): self._translation(m, len(teachers)) for m in self.matches}
        )

    def _translation(self, match: Match, teachers: int) -> FeatureTranslation:
        settings = self.settings
        joined = teachers * match.teacher_channels
        return FeatureTranslation(joined, match.channels, settings.steps, settings.membrane.build)

    def _own(self, x: torch.Tensor) -> torch.Tensor:
        return x.narrow(-3, 0, self.channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The student's logits, (N, classes)."""
        return self.student(self._own(x))

    def losses(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        """`total`, and what it is made of: class, soft, inner_3, inner_5, before their shares.

        x: (N, C, V, F) or (N, M, C, V, F) clips, y: (N,) labels.
        """
        settings = self.settings
        logits, spikes = self._student(x)
        logits = logits.float()  # losses are, whatever the precision of the network
        smoothing = settings.label_smoothing
        found = {"class": nn.functional.cross_entropy(logits, y, label_smoothing=smoothing)}
        if settings.soft_share or self.matches:
            fused, features = self.teachers(x, [m.teacher for m in self.matches])
            if settings.soft_share:
                found["soft"] = soft_distance(logits, fused)
            for m in self.matches:
                found[f"inner_{m.student}"] = self._inner(m, spikes, features)
        return {"total": self._total(found), **found}

    def _student(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
        taps = [m.student for m in self.matches]
        return self.student(self._own(x), taps=taps) if taps else (self(x), {})

    def _inner(self, match: Match, spikes, features) -> torch.Tensor:
        wanted = self.translations[str(match.student)](features[match.teacher])
        own = spikes[match.student]
        if own.shape != wanted.shape:
            raise SpikewattError(
                f"Block {match.student} of the student has spikes {tuple(own.shape)}, the "
                f"teachers' block {match.teacher} translates to {tuple(wanted.shape)}. Give "
                "Settings the student's channels and steps, and teachers of as many frames."
            )
        return cosine_distance(own, wanted)

    def _total(self, found: dict[str, torch.Tensor]) -> torch.Tensor:
        s = self.settings
        shares = {"class": s.class_share, "soft": s.soft_share}
        shares |= {f"inner_{m.student}": s.inner_share * m.share for m in self.matches}
        return sum(shares[name] * loss for name, loss in found.items())

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """What each optimiser trains: student, and translation (empty without inner losses)."""
        parts = {"student": self.student, "translation": self.translations}
        return {
            name: [p for p in part.parameters() if p.requires_grad] for name, part in parts.items()
        }

    def optimizers(self, recipe: Recipe) -> list[torch.optim.Optimizer]:
        """One optimiser of the recipe for each group that has parameters."""
        return [optimizer(group, recipe) for group in self.groups().values() if group]
