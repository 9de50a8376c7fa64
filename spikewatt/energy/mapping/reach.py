"""Which source neurons reach which cores: the messages that a spike becomes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from spikewatt.energy.mapping.layout import Layout
from spikewatt.energy.mapping.listed import by_target, pieces
from spikewatt.expansion import expand
from spikewatt.network import Attention, Conv, Dense, Network, Projection, Shape, Sparse

Numbers = npt.NDArray[np.int64]
Fields = tuple[Numbers, Numbers, Numbers]  # along x, y, channels: (size, columns) each


def reach(
    network: Network, p: Projection, source: Layout | None, target: Layout, role: int = 0
) -> Numbers:
    """Source neurons of each source core with a synapse on each target core.

    (source cores, target cores); a stored zero is a synapse. source None: the sources are no
    population on a core, and count as one. role: which of `p.sources` is meant; of attention,
    the neurons whose spikes a target core needs.
    """
    shape = network.shape_of(p.sources[role])
    size = int(np.prod(shape))
    source = source or Layout(p.sources[role], (size,), (size,))
    s = p.synapses
    if isinstance(s, Dense) or (isinstance(s, Conv) and not target.tiled):
        return np.repeat(source.sizes[:, None], target.cores, axis=1)
    if isinstance(s, Conv):
        return _of_kernels(s, shape, source, target)
    if isinstance(s, Attention):
        return _of_attention(s, network.shape_of(p.target), (source, target), role)
    if isinstance(s, Sparse) and not target.tiled:
        return _of_list(s, source, target)
    listed = expand(s, shape, network.shape_of(p.target))
    assert isinstance(listed, Sparse)
    key = np.unique(listed.sources * np.int64(target.cores) + target.owner[listed.targets])
    where = source.owner[key // target.cores] * target.cores + key % target.cores
    return np.bincount(where, minlength=source.cores * target.cores).reshape(source.cores, -1)


def _of_list(s: Sparse, source: Layout, target: Layout) -> Numbers:
    """Of each piece of a target core, its sources in the blocks that it holds."""
    found = np.zeros((source.cores, target.cores), dtype=np.int64)
    listed, owner = by_target(s), source.owner.reshape(s.repeats, -1)
    for core, box in enumerate(target.boxes):
        for piece in pieces(box, s.block[0]):
            sources = listed.sources(piece.targets)
            if source.cores == 1:
                found[0, core] += piece.count * sources.size
            else:
                of = owner[slice(*piece.blocks)][:, sources].reshape(-1)
                found[:, core] += np.bincount(of, minlength=source.cores)
    return found


def _of_attention(s: Attention, shape: Shape, ends: tuple[Layout, Layout], role: int) -> Numbers:
    """Neurons in groups that a target core needs as a whole."""
    group = groups(s, shape, role)
    held, needed = (in_groups(layout, group) for layout in ends)
    needed.data[:] = 1
    return np.asarray((held @ needed.T).toarray())


def groups(s: Attention, shape: Shape, role: int) -> npt.NDArray[np.int32]:
    """The group of each neuron, flat: a target needs the role's neurons of its own group.

    These are the queries of its token and head, the keys of its block and head, and of these the
    values of its own channel.
    """
    sizes = s.split(shape)
    block, token, head, channel = np.indices(sizes, dtype=np.int32).reshape(4, -1)
    of_head = block * sizes[2] + head
    found = (of_head * sizes[1] + token, of_head, of_head * sizes[3] + channel)
    return np.asarray(found[role])


def in_groups(layout: Layout, group: npt.NDArray[np.int32]) -> csr_matrix:
    """Neurons of each core in each group, (cores, groups)."""
    ones = np.ones(group.size, dtype=np.int64)
    return csr_matrix((ones, (layout.owner, group)), shape=(layout.cores, int(group.max()) + 1))


def _of_kernels(conv: Conv, shape: Shape, source: Layout, target: Layout) -> Numbers:
    """Source neurons inside the field of any neuron of a target core.

    A field is a product of positions along x, y and channels, so nothing is listed.
    """
    where = np.unravel_index(np.arange(target.cores), target.counts)
    each = (axis[:, w] for axis, w in zip(fields(conv, shape, target), where, strict=True))
    return in_runs(tuple(each), source)  # type: ignore[arg-type]


def in_runs(axes: Fields, source: Layout) -> Numbers:
    """Sums of products of three axes' numbers over each core's neurons, (cores, columns)."""
    if source.tiled:
        x, y, c = (np.add.reduceat(axis, source.starts(k), axis=0) for k, axis in enumerate(axes))
        product = x[:, None, None] * y[None, :, None] * c[None, None, :]
        return np.asarray(product.reshape(source.cores, -1))
    blocks = source.grid[0] if len(source.grid) == 2 else 1
    size = source.grid[-1]
    starts = np.append(source.starts(len(source.grid) - 1), size)
    before = _before(axes, np.arange(blocks)[:, None] * size + starts)
    runs = np.diff(before, axis=1)  # (blocks, runs of a block, columns)
    if len(source.grid) == 2:
        runs = np.add.reduceat(runs, source.starts(0), axis=0)
    return np.asarray(runs.reshape(source.cores, -1))


def _before(axes: Fields, flat: Numbers) -> Numbers:
    """The sums over all neurons that come before these places in flat order."""
    sizes = [len(axis) for axis in axes]
    x, rest = np.divmod(flat, sizes[1] * sizes[2])
    y, c = np.divmod(rest, sizes[2])
    below = [np.concatenate([0 * a[:1], np.cumsum(a, axis=0)]) for a in axes]
    here = [np.concatenate([a, 0 * a[:1]]) for a in axes]
    per_y = below[2][-1]
    per_x = below[1][-1] * per_y
    in_row = below[1][y] * per_y + here[1][y] * below[2][c]
    return np.asarray(below[0][x] * per_x + here[0][x] * in_row)


def fields(conv: Conv, source: Shape, target: Layout) -> Fields:
    """1 where the targets of a box along x, y, channels look, (size of the source, boxes)."""
    channels_out, *kernel, per_group = conv.weight.shape
    found = []
    for a in (0, 1):
        geometry = (kernel[a], conv.stride[a], conv.padding[a], conv.dilation[a])
        found.append([_field(source[a], held, geometry) for held in target.sides(a)])
    size, group = channels_out // conv.groups, np.arange(source[2]) // per_group
    found.append([(group >= a // size) & (group <= (b - 1) // size) for a, b in target.sides(2)])
    x, y, c = (np.stack(masks, axis=1).astype(np.int64) for masks in found)
    return x, y, c


def _field(
    size: int, held: tuple[int, int], axis: tuple[int, int, int, int]
) -> npt.NDArray[np.bool_]:
    """Positions along one axis that the positions [start, stop) behind it look at."""
    kernel, stride, padding, dilation = axis
    taps = np.arange(*held)[:, None] * stride + np.arange(kernel) * dilation - padding
    inside = np.zeros(size, dtype=bool)
    inside[taps[(taps >= 0) & (taps < size)]] = True
    return inside
