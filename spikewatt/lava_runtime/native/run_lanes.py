"""Runs of targets written in vectors: the sums of several stay in registers, in 16 bit if they fit.

Half as wide a sum is twice as many a turn; `groups` says of which sources all sums fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikewatt.lava_runtime.native.lanes import INT32, INT64, place_of, spread, start_of, variable

RUN = 32  # targets of a run
TURN = 4  # sources that are added without a branch between
WIDEST = 6  # runs that are summed at once, at most
SEEN = 16  # spikes that are compared at once; a list has room for so many behind its end

_BITS = ir.IntType(SEEN)


@intrinsic  # type: ignore[misc]
def spikes_below(typing: Any, neurons: Any, begin: Any, end: Any, limit: Any) -> Any:
    """How many of neurons[begin:end], sorted, are below a limit; SEEN at most."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = ir.VectorType(INT32, SEEN)
        listed = start_of(context, builder, signature.args[0], args[0])
        seen = builder.load(place_of(builder, listed, args[1], lanes), align=4)
        beyond = builder.icmp_signed(">=", seen, spread(builder, args[3], lanes))
        count = builder.cttz(builder.bitcast(beyond, _BITS), ir.Constant(ir.IntType(1), 0))
        count, left = builder.zext(count, INT64), builder.sub(args[2], args[1])
        return builder.select(builder.icmp_signed("<", count, left), count, left)

    return types.intp(neurons, types.intp, types.intp, types.intp), generate


def _resized(builder: Any, numbers: Any, lanes: Any) -> Any:
    """Whole numbers with more bits, or with fewer where they are known to fit."""
    have, want = numbers.type.element.width, lanes.element.width
    if have == want:
        return numbers
    return builder.sext(numbers, lanes) if have < want else builder.trunc(numbers, lanes)


def _adding(count: int, bits: int, *, scaled: bool) -> Callable[..., Any]:
    """Add the weights of sources neurons[lo:hi] to `count` runs of a row of the ring.

    Those of source i begin at weight[base + i * width]; places: the runs' first targets, from
    the first on. zeros: where weights of 0 begin, which fill the last turn: its branch would be
    foretold wrongly too often. bits: of the sums. scaled: each source's times its own of `values`.
    """
    sums, wide = ir.VectorType(ir.IntType(bits), RUN), ir.VectorType(INT32, RUN)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weight, neurons, values, ring, places = (
            start_of(context, builder, signature.args[i], args[i]) for i in (0, 3, 4, 7, 9)
        )
        stored = context.get_data_type(signature.args[0].dtype)
        vector, zero = ir.VectorType(stored, RUN), ir.Constant(sums, [0] * RUN)
        totals = [variable(builder, zero) for _ in range(count)]
        turn = ir.VectorType(INT64, TURN)
        with cgutils.for_range_slice(builder, args[5], args[6], INT64(TURN)) as (k, _):
            here = builder.load(place_of(builder, neurons, k, ir.VectorType(INT32, TURN)), align=4)
            rows = builder.mul(builder.sext(here, turn), spread(builder, args[2], turn))
            rows = builder.add(rows, spread(builder, args[1], turn))
            steps = builder.add(spread(builder, k, turn), ir.Constant(turn, list(range(TURN))))
            is_there = builder.icmp_signed("<", steps, spread(builder, args[6], turn))
            rows = builder.select(is_there, rows, spread(builder, args[11], turn))
            for i in range(TURN):
                row = builder.extract_element(rows, ir.Constant(INT32, i))
                if scaled:
                    at = builder.gep(values, [builder.add(k, INT64(i))])
                    value = _resized(builder, spread(builder, builder.load(at), wide), sums)
                for n, total in enumerate(totals):
                    at = place_of(builder, weight, builder.add(row, INT64(n * RUN)), vector)
                    taken = _resized(builder, builder.load(at, align=stored.width // 8), sums)
                    taken = builder.mul(taken, value) if scaled else taken
                    builder.store(builder.add(builder.load(total), taken), total)
        for n, total in enumerate(totals):
            first = builder.load(builder.gep(places, [builder.add(args[10], INT64(n))]))
            place = place_of(builder, ring, builder.add(args[8], first), wide)
            found = _resized(builder, builder.load(total), wide)
            builder.store(builder.add(builder.load(place, align=4), found), place, align=4)
        return context.get_dummy_value()

    def typed(
        typing: Any, weight: Any, base: Any, width: Any, neurons: Any, values: Any, lo: Any,
        hi: Any, ring: Any, row: Any, places: Any, first: Any, zeros: Any,
    ) -> Any:  # fmt: skip
        at = types.intp
        kinds = weight, at, at, neurons, values, at, at, ring, at, places, at, at
        return types.void(*kinds), generate

    return intrinsic(typed)  # type: ignore[no-any-return]


short_6, short_4, short_2, short_1 = (_adding(n, 16, scaled=False) for n in (WIDEST, 4, 2, 1))
wide_3, wide_1 = (_adding(n, 32, scaled=False) for n in (3, 1))
scaled_short_4, scaled_short_2, scaled_short_1 = (_adding(n, 16, scaled=True) for n in (4, 2, 1))
scaled_wide_2, scaled_wide_1 = (_adding(n, 32, scaled=True) for n in (2, 1))
