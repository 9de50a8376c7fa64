"""Which source neurons reach which cores: the messages that a spike becomes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.layout import Layout
from spikewatt.expansion import expand
from spikewatt.network import Attention, Conv, Dense, Network, Projection, Shape, Sparse

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def reach(
    network: Network, p: Projection, source: Layout | None, target: Layout, role: int = 0
) -> Numbers:
    """Source neurons of each source core with a synapse on each target core.

    (source cores, target cores); a stored zero is a synapse. source None: the sources are no
    population on a core, and count as one. role: which of `p.sources` is meant; of attention,
    the neurons whose spikes a target core needs.
    """
    size = int(np.prod(network.shape_of(p.sources[role])))
    owner = np.zeros(size, dtype=np.int64) if source is None else source.owner
    cores = 1 if source is None else source.cores
    s = p.synapses
    if isinstance(s, Dense) or (isinstance(s, Conv) and not target.tiled):
        return np.repeat(np.bincount(owner, minlength=cores)[:, None], target.cores, axis=1)
    if isinstance(s, Conv):
        masks = _conv_masks(s, network.shape_of(p.source), target)
        columns = [np.bincount(owner, weights=m, minlength=cores) for m in masks]
        return np.stack(columns, axis=1).astype(np.int64)
    if isinstance(s, Attention):
        needed = _needed(s, network.shape_of(p.target), target, role)
        columns = [np.bincount(owner, weights=m, minlength=cores) for m in needed]
        return np.stack(columns, axis=1).astype(np.int64)
    listed = expand(s, network.shape_of(p.source), network.shape_of(p.target))
    assert isinstance(listed, Sparse)
    key = np.unique(listed.sources * np.int64(target.cores) + target.owner[listed.targets])
    where = owner[key // target.cores] * target.cores + key % target.cores
    return np.bincount(where, minlength=cores * target.cores).reshape(cores, target.cores)


def _needed(s: Attention, shape: Shape, target: Layout, role: int) -> list[Mask]:
    """For each target core: neurons of a source whose spikes its neurons need, flat.

    A target needs the queries of its token and head, the keys of its block and head, and of these
    the values of its own channel.
    """
    sizes = s.split(shape)
    block, token, head, channel = np.indices(sizes).reshape(4, -1)
    of_head = block * sizes[2] + head
    group = (of_head * sizes[1] + token, of_head, of_head * sizes[3] + channel)[role]
    return [np.isin(group, group[target.owner == core]) for core in range(target.cores)]


def _conv_masks(conv: Conv, source: Shape, target: Layout) -> list[Mask]:
    """For each target core: source neurons inside the field of any of its neurons, flat."""
    channels_out, kx, ky, per_group = conv.weight.shape
    size = channels_out // conv.groups
    masks = []
    for (x0, x1), (y0, y1), (c0, c1) in target.boxes:
        xs = _field(source[0], (x0, x1), (kx, conv.stride[0], conv.padding[0], conv.dilation[0]))
        ys = _field(source[1], (y0, y1), (ky, conv.stride[1], conv.padding[1], conv.dilation[1]))
        group = np.arange(source[2]) // per_group
        cs = (group >= c0 // size) & (group <= (c1 - 1) // size)
        masks.append((xs[:, None, None] & ys[None, :, None] & cs).reshape(-1))
    return masks


def _field(size: int, held: tuple[int, int], axis: tuple[int, int, int, int]) -> Mask:
    """Positions along one axis that the positions [start, stop) behind it look at."""
    kernel, stride, padding, dilation = axis
    taps = np.arange(*held)[:, None] * stride + np.arange(kernel) * dilation - padding
    inside = np.zeros(size, dtype=bool)
    inside[taps[(taps >= 0) & (taps < size)]] = True
    return inside
