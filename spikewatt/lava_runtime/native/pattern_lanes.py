"""What a target adds for the patterns that it sees, in vectors, of 16-bit sums where they fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikewatt.lava_runtime.native.lanes import INT16, INT32, INT64, place_of, start_of, variable

PART = 8  # channels that are added at once: the next target's must not wait for these
STRIP = 32  # channels of a vector; the table's rows are whole ones, with zeros behind the last


def _adding(strips: int, bits: int) -> Callable[..., Any]:
    """Add a target's sums to row[at : at + left], from channel `first` of the table's rows on.

    The rows of the table are `width` wide; steps[n] beyond `begin` lies the n-th pattern seen,
    whose row is that many beyond shifts[n]. bits: of the sums.
    """
    stored, wide = ir.VectorType(INT16, STRIP), ir.VectorType(INT32, STRIP)
    sums = stored if bits == 16 else wide

    def finish(builder: Any, row: Any, at: Any, left: Any, found: Any) -> None:
        eight = ir.VectorType(INT32, PART)
        for i in range(strips * STRIP // PART):
            is_whole = builder.icmp_signed("<=", INT64((i + 1) * PART), left)
            with builder.if_then(is_whole):
                place = place_of(builder, row, builder.add(at, INT64(i * PART)), eight)
                lanes = [i * PART % STRIP + k for k in range(PART)]
                own = found[i * PART // STRIP]
                own = builder.shuffle_vector(own, own, ir.Constant(eight, lanes))
                builder.store(builder.add(builder.load(place, align=4), own), place, align=4)

    def finish_rest(builder: Any, row: Any, at: Any, left: Any, found: Any) -> None:
        buffer = cgutils.alloca_once(builder, INT32, strips * STRIP)  # type: ignore[no-untyped-call]
        begin = builder.and_(left, INT64(-PART))
        with builder.if_then(builder.icmp_signed("<", begin, left)):
            for i, total in enumerate(found):
                builder.store(total, place_of(builder, buffer, INT64(i * STRIP), wide), align=4)
            with cgutils.for_range_slice(builder, begin, left, INT64(1)) as (j, _):
                place = builder.gep(row, [builder.add(at, j)])
                own = builder.load(builder.gep(buffer, [j]))
                builder.store(builder.add(builder.load(place), own), place)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, shifts, steps, patterns, row = (
            start_of(context, builder, signature.args[i], args[i]) for i in (0, 1, 2, 3, 7)
        )
        begin, width, first, at, left = args[4], args[5], args[6], args[8], args[9]
        count = context.make_array(signature.args[2])(context, builder, args[2]).nitems
        totals = [variable(builder, ir.Constant(sums, [0] * STRIP)) for _ in range(strips)]
        with cgutils.for_range_slice(builder, INT64(0), count, INT64(1)) as (n, _):
            step = builder.add(begin, builder.load(builder.gep(steps, [n])))
            pattern = builder.zext(builder.load(builder.gep(patterns, [step])), INT64)
            start = builder.add(builder.load(builder.gep(shifts, [n])), first)
            start = builder.add(start, builder.mul(pattern, width))
            for i, total in enumerate(totals):
                place = place_of(builder, table, builder.add(start, INT64(i * STRIP)), stored)
                taken = builder.load(place, align=2)
                taken = taken if bits == 16 else builder.sext(taken, sums)
                builder.store(builder.add(builder.load(total), taken), total)
        found = [builder.load(total) for total in totals]
        found = [builder.sext(total, wide) if bits == 16 else total for total in found]
        finish(builder, row, at, left, found)
        finish_rest(builder, row, at, left, found)
        return context.get_dummy_value()

    def typed(
        typing: Any, table: Any, shifts: Any, steps: Any, patterns: Any, begin: Any, width: Any,
        first: Any, row: Any, at: Any, left: Any,
    ) -> Any:  # fmt: skip
        index = types.intp
        kinds = table, shifts, steps, patterns, index, index, index, row, index, index
        return types.void(*kinds), generate

    return intrinsic(typed)  # type: ignore[no-any-return]


add_seen_2, add_seen_1 = _adding(2, 16), _adding(1, 16)
add_seen_wide = _adding(1, 32)
