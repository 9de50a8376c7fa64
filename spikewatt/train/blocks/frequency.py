"""Frequency spiking convolution (FSC) of Signal-SGN (arXiv 2408.01701): a DFT over the joints.

    s      = LIF(BN(conv over 3 joints of x))
    X      = DFT over joints of w * s, w one learned weight a joint
    R + iI = complex 1x1 of X:  R = c_r(Re X) - c_i(Im X),  I = c_r(Im X) + c_i(Re X)
    y      = LIF(BN(W_r LIF(R))) + LIF(BN(W_i LIF(I)))

c_r and c_i are a 1x1 and a norm each. Window, DFT and 1x1 are linear, so that R and I are one
map of all joints and channels to all of them; `FrequencyMix.merged` says which.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from spikewatt.errors import unknown_name
from spikewatt.train.blocks.norm import StepNorm
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer

Part = tuple[torch.Tensor, torch.Tensor]


def dft(joints: int) -> Part:
    """Real and imaginary part of F[v, u] = exp(-2 pi i v u / V), each (V, V), float32."""
    place = torch.arange(joints, dtype=torch.float64)
    # products modulo V keep the angles exact
    angle = 2 * math.pi / joints * (torch.outer(place, place) % joints)
    return torch.cos(angle).float(), -torch.sin(angle).float()


class NormedPointwise(nn.Module):
    """norm(W x + b)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.norm = Pointwise(channels, channels), StepNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> same."""
        return self.norm(self.conv(x))

    def folded(self) -> Part:
        """Weight (C, C) and bias (C,) of both together, from the running statistics."""
        gain = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
        shift = self.norm.bias - self.norm.running_mean * gain
        return gain[:, None] * self.conv.weight[..., 0], gain * self.conv.bias + shift


class FrequencyMix(nn.Module):
    """Window, DFT over joints and complex 1x1: (N, C, V, T) to R and I of this shape.

    window: the learned weights of the joints, else all are 1. complex_branch: without it R is
    c_r(Re X), and there is no I.
    """

    def __init__(
        self, channels: int, joints: int, window: bool = True, complex_branch: bool = True
    ) -> None:
        super().__init__()
        self.joints = joints
        self.window = nn.Parameter(torch.randn(joints)) if window else None
        self.real = NormedPointwise(channels)
        self.imaginary = NormedPointwise(channels) if complex_branch else None

    def spectrum(self, x: torch.Tensor) -> Part:
        """Real and imaginary part of the windowed DFT over joints, each as x."""
        windowed = x if self.window is None else x * self.window[:, None]
        found = torch.fft.fft(windowed, dim=2)
        return found.real, found.imag

    def real_part(self, x: torch.Tensor) -> torch.Tensor:
        """R alone, with norms that have not seen what I needs."""
        re, im = self.spectrum(x)
        return self.real(re) if self.imaginary is None else self.real(re) - self.imaginary(im)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """R and I; R alone without the complex branch."""
        if self.imaginary is None:
            return (self.real_part(x),)
        re, im = self.spectrum(x)
        # one call each: its norm has one statistic for what R and I take from it
        real_re, real_im = self.real(torch.cat((re, im))).chunk(2)
        imaginary_im, imaginary_re = self.imaginary(torch.cat((im, re))).chunk(2)
        return real_re - imaginary_im, real_im + imaginary_re

    @torch.no_grad()
    def merged(self) -> tuple[Part, ...]:
        """R and I in evaluation mode as y[o, v] = sum over i, u of M[v, u, o, i] x[i, u] + b[o]."""
        parts = dft(self.joints)
        re, im = parts if self.window is None else (p.to(self.window) * self.window for p in parts)
        weight_r, bias_r = self.real.folded()
        if self.imaginary is None:
            return ((_outer(re, weight_r), bias_r),)
        weight_i, bias_i = self.imaginary.folded()
        return (
            (_outer(re, weight_r) - _outer(im, weight_i), bias_r - bias_i),
            (_outer(im, weight_r) + _outer(re, weight_i), bias_r + bias_i),
        )


def _outer(joints: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
    return joints[:, :, None, None] * channels


@dataclass(frozen=True)
class Frequency:
    """How joints are mixed by frequency.

    branch: "complex"; "real" (R alone); "joined" (one population reads LIF(R) and LIF(I)); or
    "released", what the released code computes. width: channels between, 0 for those that leave.
    """

    joints: int
    branch: str = "complex"
    window: bool = True
    width: int = 0


class ComplexBranch(nn.Module):
    """LIF(BN(W_r LIF(R))) + LIF(BN(W_i LIF(I)))."""

    def __init__(self, sizes: tuple[int, int], settings: Frequency, neuron: BuildNeuron) -> None:
        super().__init__()
        self.mix = FrequencyMix(sizes[0], settings.joints, settings.window)
        self.real_neuron, self.imaginary_neuron = neuron(1.0), neuron(1.0)
        self.real = SpikingLayer(Pointwise(*sizes), sizes[1], neuron(1.0))
        self.imaginary = SpikingLayer(Pointwise(*sizes), sizes[1], neuron(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T)."""
        real, imaginary = self.mix(x)
        return self.real(self.real_neuron(real)) + self.imaginary(self.imaginary_neuron(imaginary))


