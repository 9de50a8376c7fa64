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
        """Gain and shift (C, V) of both norms together, with their running statistics."""
        gain, shift = torch.ones(()), torch.zeros(())
        for norm in (self.clip_norm.norm, self.frame_norm):
            own = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
            gain, shift = gain * own, shift * own + norm.bias.detach() - norm.running_mean * own
        _, channels, joints = self.clip_norm.shape
        return gain.view(channels, joints), shift.view(channels, joints)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Clips as the first unit reads them."""
        y = self.clip_norm(x).transpose(2, 3)
        y = self.frame_norm(y.flatten(1, 2)).view(y.shape)
        if not self.min_max:
            return y
        low, high = y.amin(dim=2, keepdim=True), y.amax(dim=2, keepdim=True)
        return (y - low) / (high - low + RANGE_EPSILON)
