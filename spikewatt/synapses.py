"""Synapse types: how the weights of a projection are laid out.

Neurons are addressed by the C-order flat index of their Lava shape (x, y, channel). Kernels are
cross-correlations over x and y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int32]
Pair: TypeAlias = tuple[int, int]  # x, y


@dataclass(frozen=True, eq=False)
class Dense:
    """All-to-all synapses, (targets, sources), both in flat population order."""

    weight: IntArray
    delay: IntArray | None = None  # (targets, sources), steps beyond the one every projection takes


@dataclass(frozen=True, eq=False)
class Sparse:
    """Listed synapses: weight[k] from sources[k] to targets[k].

    A listed weight of 0 is a stored zero: a chip touches it, and it is no synaptic event.
    """

    targets: IntArray
    sources: IntArray
    weight: IntArray
    shape: Pair  # (targets, sources)
    dense_macs: int  # what papers count for this layer per step, zeros of the structure apart
    delay: IntArray | None = None


@dataclass(frozen=True, eq=False)
class Conv:
    """Shared kernels; a sum wraps at 24 bit, as Lava's Conv does."""

    weight: IntArray  # (channels out, kernel x, kernel y, channels in / groups)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, eq=False)
class ConvTranspose:
    """The adjoint of a convolution: source x reaches target x stride + i dilation - padding.

    weight: (channels out, kernel x, kernel y, channels in / groups). Lava has no process for it;
    sums are those of listed synapses, without a wrap.
    """

    weight: IntArray
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, eq=False)
class Pool:
    """One kernel (kernel x, kernel y) for every channel, as SLAYER's pool block."""

    weight: IntArray
    stride: Pair
    padding: Pair = (0, 0)  # before and after alike; sizes that do not divide: see `after`
    dilation: Pair = (1, 1)
    after: Pair = (0, 0)  # further padding at the far end


@dataclass(frozen=True, eq=False)
class Unpool:
    """One kernel (kernel x, kernel y) for every channel, as SLAYER's unpool: Pool's adjoint."""

    weight: IntArray
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)


Synapses: TypeAlias = Dense | Sparse | Conv | ConvTranspose | Pool | Unpool
