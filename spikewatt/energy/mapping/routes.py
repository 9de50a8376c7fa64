"""Hops of messages over a chip's mesh of tiles, and the load of each link.

Cores fill tiles in order, tiles fill rows. A message goes along x first, then along y.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.limits import Mesh
from spikewatt.energy.mapping.load import Load, Stream

Floats = npt.NDArray[np.float64]
Tile = tuple[int, int]
Link = tuple[int, Tile, Tile]  # chip, from, to


@dataclass(frozen=True, eq=False)
class Routes:
    """Hops over all samples and steps, and messages over each link, (samples, steps) each.

    between_chips: messages that leave their chip; their way is not modelled.
    """

    hops_ew: int
    hops_ns: int
    links: dict[Link, Floats]
    between_chips: int


def routes(load: Load, mesh: Mesh, cores_per_chip: int) -> Routes:
    """Routes of all messages between cores; what comes from outside the chip takes no hop."""
    links: dict[Link, Floats] = {}
    ew = ns = crossing = 0.0
    for stream in load.streams:
        spikes = float(stream.spikes.sum())
        for source, target, paths in _pairs(stream):
            if source // cores_per_chip != target // cores_per_chip:
                crossing += spikes * paths
                continue
            a, b = (_tile(i % cores_per_chip, mesh) for i in (source, target))
            ew += spikes * paths * abs(a[0] - b[0])
            ns += spikes * paths * abs(a[1] - b[1])
            for start, stop in _way(a, b):
                link = (source // cores_per_chip, start, stop)
                links[link] = links.get(link, np.zeros(stream.spikes.shape))
                links[link] += paths * stream.spikes
    return Routes(round(ew), round(ns), links, round(crossing))


def _pairs(stream: Stream) -> Iterator[tuple[int, int, float]]:
    """Source core, target core, messages of a spike, for all that send any."""
    if stream.source_first is None:
        return
    for i, j in np.argwhere(stream.paths > 0):
        yield stream.source_first + int(i), stream.target_first + int(j), float(stream.paths[i, j])


def _tile(core: int, mesh: Mesh) -> Tile:
    tile = core // mesh.cores_per_tile
    return tile % mesh.width, tile // mesh.width


def _way(a: Tile, b: Tile) -> Iterator[tuple[Tile, Tile]]:
    """Links from tile a to tile b."""
    x, y = a
    while (x, y) != b:
        step = (x + (1 if b[0] > x else -1), y) if x != b[0] else (x, y + (1 if b[1] > y else -1))
        yield (x, y), step
        x, y = step
