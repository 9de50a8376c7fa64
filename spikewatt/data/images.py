"""Images cropped and resized in integers, so that every machine gives the same pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.data.clips import Images

_BITS = 12  # of a weight; 255 << 12 is far below 2^31
_ONE = 1 << _BITS


def even_frames(count: int, available: int) -> npt.NDArray[np.intp]:
    """Indices of `count` frames, each in the middle of its share of the `available` ones."""
    return np.asarray((2 * np.arange(count) + 1) * available // (2 * count), dtype=np.intp)


def shorter_side(images: Images, size: int) -> Images:
    """Images (..., H, W, 3) with the shorter side resized to `size`, the shape kept."""
    height, width = images.shape[-3:-1]
    short = min(height, width)
    rows, columns = (max(1, (s * size + short // 2) // short) for s in (height, width))
    return _resize(_resize(images, rows, -3), columns, -2)


def crop(images: Images, size: int, corner: tuple[int, int]) -> Images:
    """The square (..., size, size, 3) whose first row and column are `corner`."""
    row, column = corner
    return images[..., row : row + size, column : column + size, :]


def _resize(images: Images, size: int, axis: int) -> Images:
    """One axis resized: linear between pixels when growing, triangle-weighted when shrinking."""
    if images.shape[axis] == size:
        return images
    x = np.moveaxis(images, axis, 0)
    index, weight = _taps(images.shape[axis], size)
    total = np.full((size, *x.shape[1:]), _ONE // 2, dtype=np.int32)
    for tap in range(index.shape[1]):
        total += x[index[:, tap]] * weight[:, tap].reshape(-1, *(1,) * (x.ndim - 1))
    return np.ascontiguousarray(np.moveaxis((total >> _BITS).astype(np.uint8), 0, axis))


def _taps(before: int, after: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """For each new pixel the old ones it is made of and their weights, which add up to one.

    Weights fall linearly from the pixel's centre to 0 at a distance of one pixel, of the coarser
    of the two grids; both (after, taps).
    """
    scale = before / after
    reach = max(scale, 1.0)
    center = (np.arange(after) + 0.5) * scale - 0.5
    first = np.floor(center - reach).astype(np.intp) + 1
    index = first[:, None] + np.arange(int(np.ceil(2 * reach)))
    share = np.maximum(1 - np.abs(index - center[:, None]) / reach, 0)
    share[(index < 0) | (index >= before)] = 0
    share /= share.sum(axis=1, keepdims=True)
    weight = np.rint(share * _ONE).astype(np.int32)
    weight[np.arange(after), weight.argmax(axis=1)] += _ONE - weight.sum(axis=1)
    return np.clip(index, 0, before - 1), weight
