"""How a population is cut into cores, and how the cut is made finer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import ceil, prod

import numpy as np
import numpy.typing as npt

from spikewatt.network import Dense, Network, Population, Shape, Sparse

Box = tuple[tuple[int, int], ...]  # [start, stop) along each axis


@dataclass(frozen=True)
class Layout:
    """Boxes of equal size over a grid; the last along an axis may be smaller.

    grid: the population's shape (x, y, channel) where kernels are shared, (blocks, neurons of a
    block) where blocks share lists, else (neurons,). box: sides of one core's box; a tile's x is
    a power of two, which may exceed the grid. channels: of a place, for blocks; a core holds
    whole places, or equal parts of one, so that no list is stored twice for a place that is cut.
    """

    layer: int
    grid: Shape
    box: Shape
    channels: int = 1

    @property
    def tiled(self) -> bool:
        """Whether boxes are tiles of positions; else runs of neurons, of one or more blocks."""
        return len(self.grid) == 3

    @cached_property
    def counts(self) -> Shape:
        """Boxes along each axis."""
        return tuple(ceil(n / b) for n, b in zip(self.grid, self.box, strict=True))

    @property
    def cores(self) -> int:
        """Number of boxes."""
        return prod(self.counts)

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes in C order, cut off at the grid's end."""
        return tuple(product(*(self.sides(axis) for axis in range(len(self.grid)))))

    def sides(self, axis: int) -> list[tuple[int, int]]:
        """[start, stop) of the boxes along an axis."""
        n, side = self.grid[axis], self.box[axis]
        return [(i, min(i + side, n)) for i in range(0, n, side)]

    @cached_property
    def owner(self) -> npt.NDArray[np.int64]:
        """The box that each neuron is in, (neurons,), flat C order."""
        along = [np.arange(n) // b for n, b in zip(self.grid, self.box, strict=True)]
        index = np.zeros(self.grid, dtype=np.int64)
        for axis, (where, count) in enumerate(zip(along, self.counts, strict=True)):
            shape = [1] * len(self.grid)
            shape[axis] = -1
            index = index * count + where.reshape(shape)
        return index.reshape(-1)

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Neurons of each box, (cores,)."""
        return np.array([self.neurons(box) for box in self.boxes], dtype=np.int64)

    def starts(self, axis: int) -> npt.NDArray[np.int64]:
        """Where boxes start along an axis."""
        return np.arange(0, self.grid[axis], self.box[axis])

    def neurons(self, box: Box) -> int:
        """Neurons of one box."""
        return prod(stop - start for start, stop in box)


def first_layout(network: Network, population: Population) -> Layout:
    """The whole population on one core, as the compiler begins.

    Shared kernels (and input populations with a shape) are cut into tiles of positions; blocks
    that share their lists, into runs of the neurons of some blocks; where any other synapse is
    listed, into runs of neurons.
    """
    kinds = [q.synapses for q in network.incoming(population.layer)]
    blocks = {s.repeats if isinstance(s, Sparse) else 1 for s in kinds}
    if len(blocks) == 1 and blocks != {1}:
        grid = (*blocks, population.size // min(blocks))
        channels = population.shape[2] if len(population.shape) == 3 else 1
        return Layout(population.layer, grid, grid, channels)
    listed = any(isinstance(s, Dense | Sparse) for s in kinds)
    shape = population.shape
    if len(shape) != 3 or listed:
        return Layout(population.layer, (population.size,), (population.size,))
    return Layout(population.layer, shape, (_power(shape[0]), *shape[1:]))


def _power(n: int) -> int:
    """The smallest power of two that is not below n."""
    return 1 << (n - 1).bit_length()


def cut_neurons(layout: Layout, ratio: int) -> Layout | None:
    """Fewer neurons a core: runs are divided by the ratio, tiles halved along x, then y.

    Of blocks there are fewer, then fewer neurons of each. None where a core holds a single neuron.
    """
    if not layout.tiled:
        return _divided(layout, 0, ratio) or _divided(layout, len(layout.grid) - 1, ratio)
    for axis in (0, 1):
        if layout.box[axis] > 1:
            return _with_side(layout, axis, _power(layout.box[axis]) // 2)
    return _divided(layout, 2, 2)


def cut_synapses(layout: Layout, ratio: int) -> Layout | None:
    """Fewer synapses a core: runs are divided; of tiles, only fewer channels help.

    Blocks share their synapses, so only fewer neurons of each help, and more blocks find place.
    """
    finer = _divided(layout, len(layout.grid) - 1, ratio)
    if finer is None or len(layout.grid) != 2:
        return finer
    blocks = layout.box[0] * (layout.box[1] // finer.box[1])
    return _with_side(finer, 0, min(blocks, layout.grid[0]))


def cut_axons(layout: Layout, ratio: int) -> Layout | None:
    """Fewer neurons that send to a core; of blocks, each has its own."""
    fewer_blocks = _divided(layout, 0, ratio) if len(layout.grid) == 2 else None
    return fewer_blocks or cut_synapses(layout, ratio)


def _divided(layout: Layout, axis: int, ratio: int) -> Layout | None:
    n, side = layout.grid[axis], layout.box[axis]
    if side == 1:
        return None
    parts = ceil(n / side) * ratio
    finer = min(ceil(n / parts), side - 1)
    of_block = len(layout.grid) == 2 and axis == 1
    return _with_side(layout, axis, _even(finer, layout.channels) if of_block else finer)


def _even(n: int, channels: int) -> int:
    """At most n neurons: whole places, or an equal part of a place's channels."""
    if n >= channels:
        return n - n % channels
    return next(part for part in range(n, 0, -1) if channels % part == 0)


def _with_side(layout: Layout, axis: int, side: int) -> Layout:
    box = list(layout.box)
    box[axis] = side
    return replace(layout, box=tuple(box))
