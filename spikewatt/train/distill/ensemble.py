"""The teachers: trained networks of one modality each, weighed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from spikewatt.errors import SpikewattError


class TeacherEnsemble(nn.Module):
    """logits = sum over teachers of weight x logits, frozen: in evaluation mode, no gradients.

    Teacher m reads the m-th of equally many channels of a clip, and has
    `forward(x, taps) -> (logits, {block: features})`.
    """

    def __init__(self, teachers: Sequence[nn.Module], weights: Sequence[float]) -> None:
        """Raises SpikewattError unless there is one weight a teacher, and a teacher."""
        super().__init__()
        if len(teachers) != len(weights) or not teachers:
            raise SpikewattError(
                f"{len(teachers)} teachers and {len(weights)} weights; give one weight for each "
                "teacher, and at least one teacher."
            )
        self.teachers = nn.ModuleList(teachers).requires_grad_(False)
        self.weights = tuple(weights)
        self.train(False)

    def train(self, mode: bool = True) -> TeacherEnsemble:
        """Teachers stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(
        self, x: torch.Tensor, taps: Sequence[int]
    ) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
        """Fused logits, and for each tap the teachers' channels one after the other.

        x: (N, C, V, F) or (N, M, C, V, F). Raises SpikewattError where C does not divide.
        """
        if x.shape[-3] % len(self.teachers):
            raise SpikewattError(
                f"{len(self.teachers)} teachers cannot share {x.shape[-3]} channels; give one "
                "modality for each teacher."
            )
        parts = x.chunk(len(self.teachers), dim=-3)
        pairs = zip(self.teachers, parts, strict=True)
        outputs = [net(part, taps) if taps else (net(part), {}) for net, part in pairs]
        fused = sum(w * logits for w, (logits, _) in zip(self.weights, outputs, strict=True))
        return fused, {tap: torch.cat([kept[tap] for _, kept in outputs], dim=1) for tap in taps}
