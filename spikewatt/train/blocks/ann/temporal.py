"""Convolution over frames, at one or several scales. Tensors are (N, C, F, V)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.errors import SpikewattError


@dataclass(frozen=True)
class Frames:
    """A kernel over frames: its taps, the step of the output, the distance of the taps."""

    kernel: int = 1
    stride: int = 1
    dilation: int = 1

    @property
    def padding(self) -> int:
        """Zeros on each side, so that stride 1 keeps the length."""
        return (self.kernel - 1) * self.dilation // 2


ONE_FRAME = Frames()


def frame_conv(channels_in: int, channels_out: int, frames: Frames = ONE_FRAME) -> nn.Conv2d:
    """A biased convolution over frames, started by fan-out for a ReLU behind it."""
    conv = nn.Conv2d(
        channels_in,
        channels_out,
        kernel_size=(frames.kernel, 1),
        stride=(frames.stride, 1),
        padding=(frames.padding, 0),
        dilation=(frames.dilation, 1),
    )
    nn.init.kaiming_normal_(conv.weight, mode="fan_out")
    nn.init.zeros_(conv.bias)
    return conv


class TemporalConv(nn.Module):
    """BN(conv over frames)."""

    def __init__(self, channels_in: int, channels_out: int, frames: Frames) -> None:
        super().__init__()
        self.conv = frame_conv(channels_in, channels_out, frames)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, ceil(F / stride), V)."""
        return self.norm(self.conv(x))


def residual(channels_in: int, channels_out: int, stride: int = 1) -> nn.Module:
    """The identity, or a normalised 1x1 convolution where the shape changes."""
    if channels_in == channels_out and stride == 1:
        return nn.Identity()
    return TemporalConv(channels_in, channels_out, Frames(stride=stride))


@dataclass(frozen=True)
class Scales:
    """The branches of a multi-scale temporal convolution, beside the max-pool and the 1x1 one."""

    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2)
    stride: int = 1

    def width(self, channels: int) -> int:
        """Channels of each branch; SpikewattError where they do not come out even."""
        branches = len(self.dilations) + 2
        if channels % branches:
            raise SpikewattError(
                f"A multi-scale convolution of {branches} branches cannot share {channels} "
                f"channels evenly. Choose dilations so that their number + 2 divides {channels}."
            )
        return channels // branches


class MultiScaleTemporal(nn.Module):
    """Dilated convolutions, a max-pool and a 1x1, each on its share of the channels, joined.

    MS-G3D (arXiv 2003.14111) has kernel 3 and dilations 1 to 4, CTR-GCN (arXiv 2107.12213)
    kernel 5 and dilations 1 and 2. No activation follows the last norm of a branch.
    """

    def __init__(self, channels_in: int, channels_out: int, options: Scales) -> None:
        super().__init__()
        share, stride = options.width(channels_out), options.stride
        convolved = [
            nn.Sequential(
                *self.squeeze(channels_in, share),
                TemporalConv(share, share, Frames(options.kernel, stride, dilation)),
            )
            for dilation in options.dilations
        ]
        pooled = nn.Sequential(
            *self.squeeze(channels_in, share),
            nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0)),
            nn.BatchNorm2d(share),
        )
        plain = TemporalConv(channels_in, share, Frames(stride=stride))
        self.branches = nn.ModuleList([*convolved, pooled, plain])

    @staticmethod
    def squeeze(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
        """1x1 convolution, norm and ReLU in front of a branch."""
        return TemporalConv(channels_in, channels_out, ONE_FRAME), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, F, V) -> (N, C out, ceil(F / stride), V)."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)
