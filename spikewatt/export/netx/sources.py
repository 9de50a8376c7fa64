"""Whose spikes a layer of a file receives: of one layer, or of several that a concat joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from spikewatt.export.netx.order import from_flattened, spread
from spikewatt.network import Dense, IntArray, Shape


@dataclass(frozen=True)
class Part:
    """The output of one layer with neurons, or of the input.

    port: it comes from outside. tensor: lava-dl holds it as (x, y, channel), so that a flatten
    layer reorders it; behind a dense layer it is flat already.
    """

    layer: int
    shape: Shape
    port: bool = False
    tensor: bool = False
    message_bits: int = 0
    flattened: bool = False

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    @property
    def image(self) -> bool:
        """Whether the next layer sees it as (x, y, channel)."""
        return self.tensor and not self.flattened and len(self.shape) == 3


@dataclass(frozen=True)
class Source:
    """What the next layer receives: one part, or the parts of a concat in their order."""

    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Number of neurons."""
        return sum(p.size for p in self.parts)

    @property
    def image(self) -> bool:
        """Whether all parts are images of one size, so that their channels are joined."""
        same = len({p.shape[:2] for p in self.parts}) == 1
        return same and all(p.image for p in self.parts)

    @property
    def shape(self) -> Shape:
        """Shape of the parts together, (n,) where they are no images."""
        if len(self.parts) == 1:
            return self.parts[0].shape
        if self.image:
            return (*self.parts[0].shape[:2], sum(p.shape[2] for p in self.parts))
        return (self.size,)

    def flatten(self) -> Source:
        """The same neurons behind a flatten layer."""
        return Source(tuple(replace(p, flattened=True) for p in self.parts))

    def joinable(self) -> bool:
        """Whether a concat has an order for its parts."""
        return self.image or not any(p.image and spread(p.shape) for p in self.parts)


def columns(dense: Dense, source: Source) -> Iterator[tuple[Part, Dense]]:
    """The columns of each part, in our order of its neurons."""
    start = 0
    for part in source.parts:
        stop = start + part.size if len(source.parts) > 1 else dense.weight.shape[1]
        block = slice(start, stop)
        delay = None if dense.delay is None else _ordered(dense.delay[:, block], part)
        yield part, Dense(_ordered(dense.weight[:, block], part), delay)
        start = stop


def _ordered(values: IntArray, part: Part) -> IntArray:
    if part.tensor and part.flattened and values.shape[1] == part.size:
        return from_flattened(values, part.shape)
    return np.ascontiguousarray(values)
