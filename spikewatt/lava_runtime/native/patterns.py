"""Tables for convolutions whose sources spike often: sums of weights by pattern of channels.

Up to four channels of a place are a bundle; its spikes are a pattern of so many bits. A target
adds one row of sums for each bundle that it sees, however many spikes there are, instead of one
row of weights for each spike. Places outside the border are silent patterns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikewatt.lava_runtime.native.arrays import Weights, narrow
from spikewatt.lava_runtime.native.pattern_lanes import STRIP
from spikewatt.network import Conv, Shape

BUNDLE = 4  # channels; the table doubles with each
TABLE_MAX = 2**18  # sums in a table, half a megabyte: it has to stay near the core
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """What the kernel needs; all empty where a convolution has none.

    sums: flat (taps, bundles, patterns, channels out), channels filled up to whole STRIPs.
    shifts, steps: for each tap and bundle, where its rows begin and how far its pattern lies from
    that of the target's first tap. plan: sizes, in the kernel's order.
    """

    sums: Weights
    shifts: Index
    steps: Index
    plan: Index


_NOTHING = np.zeros(0, np.int64)
NO_TABLE = Table(np.zeros(0, np.int16), _NOTHING, _NOTHING, _NOTHING)


def _bundles(channels: int) -> tuple[int, int]:
    """Channels a bundle, and bundles, as even as can be."""
    count = -(-channels // BUNDLE)
    return -(-channels // count), count


def _sums(conv: Conv, bundle: int, count: int) -> Index:
    """(kernel x, kernel y, bundles, patterns, channels out)."""
    out, kx, ky, channels = conv.weight.shape
    padded = np.zeros((kx, ky, count * bundle, out), np.int64)
    padded[:, :, :channels] = conv.weight.transpose(1, 2, 3, 0)
    bits = np.arange(2**bundle)[:, None] >> np.arange(bundle) & 1
    sums = np.einsum("pb,xygbo->xygpo", bits, padded.reshape(kx, ky, count, bundle, out))
    return np.asarray(sums)


def _halo(conv: Conv, source: Shape, target: Shape, axis: int) -> int:
    """Places along an axis that a tap of some target sees or a source takes, border included."""
    reach = (target[axis] - 1) * conv.stride[axis]
    reach += (conv.weight.shape[1 + axis] - 1) * conv.dilation[axis] + 1
    return max(reach, conv.padding[axis] + source[axis])


def table_of(conv: Conv, source: Shape, target: Shape) -> Table:
    """The table of a convolution; an empty one where it has groups, is large, or may overflow."""
    out, kx, ky, channels = conv.weight.shape
    bundle, count = _bundles(max(1, channels))
    if conv.groups > 1 or not 0 < kx * ky * count * 2**bundle * out <= TABLE_MAX:
        return NO_TABLE
    width = -(-out // STRIP) * STRIP
    bound = int(np.abs(conv.weight.astype(np.int64)).sum(axis=(1, 2, 3)).max())
    found = _sums(conv, bundle, count)
    if np.abs(found).max() >= 2**15 or bound >= 2**23:
        return NO_TABLE
    sums = np.zeros((kx, ky, count, 2**bundle, width), np.int16)
    sums[..., :out] = found
    wide, high = (_halo(conv, source, target, axis) for axis in (0, 1))
    row = high * count
    i, j, g = np.indices((kx, ky, count))
    steps = i * conv.dilation[0] * row + j * conv.dilation[1] * count + g
    start = conv.padding[0] * row + conv.padding[1] * count
    strides = conv.stride[0] * row, conv.stride[1] * count
    is_short = bound < 2**15  # all sums of a target fit into 16 bit
    sizes = int(np.prod(source)), wide * row, width, is_short
    plan = (*source, bundle, count, row, start, *target, *strides, *sizes)
    shifts = np.arange(steps.size) * 2**bundle * width
    return Table(
        sums=narrow(sums),
        shifts=shifts.astype(np.int64),
        steps=steps.reshape(-1).astype(np.int64),
        plan=np.array(plan, np.int64),
    )
