"""How many cores the neurons of each source core reach: `reach`, summed over the target's cores.

Cutting a network asks for no more than this, and it takes no array of cores times cores.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.layout import Layout
from spikewatt.energy.mapping.listed import by_target, pieces
from spikewatt.energy.mapping.reach import fields, groups, in_groups, in_runs, reach
from spikewatt.network import Attention, Conv, Network, Projection, Shape, Sparse

Numbers = npt.NDArray[np.int64]


def cores_reached(
    network: Network, p: Projection, source: Layout, target: Layout, role: int = 0
) -> Numbers:
    """Pairs of a source neuron and a target core, of each source core; arguments as of `reach`."""
    s = p.synapses
    if isinstance(s, Conv) and target.tiled:
        return _of_kernels(s, network.shape_of(p.source), source, target)
    if isinstance(s, Attention):
        return _of_attention(s, network.shape_of(p.target), (source, target), role)
    if isinstance(s, Sparse) and not target.tiled:
        return _of_list(s, source, target)
    return np.asarray(reach(network, p, source, target, role).sum(axis=1))


def _of_kernels(conv: Conv, shape: Shape, source: Layout, target: Layout) -> Numbers:
    """A neuron reaches so many tiles along x, times those along y, times runs of channels."""
    seen = tuple(axis.sum(axis=1, keepdims=True) for axis in fields(conv, shape, target))
    return in_runs(seen, source)[:, 0]  # type: ignore[arg-type]


def _of_attention(s: Attention, shape: Shape, ends: tuple[Layout, Layout], role: int) -> Numbers:
    group = groups(s, shape, role)
    held, needed = (in_groups(layout, group) for layout in ends)
    return np.asarray(held @ needed.getnnz(axis=0)).astype(np.int64)


def _of_list(s: Sparse, source: Layout, target: Layout) -> Numbers:
    listed = by_target(s)
    cores = np.zeros((s.repeats, s.block[1]), dtype=np.int32)  # that each source reaches
    if len(target.grid) == 2:  # every block alike
        for run in target.sides(1):
            cores[:, listed.sources(run)] += 1
    else:
        for box in target.boxes:
            for piece in pieces(box, s.block[0]):
                cores[slice(*piece.blocks), listed.sources(piece.targets)] += 1
    return np.bincount(source.owner, cores.reshape(-1), source.cores).astype(np.int64)
