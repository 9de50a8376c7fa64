"""Multi-scale wavelet transform fusion (MWTF) of Signal-SGN (arXiv 2408.01701).

Eight channels are the coefficients of Legendre polynomials, and a level joins two steps: scaling
s' = H0 s[2t] + H1 s[2t+1], detail d' = G0 s[2t] + G1 s[2t+1] (multiwavelets: Alpert, SIAM J.
Math. Anal. 24, 1993; as filters: Gupta et al., arXiv 2109.13459). Every level's s and d, brought
back to the clip's steps, attend to each other by masks, and the spikes of all levels are added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import legendre
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.train.blocks.mask_attention import MaskMixer
from spikewatt.train.blocks.pointwise import Pointwise
from spikewatt.train.blocks.spiking_layer import BuildNeuron, SpikingLayer
from spikewatt.train.neuron import CubaNeuron

Doubles = npt.NDArray[np.float64]
NARROW, NARROW_GROUPS = 64, 16  # channels on the way to the polynomials, groups of the first map
ENTRY_THRESHOLD = 0.5  # of the neurons that read coefficients, masks and the sum of levels


def _scaling(k: int, x: Doubles) -> Doubles:
    """Legendre polynomials 0 to k - 1, orthonormal on [0, 1], at the points x: (k, points)."""
    return legendre.legvander(2 * x - 1, k - 1).T * np.sqrt(2 * np.arange(k) + 1)[:, None]


def multiwavelet(k: int) -> Doubles:
    """Filters ((H0, H1), (G0, G1)) as one orthogonal matrix (2k, 2k).

    phi_i(x) = sqrt 2 sum over j of H0[i, j] phi_j(2x) + H1[i, j] phi_j(2x - 1). The wavelets are
    what Gram and Schmidt make of the phi_j(2x) on the left half, made orthogonal to all phi first.
    """
    points, weights = legendre.leggauss(k)  # exact for products of degree up to 2k - 1
    points, weights = (points + 1) / 2, weights / 2
    fine = _scaling(k, points) * weights
    halves = [_scaling(k, (points + side) / 2) @ fine.T / np.sqrt(2) for side in (0, 1)]
    rows = list(np.concatenate(halves, axis=1))
    for left in np.eye(k, 2 * k):
        for _ in range(2):  # twice: rounding of the first pass goes, too
            left = left - sum((left @ row) * row for row in rows)
            left = left / np.linalg.norm(left)
        rows.append(left)
    return np.stack(rows)


class Multiwavelet(nn.Module):
    """One level of the transform over steps, and its inverse. Fixed."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.register_buffer("filters", torch.as_tensor(multiwavelet(k), dtype=torch.float))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, k, V, 2 T) -> scaling and detail, (N, k, V, T) each."""
        pairs = torch.cat((x[..., ::2], x[..., 1::2]), dim=1)
        return torch.einsum("oi,nivt->novt", self.filters, pairs).chunk(2, dim=1)

    def inverse(self, scaling: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
        """(N, k, V, T) twice -> (N, k, V, 2 T)."""
        coefficients = torch.cat((scaling, detail), dim=1)
        pairs = torch.einsum("oi,novt->nivt", self.filters, coefficients)
        return torch.stack(pairs.chunk(2, dim=1), dim=-1).flatten(-2)


def stretching(steps: int, target: int) -> torch.Tensor:
    """Linear interpolation from steps to target, ends on ends: (target, steps)."""
    place = torch.linspace(0, steps - 1, target, dtype=torch.float64)
    distance = (place[:, None] - torch.arange(steps, dtype=torch.float64)).abs()
    return (1 - distance).clamp(min=0).float()


@dataclass(frozen=True)
class Waves:
    """k: polynomials. levels: of the transform, at most; a clip of T steps has log2 T."""

    k: int = 8
    levels: int = 3
    heads: int = 8
    mix_heads: bool = True


@dataclass(frozen=True)
class WaveNeurons:
    """Neurons that integrate without a leak, and those that leak."""

    integrating: BuildNeuron
    leaking: BuildNeuron


class CrossAttention(nn.Module):
    """mask = IF(sum over joints of k AND v), y = LIF(BN(1x1 (q AND mask))); q, k of x, v of y."""

    def __init__(self, channels: int, settings: Waves, neurons: WaveNeurons) -> None:
        super().__init__()
        build = neurons.integrating
        self.own_entry, self.other_entry = build(ENTRY_THRESHOLD), build(ENTRY_THRESHOLD)
        self.query, self.key, self.value = (
            SpikingLayer(Pointwise(settings.k, channels, bias=False), channels, build(1.0))
            for _ in range(3)
        )
        self.mixer = MaskMixer(settings.heads, build(ENTRY_THRESHOLD), settings.mix_heads)
        self.project = SpikingLayer(Pointwise(channels, channels), channels, neurons.leaking(1.0))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """(N, k, V, T) twice -> (N, C, V, T) spikes."""
        own, other = self.own_entry(x), self.other_entry(y)
        return self.project(self.mixer(self.query(own), self.key(own), self.value(other)))


class MultiwaveletFusion(nn.Module):
    """Features (N, C, V, T) -> spikes (N, C, V, T) that saw 2, 4, 8 steps at once."""

    def __init__(self, channels: int, settings: Waves, neurons: WaveNeurons) -> None:
        super().__init__()
        self.levels = settings.levels
        self.narrow = nn.Conv2d(channels, NARROW, 3, padding=1, groups=NARROW_GROUPS)
        self.polynomials = nn.Conv2d(NARROW, settings.k, 3, padding=1)
        self.norm = nn.BatchNorm2d(settings.k)
        self.mix = Pointwise(settings.k, settings.k)
        self.transform = Multiwavelet(settings.k)
        self.attention = CrossAttention(channels, settings, neurons)
        self.gain = nn.Parameter(torch.tensor(1.0))
        self.neuron = neurons.integrating(ENTRY_THRESHOLD)

    def coefficients(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> (N, k, V, T)."""
        return self.mix(self.norm(self.polynomials(self.narrow(x))))

    def stretched(self, x: torch.Tensor, steps: int) -> torch.Tensor:
        """(N, k, V, T') -> (N, k, V, steps)."""
        return x @ stretching(x.shape[-1], steps).T.to(x)

    def pyramid(self, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Detail and scaling of every level, (N, k, V, steps of x) each."""
        steps = x.shape[-1]
        depth = (steps - 1).bit_length()
        if not depth:
            raise SpikewattError("The wavelets need clips of 2 steps or more; found 1.")
        # a clip is filled up to a power of two with its own start
        scaling = torch.cat((x, x[..., : 2**depth - steps]), dim=-1)
        found = []
        for _ in range(min(self.levels, depth)):
            scaling, detail = self.transform(scaling)
            found.append((self.stretched(detail, steps), self.stretched(scaling, steps)))
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum over levels of both directions' attention, as spikes."""
        both = [
            self.gain * self.attention(*pair)
            for detail, scaling in self.pyramid(self.coefficients(x))
            for pair in ((detail, scaling), (scaling, detail))
        ]
        return self.neuron(sum(both))


class ReleasedFusion(MultiwaveletFusion):
    """The released code: it reinterprets memory where axes should change places.

    Three times values keep their order in memory and get other axes, which mixes joints, steps
    and polynomials. The attention's neurons go on from level to level with the state they have;
    no gradient flows through that state here.
    """

    def __init__(self, channels: int, settings: Waves, neurons: WaveNeurons) -> None:
        super().__init__(channels, settings, neurons)
        self.remembering = [m for m in self.attention.modules() if isinstance(m, CubaNeuron)]
        for neuron in self.remembering:
            neuron.persistent_state = True

    def coefficients(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, V, T) -> (N, k, V, T) with axes that do not mean what they should."""
        y = self.norm(self.polynomials(self.narrow(x)))
        n, k, v, t = y.shape
        z = self.mix(y.transpose(2, 3).reshape(n, k, v, t))
        return z.permute(0, 3, 2, 1).reshape(n, t, k, v).permute(0, 2, 3, 1)

    def stretched(self, x: torch.Tensor, steps: int) -> torch.Tensor:
        """(N, k, V, T') -> (N, k, V, steps); what is stretched is not time."""
        n, k, v, t = x.shape
        taken = x.permute(0, 3, 1, 2).reshape(n, k, v, t)
        return super().stretched(taken, steps).reshape(n, steps, k, v).permute(0, 2, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As in `MultiwaveletFusion`; every clip starts at rest."""
        for neuron in self.remembering:
            neuron.reset()
        return super().forward(x)


# by whether it is the released code's
FUSIONS: dict[bool, type[MultiwaveletFusion]] = {False: MultiwaveletFusion, True: ReleasedFusion}
