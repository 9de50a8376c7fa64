"""The first maps of a clip: patches of images, and joints with their neighbours."""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.coding import repeat_steps
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.residual import Parts


class PatchEmbedding(nn.Module):
    """SVFormer's PE: [PLIF ->] conv of kernel stride + 2, padding 1 -> norm.

    Patches overlap by a pixel on each side; a side of whole patches shrinks to side / stride.
    spikes: whether neurons stand in front, as in all stages but the first.
    """

    def __init__(
        self, channels: tuple[int, int], stride: int, parts: Parts, spikes: bool = True
    ) -> None:
        super().__init__()
        kernel = (stride + 2, stride + 2, 1)
        self.neuron = parts.neuron() if spikes else nn.Identity()
        self.conv = nn.Conv3d(*channels, kernel, stride=(stride, stride, 1), padding=(1, 1, 0))
        self.norm = parts.norm(channels[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, H, W, T) -> (N, C out, H / stride, W / stride, T)."""
        return self.norm(self.conv(self.neuron(x)))


class JointEmbedding(nn.Module):
    """Conv 3x3 over frames and joints -> norm, of a clip that is shown at each of `steps` steps."""

    def __init__(self, channels_in: int, channels_out: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.conv = nn.Conv3d(channels_in, channels_out, (3, 3, 1), padding=(1, 1, 0), bias=False)
        self.norm = StepNorm(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, F) -> (N, C out, F, V, steps)."""
        return self.norm(self.conv(repeat_steps(x.transpose(2, 3), self.steps)))
