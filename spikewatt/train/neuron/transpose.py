"""Transposing between rows and tiles of rows inside numba kernels, in vector registers.

Time is contiguous in a row, but the steps of one row depend on each other: kernels compute many
rows at once, from a tile (steps, rows). Square blocks move by shuffles, the rest by scalars.
"""

from __future__ import annotations

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

INDEX, LANE = ir.IntType(64), ir.IntType(32)
FLOAT_BYTES = 4


def _exchange(builder, pair, size, step):
    """Swap the off-diagonal step x step squares of two rows."""
    low = [k if not k & step else size + (k ^ step) for k in range(size)]
    high = [k | step if not k & step else size + k for k in range(size)]
    mask = ir.VectorType(LANE, size)
    return [builder.shuffle_vector(*pair, ir.Constant(mask, lanes)) for lanes in (low, high)]


def _transposed(builder, rows):
    """The columns of `size` vectors of `size` lanes, in log2(size) rounds of exchanges."""
    size, step = len(rows), 1
    while step < size:
        for i in (k for k in range(size) if not k & step):
            j = i | step
            rows[i], rows[j] = _exchange(builder, (rows[i], rows[j]), size, step)
        step *= 2
    return rows


def _block(size):
    """An intrinsic that copies a size x size block of float32, transposed."""

    def row_pointers(builder, data, start, stride):
        vector = ir.VectorType(ir.FloatType(), size)
        for i in range(size):
            offset = builder.add(start, builder.mul(stride, ir.Constant(INDEX, i)))
            yield builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())

    def generate(context, builder, signature, args):
        source, start, stride, target, to, to_stride = args
        of, into = signature.args[0], signature.args[3]
        data = context.make_array(of)(context, builder, source).data
        place = context.make_array(into)(context, builder, target).data
        rows = [builder.load(p) for p in row_pointers(builder, data, start, stride)]
        for row in rows:
            row.align = FLOAT_BYTES
        columns = zip(
            row_pointers(builder, place, to, to_stride), _transposed(builder, rows), strict=True
        )
        for pointer, column in columns:
            builder.store(column, pointer).align = FLOAT_BYTES
        return context.get_dummy_value()

    @intrinsic
    def block(typingctx, source, start, stride, target, to, to_stride):
        i = types.int64
        return types.void(source, i, i, target, i, i), generate

    return block


_block8, _block4 = _block(8), _block(4)


@numba.njit(nogil=True)
def transpose(source, start, target, to, size):
    """target[to[0] + j, to[1] + i] = source[start[0] + i, start[1] + j], size = (i's, j's).

    Both arrays C-contiguous float32; all indices have to lie inside (nothing is checked).
    """
    stride, to_stride = source.shape[1], target.shape[1]
    base, place = start[0] * stride + start[1], to[0] * to_stride + to[1]
    rows, columns = size
    whole = rows - rows % 8 if columns >= 8 else 0
    wide = columns - columns % 8
    for i in range(0, whole, 8):
        for j in range(0, wide, 8):
            _block8(
                source, base + i * stride + j, stride, target, place + j * to_stride + i, to_stride
            )
    fours, tall = columns - columns % 4, rows - rows % 4
    for i in range(0, tall, 4):
        for j in range(wide if i < whole else 0, fours, 4):
            _block4(
                source, base + i * stride + j, stride, target, place + j * to_stride + i, to_stride
            )
    for i in range(rows):
        for j in range(fours if i < tall else 0, columns):
            target[to[0] + j, to[1] + i] = source[start[0] + i, start[1] + j]
