"""Coordinates between 0 and 1: what Signal-SGN (arXiv 2408.01701) makes of its clips first."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.ann.layered import ClipNorm
from spikewatt.train.task import SkeletonTask

RANGE_EPSILON = 1e-8
LEVELS = 127  # of a coordinate that a host prepares for a chip: 0 to 127 for 0 to 1


class JointRange(nn.Module):
    """Norm of each person's coordinates, of all alike, then min-max over the joints.

    (N, M, C, V, F), or (N, C, V, F) where persons = 1, -> (N M, C, V, F) in [0, 1]: the joint
    with the smallest coordinate has 0, the one with the largest 1, in every frame. min_max: off
    leaves the second norm's output. Exported, the network starts behind this module: the host
    computes it, and sends round(127 y).
    """

    def __init__(self, task: SkeletonTask, min_max: bool = True) -> None:
        super().__init__()
        self.min_max = min_max
        self.clip_norm = ClipNorm(task)
        self.frame_norm = nn.BatchNorm1d(task.channels * task.skeleton.size)

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Gain and shift of both norms together, with their running statistics.

        (C, V) of one person, (M, C, V) of M.
        """
        shape = self.clip_norm.shape
        gain, shift = torch.ones(()), torch.zeros(())
        for norm in (self.clip_norm.norm, self.frame_norm):
            own = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
            bias = norm.bias.detach() - norm.running_mean * own
            own, bias = (v.view(-1, *shape[1:]) for v in (own, bias))
            gain, shift = gain * own, shift * own + bias
        return (gain[0], shift[0]) if shape[0] == 1 else (gain, shift)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Clips as the first unit reads them."""
        y = self.clip_norm(x).transpose(2, 3)
        y = self.frame_norm(y.flatten(1, 2)).view(y.shape)
        if not self.min_max:
            return y
        low, high = y.amin(dim=2, keepdim=True), y.amax(dim=2, keepdim=True)
        return (y - low) / (high - low + RANGE_EPSILON)
