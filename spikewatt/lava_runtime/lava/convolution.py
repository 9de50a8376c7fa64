"""Convolutions as matrix products of BLAS, equal to Lava's Conv.

They take as long as torch's on one core, without its import and its threads, and are exact for
the same reason: no sum leaves the mantissa.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from spikewatt.lava_runtime.lava.dendrite import CONV_BITS, Arrivals, Row, wrapped
from spikewatt.network import Conv, IntArray

FLOAT32_EXACT = 2**24


class ConvKernel:
    """Shared kernels: every patch of the padded input times the kernels of its group.

    Sums wrap here where all that arrives in a step was sent in one; otherwise `wraps_later`.
    """

    waits = 0

    def __init__(
        self, conv: Conv, source: tuple[int, ...], graded: bool, wraps_later: bool
    ) -> None:
        channels_out, kx, ky, per_group = conv.weight.shape
        self.source, self.groups = source, conv.groups
        bound = int(np.abs(conv.weight).max(initial=0)) * kx * ky * per_group
        exact = np.float64 if graded or bound >= FLOAT32_EXACT else np.float32
        self.wraps = not wraps_later and (graded or bound >= 1 << (CONV_BITS - 1))
        # (groups, x * y * channel in, channel out)
        grouped = conv.weight.reshape(conv.groups, channels_out // conv.groups, -1)
        self.kernels = np.ascontiguousarray(grouped.transpose(0, 2, 1), dtype=exact)
        self._view_patches(conv, exact)

    def _view_patches(self, conv: Conv, dtype: type[Any]) -> None:
        """Make the padded input and, on the same memory, the patches that the kernels see."""
        _, kx, ky, _ = conv.weight.shape
        (px, py), (dx, dy), (sx, sy) = conv.padding, conv.dilation, conv.stride
        x, y, channels = self.source
        padded: npt.NDArray[Any] = np.zeros((x + 2 * px, y + 2 * py, channels), dtype=dtype)
        self.padded = padded.reshape(-1)
        places = np.arange(padded.size).reshape(padded.shape)[px : px + x, py : py + y]
        self.places = places.reshape(-1)  # of each source
        span = (dx * (kx - 1) + 1, dy * (ky - 1) + 1)
        windows = sliding_window_view(padded, (*span, 1))[..., 0]
        patches = windows[::sx, ::sy, :, ::dx, ::dy]  # (x, y, channel, kernel x, kernel y)
        grouped = patches.reshape(*patches.shape[:2], self.groups, -1, kx, ky)
        if not np.shares_memory(grouped, padded):
            raise AssertionError("splitting the channel axis must not copy")
        self.patches = grouped.transpose(2, 0, 1, 4, 5, 3)  # (group, x, y, kx, ky, channel)

    def arrivals(self, active: npt.NDArray[np.intp], values: IntArray | None) -> Arrivals:
        """Dendritic input of one step's spikes."""
        places = self.places[active]
        self.padded[places] = 1 if values is None else values
        positions = self.patches.shape[1] * self.patches.shape[2]
        patches = self.patches.reshape(self.groups, positions, -1)
        out = (patches @ self.kernels).transpose(1, 0, 2).reshape(-1).astype(np.int64)
        self.padded[places] = 0  # after it: patches need not be a copy
        return [Row(wrapped(out) if self.wraps else out)]