class ReleasedBranch(ComplexBranch):
    """The released code: R stands for I as well, and both pass the same neurons.

    Its neurons keep their state between the two calls, so the second clip goes on where the
    first one ends: here one clip of twice the steps.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T)."""
        twice = [self.mix.real_part(x), self.mix.real_part(x)]
        first, second = self.real_neuron(torch.cat(twice, dim=-1)).chunk(2, dim=-1)
        currents = [
            layer.norm(layer.conv(spikes))
            for layer, spikes in ((self.real, first), (self.imaginary, second))
        ]
        return sum(self.real.neuron(torch.cat(currents, dim=-1)).chunk(2, dim=-1))


class RealBranch(nn.Module):
    """LIF(BN(W_r LIF(R))), R = c_r(Re X)."""

    def __init__(self, sizes: tuple[int, int], settings: Frequency, neuron: BuildNeuron) -> None:
        super().__init__()
        self.mix = FrequencyMix(sizes[0], settings.joints, settings.window, complex_branch=False)
        self.real_neuron = neuron(1.0)
        self.real = SpikingLayer(Pointwise(*sizes), sizes[1], neuron(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T)."""
        (real,) = self.mix(x)
        return self.real(self.real_neuron(real))


class JoinedBranch(nn.Module):
    """LIF(BN(W (LIF(R), LIF(I)))): bits instead of sums of two."""

    def __init__(self, sizes: tuple[int, int], settings: Frequency, neuron: BuildNeuron) -> None:
        super().__init__()
        self.mix = FrequencyMix(sizes[0], settings.joints, settings.window)
        self.real_neuron, self.imaginary_neuron = neuron(1.0), neuron(1.0)
        self.joined = SpikingLayer(Pointwise(2 * sizes[0], sizes[1]), sizes[1], neuron(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T)."""
        real, imaginary = self.mix(x)
        spikes = (self.real_neuron(real), self.imaginary_neuron(imaginary))
        return self.joined(torch.cat(spikes, dim=1))


BRANCHES: dict[str, Callable[[tuple[int, int], Frequency, BuildNeuron], nn.Module]] = {
    "complex": ComplexBranch,
    "real": RealBranch,
    "joined": JoinedBranch,
    "released": ReleasedBranch,
}


class FrequencyConv(nn.Module):
    """FSC: convolution over 3 neighbouring joints, then the branch in the frequency domain.

    Joints are neighbours by number. Raises SpikewattError for an unknown branch.
    """

    def __init__(
        self, channels_in: int, channels_out: int, settings: Frequency, neuron: BuildNeuron
    ) -> None:
        super().__init__()
        if settings.branch not in BRANCHES:
            raise unknown_name("branch", settings.branch, list(BRANCHES))
        width = settings.width or channels_out
        conv = nn.Conv2d(channels_in, width, (3, 1), padding=(1, 0), bias=False)
        self.entry = SpikingLayer(conv, width, neuron(1.0))
        self.branch = BRANCHES[settings.branch]((width, channels_out), settings, neuron)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, V, T) -> (N, C out, V, T) spikes, or sums of two."""
        return self.branch(self.entry(x))
