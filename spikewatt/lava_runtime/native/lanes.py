"""Loops written in vectors, where the compiler does not find them by itself.

It cannot keep the sums of a short row in registers, since weights and sums might overlap.
Machines with narrower vectors get several of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

kernel = njit(cache=True, nogil=True)

INT8, INT16, INT32, INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SIZE = types.intp


def start_of(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array).data


def place_of(builder: Any, start: Any, at: Any, vector: Any) -> Any:
    return builder.bitcast(builder.gep(start, [at]), vector.as_pointer())


def variable(builder: Any, value: Any) -> Any:
    """A place for a number that changes in a loop; the compiler makes it a register."""
    return cgutils.alloca_once_value(builder, value)  # type: ignore[no-untyped-call]


def spread(builder: Any, number: Any, lanes: Any) -> Any:
    """A number in every lane."""
    some, first = ir.Constant(lanes, ir.Undefined), ir.Constant(INT32, 0)
    number = builder.trunc(number, INT32) if lanes.element.width < number.type.width else number
    number = builder.insert_element(some, number, first)
    same = ir.Constant(ir.VectorType(INT32, lanes.count), [0] * lanes.count)
    return builder.shuffle_vector(number, some, same)


def _accumulate(width: int, *, scaled: bool) -> Callable[..., Any]:
    """row[at:at + width] += sum of weight[o:o + width], o in base + offsets[lo:hi]; unchecked.

    scaled: each times its own of values[shift + lo:shift + hi].
    """
    sums = ir.VectorType(INT32, width)

    def times_value(builder: Any, taken: Any, values: Any, at: Any) -> Any:
        one = builder.load(builder.gep(values, [at]))
        some = ir.Constant(sums, ir.Undefined)
        first = builder.insert_element(some, one, ir.Constant(INT32, 0))
        return builder.mul(
            taken, builder.shuffle_vector(first, some, ir.Constant(sums, [0] * width))
        )

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weight, offsets, values, row = (
            start_of(context, builder, signature.args[i], args[i]) for i in (0, 2, 3, 7)
        )
        stored = context.get_data_type(signature.args[0].dtype)
        vector, align = ir.VectorType(stored, width), stored.width // 8
        weight, place = builder.gep(weight, [args[1]]), place_of(builder, row, args[8], sums)
        total = variable(builder, builder.load(place, align=4))
        with cgutils.for_range_slice(builder, args[5], args[6], ir.Constant(INT64, 1)) as (k, _):
            offset = builder.load(builder.gep(offsets, [k]))
            taken = builder.load(place_of(builder, weight, offset, vector), align=align)
            taken = builder.sext(taken, sums)
            if scaled:
                taken = times_value(builder, taken, values, builder.add(args[4], k))
            builder.store(builder.add(builder.load(total), taken), total)
        builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    def typed(
        typing: Any, weight: Any, base: Any, offsets: Any, values: Any, shift: Any, lo: Any,
        hi: Any, row: Any, at: Any,
    ) -> Any:  # fmt: skip
        arrays = weight, _SIZE, offsets, values, _SIZE, _SIZE, _SIZE, row, _SIZE
        return types.void(*arrays), generate

    return intrinsic(typed)  # type: ignore[no-any-return]


_add_64, _add_32, _add_16, _add_8, _add_4 = (
    _accumulate(width, scaled=False) for width in (64, 32, 16, 8, 4)
)
_scaled_64, _scaled_32, _scaled_16, _scaled_4 = (
    _accumulate(width, scaled=True) for width in (64, 32, 16, 4)
)


@kernel
def add_rows(
    weight: Any, base: int, offsets: Any, lo: int, hi: int, row: Any, at: int, size: int
) -> None:
    """Add the rows of weights that begin at base + offsets[lo:hi] to row[at:at + size].

    weight: flat, int16 or int32. offsets: int64. Sums are int32 and wrap.
    """
    j = 0
    while j + 64 <= size:
        _add_64(weight, base + j, offsets, offsets, 0, lo, hi, row, at + j)
        j += 64
    if j + 32 <= size:
        _add_32(weight, base + j, offsets, offsets, 0, lo, hi, row, at + j)
        j += 32
    if j + 16 <= size:
        _add_16(weight, base + j, offsets, offsets, 0, lo, hi, row, at + j)
        j += 16
    if j + 8 <= size:
        _add_8(weight, base + j, offsets, offsets, 0, lo, hi, row, at + j)
        j += 8
    if j + 4 <= size:
        _add_4(weight, base + j, offsets, offsets, 0, lo, hi, row, at + j)
        j += 4
    while j < size:
        for k in range(lo, hi):
            row[at + j] += weight[base + offsets[k] + j]
        j += 1


@kernel
def add_scaled_rows(
    weight: Any, base: int, offsets: Any, values: Any, shift: int, count: int, row: Any, at: int,
    size: int,
) -> None:  # fmt: skip
    """As `add_rows` for offsets[:count], each row times its own of values[shift:shift + count]."""
    j = 0
    while j + 64 <= size:
        _scaled_64(weight, base + j, offsets, values, shift, 0, count, row, at + j)
        j += 64
    if j + 32 <= size:
        _scaled_32(weight, base + j, offsets, values, shift, 0, count, row, at + j)
        j += 32
    if j + 16 <= size:
        _scaled_16(weight, base + j, offsets, values, shift, 0, count, row, at + j)
        j += 16
    while j + 4 <= size:
        _scaled_4(weight, base + j, offsets, values, shift, 0, count, row, at + j)
        j += 4
    while j < size:
        for k in range(count):
            row[at + j] += weight[base + offsets[k] + j] * values[shift + k]
        j += 1


def _ones_of_bytes() -> Any:
    """Where the ones of each byte are, (256 * 8,), low bits first."""
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    return np.argsort(1 - bits, axis=1, kind="stable").astype(np.uint8).reshape(-1)


ONES = _ones_of_bytes()


SUMS = 4  # that are kept apart, since one addition need not wait for another's


@intrinsic  # type: ignore[misc]
def sum_of(typing: Any, table: Any, neurons: Any, lo: Any, hi: Any) -> Any:
    """Sum of table[i] over i in neurons[lo:hi]; one by one, which is faster than gathering."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, listed = (start_of(context, builder, signature.args[i], args[i]) for i in (0, 1))
        totals = [variable(builder, INT64(0)) for _ in range(SUMS)]

        def add(k: Any, total: Any) -> None:
            at = builder.zext(builder.load(builder.gep(listed, [k])), INT64)
            own = builder.load(builder.gep(data, [at]))
            builder.store(builder.add(builder.load(total), own), total)

        count = builder.and_(builder.sub(args[3], args[2]), INT64(-SUMS))
        whole = builder.add(args[2], count)
        with cgutils.for_range_slice(builder, args[2], whole, INT64(SUMS)) as (k, _):
            for i, total in enumerate(totals):
                add(builder.add(k, INT64(i)), total)
        with cgutils.for_range_slice(builder, whole, args[3], INT64(1)) as (k, _):
            add(k, totals[0])
        return functools.reduce(builder.add, [builder.load(total) for total in totals])

    return _SIZE(table, neurons, _SIZE, _SIZE), generate
