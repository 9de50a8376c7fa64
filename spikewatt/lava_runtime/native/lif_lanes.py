"""CUBA-LIF written in vectors, from dendrite to list of spikes, sixteen neurons a turn.

The compiler would take vectors half as wide, a pass each for the state, the spikes and the list,
and count references to every row that it cuts out of an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikewatt.lava_runtime.native.lanes import (
    INT8,
    INT32,
    INT64,
    place_of,
    spread,
    start_of,
    variable,
)

HIGH = 1 << 23  # states have 24 bits
WIDTHS = (16, 4, 1)  # neurons a turn; the smaller ones are for what is left
TABLE = 8  # neurons that the table of ones lists at once


def _all(like: Any, value: int) -> Any:
    return ir.Constant(like.type, [value] * like.type.count)


def _kept(builder: Any, state: Any, keep: Any, *, is_small: bool) -> Any:
    """state * keep >> 12 towards zero, in halves that 32 bits hold, as `neuron_kernels._kept`.

    is_small: |state| < 2**24, so that 16 bits hold either half, whose products are cheaper.
    """
    sign = builder.ashr(state, _all(state, 31))
    size = builder.sub(builder.xor(state, sign), sign)
    high, low = builder.lshr(size, _all(state, 12)), builder.and_(size, _all(state, 4095))
    if is_small:
        high = builder.and_(high, _all(state, 4095))
    low = builder.lshr(builder.mul(low, keep), _all(state, 12))
    kept = builder.add(builder.mul(high, keep), low)
    return builder.sub(builder.xor(kept, sign), sign)


def _wrapped(builder: Any, current: Any) -> Any:
    """One wrap at 24 bit; +2**23 stays."""
    above = builder.icmp_signed(">", current, _all(current, HIGH))
    below = builder.icmp_signed("<=", current, _all(current, -HIGH))
    lower = builder.sub(current, _all(current, 2 * HIGH))
    higher = builder.add(current, _all(current, 2 * HIGH))
    return builder.select(above, lower, builder.select(below, higher, current))


def _clipped(builder: Any, voltage: Any) -> Any:
    for relation, bound in (("<", HIGH - 1), (">", 1 - HIGH)):
        inside = builder.icmp_signed(relation, voltage, _all(voltage, bound))
        voltage = builder.select(inside, voltage, _all(voltage, bound))
    return voltage


def _mask(builder: Any, flags: Any) -> Any:
    """Flags of lanes as the bits of a number."""
    return builder.bitcast(flags, ir.IntType(flags.type.count))


def _list(builder: Any, fires: Any, first: Any, ones: Any, neurons: Any, count: Any) -> Any:
    """Write first + i for the lanes i that fire to neurons[count:]; the new count."""
    bytes_, indices = ir.VectorType(INT8, TABLE), ir.VectorType(INT32, TABLE)
    mask = builder.zext(_mask(builder, fires), INT64)
    for begin in range(0, fires.type.count, TABLE):
        own = builder.and_(builder.lshr(mask, INT64(begin)), INT64((1 << TABLE) - 1))
        at = place_of(builder, ones, builder.shl(own, INT64(3)), bytes_)
        inside = builder.zext(builder.load(at, align=1), indices)
        found = builder.add(inside, spread(builder, builder.add(first, INT64(begin)), indices))
        builder.store(found, place_of(builder, neurons, count, indices), align=4)
        count = builder.add(count, builder.ctpop(own))
    return count


def _advance(builder: Any, places: Any, numbers: Any, *, decays: bool) -> tuple[Any, Any]:
    """One step of the lanes at row, u, v and bias: which fire, and 0 where nothing changed."""
    (row, u, v, bias), (keep_u, keep_v, threshold) = places, numbers
    arrived, before = builder.load(row, align=4), builder.load(v, align=4)
    none, unit = _all(arrived, 0), _all(arrived, 6)
    builder.store(none, row, align=4)
    current, changed = builder.shl(arrived, unit), arrived
    if decays:
        old = builder.load(u, align=4)
        current = builder.add(_kept(builder, old, keep_u, is_small=False), current)
    current = _wrapped(builder, current)
    if decays:
        changed = builder.or_(changed, builder.xor(current, old))
    builder.store(current, u, align=4)
    pushed = builder.add(current, builder.shl(builder.load(bias, align=4), unit))
    voltage = builder.add(_kept(builder, before, keep_v, is_small=True), pushed)
    voltage = _clipped(builder, voltage)
    fires = builder.icmp_signed(">", voltage, threshold)
    builder.store(builder.select(fires, none, voltage), v, align=4)
    return fires, builder.or_(changed, builder.xor(voltage, before))


def _stepping(*, decays: bool) -> Callable[..., Any]:
    """One step of neurons [begin, end), which adds those that fire to neurons[count:].

    row: where the step's dendrites begin in the ring; biases: likewise in bias. state: (2, n) u and
    v. neuron: as `update_cuba` has it. ones: `lanes.ONES`. neurons has room for 8 more than there
    can be. Returns the new count, and 0 where nothing came and nothing changed.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ring, state, bias, neuron, ones, neurons = (
            start_of(context, builder, signature.args[i], args[i]) for i in (0, 2, 3, 5, 8, 9)
        )
        size = context.make_array(signature.args[2])(context, builder, args[2]).nitems
        second = builder.lshr(size, INT64(1))
        starts = [
            builder.gep(ring, [args[1]]),
            state,
            builder.gep(state, [second]),
            builder.gep(bias, [args[4]]),
        ]
        constants = [builder.load(builder.gep(neuron, [INT64(k)])) for k in range(3)]
        constants[:2] = (builder.and_(c, INT64(8191)) for c in constants[:2])  # they have 13 bits
        count = variable(builder, args[10])
        changes, begin = variable(builder, INT64(0)), args[6]
        for width in WIDTHS:
            lanes = ir.VectorType(INT32, width)
            numbers = [spread(builder, c, lanes) for c in constants]
            left = builder.sub(args[7], begin)
            end = builder.add(begin, builder.and_(left, INT64(-width)))
            changed = variable(builder, ir.Constant(lanes, [0] * width))
            with cgutils.for_range_slice(builder, begin, end, INT64(width)) as (at, _):
                places = [place_of(builder, start, at, lanes) for start in starts]
                fires, moved = _advance(builder, places, numbers, decays=decays)
                builder.store(builder.or_(builder.load(changed), moved), changed)
                listed = _list(builder, fires, at, ones, neurons, builder.load(count))
                builder.store(listed, count)
            moved = builder.load(changed)
            some = _mask(builder, builder.icmp_unsigned("!=", moved, _all(moved, 0)))
            some = builder.zext(some, INT64)
            builder.store(builder.or_(builder.load(changes), some), changes)
            begin = end
        found = builder.load(count), builder.load(changes)
        return context.make_tuple(builder, signature.return_type, found)

    def typed(
        typing: Any, ring: Any, row: Any, state: Any, bias: Any, biases: Any, neuron: Any,
        begin: Any, end: Any, ones: Any, neurons: Any, count: Any,
    ) -> Any:  # fmt: skip
        at = types.intp
        kinds = (ring, at, state, bias, at, neuron, at, at, ones, neurons, at)
        found = types.UniTuple(at, 2)  # type: ignore[no-untyped-call]
        return found(*kinds), generate

    return intrinsic(typed)  # type: ignore[no-any-return]


step_lif = _stepping(decays=False)  # i_decay 4096, as SLAYER's networks have it
step_decaying = _stepping(decays=True)
