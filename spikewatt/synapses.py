"""Synapse types: how the weights of a projection are laid out.

Neurons are addressed by the C-order flat index of their Lava shape (x, y, channel). Kernels are
cross-correlations over x and y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
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
    # what papers count per step where the layer is no matrix to them; None: all weights
    macs: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, eq=False)
class Sparse:
    """Listed synapses: weight[k] from sources[k] to targets[k].

    A listed weight of 0 is a stored zero: a chip touches it, and it is no synaptic event.

    With `repeats` the list is that of one block: so many blocks follow each other in the flat
    order of targets and of sources and share the listed weights and delays, as a graph
    convolution does over frames (populations (frames, joints, channels)). Indices count within a
    block; `shape` and `dense_macs` are those of the whole projection.
    """

    targets: IntArray
    sources: IntArray
    weight: IntArray
    shape: Pair  # (targets, sources)
    dense_macs: int  # what papers count for this layer per step, zeros of the structure apart
    delay: IntArray | None = None
    repeats: int = field(default=1, kw_only=True)

    @property
    def block(self) -> Pair:
        """Targets and sources of one block."""
        return self.shape[0] // self.repeats, self.shape[1] // self.repeats


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


@dataclass(frozen=True, eq=False)
class Attention:
    """Attention without a softmax: each step's spikes of queries, keys and values multiplied.

    The projection's source sends the queries, the layers `keys` and `values` the others; these
    and the target have one shape (x, y, channel). Channels are heads x D, the x * y places are
    `blocks` groups of N tokens that attend among themselves. The target's place n, head h,
    channel d receives

        weight * sum_{m, e} q[n, h, e] k[m, h, e] v[m, h, d]        m over the tokens of its block

    of spikes of one step, a step later (and `Projection.delay`). tokens_first: the order in which
    a target works it out, and so the events: (Q K^T) V, else Q (K^T V); the sums are equal.

    Nothing is stored but the weight, so there are no synapses and no fan-out:
    `energy.events.attention_events` counts. A chip needs microcode for it. Source: Zhou et al.,
    Spikformer (ICLR 2023); its scale is the weight here.
    """

    weight: IntArray  # (1,)
    heads: int
    keys: int
    values: int
    blocks: int = 1
    tokens_first: bool = False

    def split(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """(blocks, tokens, heads, D): the flat neurons of a shape (x, y, channel) as four axes."""
        tokens = prod(shape[:2]) // self.blocks
        return self.blocks, tokens, self.heads, shape[2] // self.heads


Synapses: TypeAlias = Dense | Sparse | Conv | ConvTranspose | Pool | Unpool | Attention
