"""Spiking temporal convolution (STC) of MK-SGN, arXiv 2404.10210: frames are a spatial axis.

Tensors are (N, C, F, V, S), S steps.
"""

from __future__ import annotations

import torch
from torch import nn

from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer


def frame_conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Conv3d:
    """A convolution over `kernel` frames that keeps ceil(F / stride) of them; kernel is odd."""
    return nn.Conv3d(
        channels_in,
        channels_out,
        kernel_size=(kernel, 1, 1),
        stride=(stride, 1, 1),
        padding=(kernel // 2, 0, 0),
    )


def spiking_residual(
    channels_in: int, channels_out: int, stride: int, neuron: BuildNeuron
) -> nn.Module:
    """The identity, or LIF(BN(1x1 with stride)) where channels or frames change."""
    if channels_in == channels_out and stride == 1:
        return nn.Identity()
    conv = frame_conv(channels_in, channels_out, kernel=1, stride=stride)
    return SpikingLayer(conv, channels_out, neuron(1.0))


class SpikingTemporalConv(nn.Module):
    """y = LIF(BN(conv over frames of x)) + residual(around): whole numbers of spikes."""

    def __init__(
        self,
        channels: tuple[int, int],
        neuron: BuildNeuron,
        kernel: int = 5,
        stride: int = 1,
    ) -> None:
        """channels: of `around`, and of x and y."""
        super().__init__()
        around, own = channels
        conv = frame_conv(own, own, kernel, stride)
        self.layer = SpikingLayer(conv, own, neuron(1.0))
        self.residual = spiking_residual(around, own, stride, neuron)

    def forward(self, x: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
        """(N, C, F, V, S), (N, C around, F, V, S) -> (N, C, ceil(F / stride), V, S)."""
        return self.layer(x) + self.residual(around)
