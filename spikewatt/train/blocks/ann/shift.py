"""Shifts in place of convolutions: channels move to other joints, or to other frames."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from spikewatt.data.graph import Skeleton
from spikewatt.errors import unknown_name


def _everywhere(skeleton: Skeleton, channels: int, direction: int) -> torch.Tensor:
    joint, channel = torch.arange(skeleton.size), torch.arange(channels)[:, None]
    return (joint + direction * channel) % skeleton.size


def _neighbours(skeleton: Skeleton, channels: int, direction: int) -> torch.Tensor:
    """Equal shares of the channels from the joint and from each neighbour; the rest stays."""
    source = torch.arange(skeleton.size).repeat(channels, 1)
    reached = skeleton.partitions().sum(axis=0) > 0
    for joint in range(skeleton.size):
        others = [s for s in range(skeleton.size) if reached[joint, s] and s != joint]
        share = channels // (len(others) + 1)
        for place, other in enumerate(others, start=1):
            source[place * share : (place + 1) * share, joint] = other
    return source


def _stay(skeleton: Skeleton, channels: int, direction: int) -> torch.Tensor:
    return torch.arange(skeleton.size).repeat(channels, 1)


# joint that channel c of joint v is taken from, (C, V); direction +1 on the way in, -1 back
JOINT_SHIFTS: dict[str, Callable[[Skeleton, int, int], torch.Tensor]] = {
    "non-local": _everywhere,
    "local": _neighbours,
    "none": _stay,
}


class JointShift(nn.Module):
    """y[c, v] = x[c, source(c, v)]; non-local: source = (v + direction c) mod V.

    Shift-GCN's shift graph operations. Raises SpikewattError for another kind.
    """

    def __init__(self, skeleton: Skeleton, channels: int, kind: str, direction: int) -> None:
        super().__init__()
        if kind not in JOINT_SHIFTS:
            raise unknown_name("joint shift", kind, list(JOINT_SHIFTS))
        source = JOINT_SHIFTS[kind](skeleton, channels, direction)
        rows = torch.arange(channels)[:, None] * skeleton.size
        self.register_buffer("index", (rows + source).flatten())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, F, V) -> (N, C, F, V)."""
        n, c, f, v = x.shape
        rows = x.transpose(2, 3).reshape(n, c * v, f)
        # index_select, whose gradient adds in a fixed order
        return rows.index_select(1, self.index).view(n, c, v, f).transpose(2, 3)


class SignStep(torch.autograd.Function):
    """The identity, with a gradient of fixed size: sign(g) times a step."""

    @staticmethod
    def forward(ctx, position, step):
        ctx.step = step
        return position.view_as(position)

    @staticmethod
    def backward(ctx, grad):
        return grad.sign() * ctx.step, None


def take(x: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """y[c, i] = x[c, place[c, i]], 0 outside: (N, C, L, R), (C, I) -> (N, C, I, R)."""
    n, c, length, rest = x.shape
    rows = F.pad(x, (0, 0, 1, 1)).reshape(n, c * (length + 2), rest)
    within = place.clamp(-1, length) + 1
    index = torch.arange(c, device=x.device)[:, None] * (length + 2) + within
    return rows.index_select(1, index.flatten()).view(n, c, -1, rest)


def interpolate(x: torch.Tensor, shift: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """y[c, i] = x[c, i stride + shift_c], linear between places: (N, C, L, R) -> (N, C, L', R)."""
    below = shift.detach().floor()
    part = (shift - below)[:, None, None]
    place = torch.arange(0, x.shape[2], stride, device=x.device) + below.long()[:, None]
    return (1 - part) * take(x, place) + part * take(x, place + 1)


class PlaneShift(nn.Module):
    """Each channel moves by a learned, fractional number of frames; zeros come in at the ends.

    Shift-GCN's adaptive temporal shift. Starts uniformly in [-1, 1] frames; with a stride, half
    a frame is added. step: the gradient of a shift is its sign times this (0.01 in the authors'
    implementation); None is the true gradient. over_joints: the authors' layer is a shift in the
    plane, and holds a shift along the joints too, one a channel, that starts at 0 and whose
    gradient is set to 0; it counts as parameters, and never moves.
    """

    def __init__(
        self, channels: int, stride: int = 1, step: float | None = 0.01, over_joints: bool = True
    ) -> None:
        super().__init__()
        self.stride, self.step = stride, step
        self.frames = nn.Parameter(torch.empty(channels).uniform_(-1, 1))
        self.joints = nn.Parameter(torch.zeros(channels)) if over_joints else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, F, V) -> (N, C, ceil(F / stride), V)."""
        shift = self.frames if self.step is None else SignStep.apply(self.frames, self.step)
        y = interpolate(x, shift + (0.5 if self.stride > 1 else 0.0), self.stride)
        if self.joints is None:
            return y
        still = SignStep.apply(self.joints, 0.0)
        return interpolate(y.transpose(2, 3), still).transpose(2, 3)


class FixedShift(nn.Module):
    """Shift-GCN's naive temporal shift: equal shares of channels by -reach ... reach frames."""

    def __init__(self, channels: int, stride: int = 1, reach: int = 1) -> None:
        super().__init__()
        self.stride = stride
        share = torch.arange(channels) * (2 * reach + 1) // channels
        self.register_buffer("frames", share - reach)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, F, V) -> (N, C, ceil(F / stride), V)."""
        place = torch.arange(0, x.shape[2], self.stride, device=x.device)
        return take(x, place + self.frames[:, None])
