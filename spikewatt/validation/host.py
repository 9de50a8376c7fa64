"""Rules for the host's stage: its inputs, shapes and kinds of values, and that no sum overflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikewatt.host import (
    EXACT,
    NUMBER_BITS,
    WEIGHT_BITS,
    HostAnd,
    HostConv,
    HostFire,
    HostPart,
    HostPool,
    HostStage,
    HostSum,
    HostTransform,
    sources_of,
)
from spikewatt.network import DECAY_MAX, Network, Violation

STATE_MAX = 2**50  # times a decay of 12 bits it still is a 64-bit integer
VALUES_MAX = 2**28  # of all values of a stage together
AGAIN = "export the network again"


class _Broken(Exception):
    """What is wrong, found, limit."""


@dataclass(frozen=True)
class HostValue:
    """What is known of a value before anything runs. bound: no entry's magnitude is larger."""

    shape: tuple[int, int, int]
    whole: bool
    bound: int

    @property
    def size(self) -> int:
        """Entries."""
        return int(np.prod(self.shape, dtype=object))


def host(network: Network) -> Iterator[Violation]:
    """Rules for a network's stage, where it has one."""
    stage = network.host
    if stage is None:
        return
    if (broken := list(_around(network, stage))) or not network.readout:
        yield from broken
        return
    try:
        values = host_values(stage, network.readout.persons)
        _check_output(stage, values[-1], network.readout.groups)
    except _Broken as error:
        what, found, limit = error.args
        yield Violation(None, f"host: {what}", found, limit, AGAIN)


def _around(network: Network, stage: HostStage) -> Iterator[Violation]:
    """The populations that it reads, and the read-out that it adds to."""
    channels, places, _ = stage.shape
    if network.readout is None:
        yield Violation(None, "host: read-out of the network", "none", "one to add to", AGAIN)
    if min(stage.shape) < 1 or not stage.inputs or not stage.parts:
        found = f"shape {stage.shape}, {len(stage.inputs)} inputs, {len(stage.parts)} parts"
        yield Violation(None, "host: stage", found, "at least 1 of each", AGAIN)
    if len(set(stage.inputs)) != len(stage.inputs):
        yield Violation(None, "host: layers read", str(stage.inputs), "each once", AGAIN)
    for layer in dict.fromkeys(stage.inputs):
        population = network.by_layer.get(layer)
        if population is None:
            yield Violation(layer, "host: layer that is read", "missing", "a population", AGAIN)
        elif population.size != channels * places or population.message_bits:
            found = f"{population.size} neurons, message bits {population.message_bits}"
            limit = f"{channels * places} neurons, binary"
            yield Violation(layer, "host: layer that is read", found, limit, AGAIN)


def host_values(stage: HostStage, persons: int = 1) -> list[HostValue]:
    """Every value of a stage, the input's first; persons: samples whose spikes are added."""
    values = [HostValue(stage.shape, True, len(stage.inputs) * persons)]
    for number, part in enumerate(stage.parts):
        where = f"part {number}"
        earlier = all(0 <= s < len(values) for s in sources_of(part))
        _need(
            earlier and bool(sources_of(part)), f"{where} reads", str(sources_of(part)), "earlier"
        )
        made = _VALUES[type(part)](stage, part, [values[s] for s in sources_of(part)], where)
        total = sum(v.size for v in values) + made.size
        _need(total <= VALUES_MAX, f"{where}: entries of all values", str(total), str(VALUES_MAX))
        values.append(made)
    return values


def _need(holds: bool, what: str, found: str, limit: str) -> None:
    if not holds:
        raise _Broken(what, found, limit)


def _kind(where: str, value: HostValue, whole: bool) -> None:
    names = {True: "spikes or their sums", False: "numbers"}
    _need(value.whole == whole, f"{where} reads", names[value.whole], names[whole])


def _summed(where: str, weight: Any, source: HostValue, bias: Any = 0) -> int:
    """Bound of a number made of rows of weights, (rows, ...); no sum may reach 2**53."""
    rows = np.abs(weight.reshape(len(weight), -1).astype(np.int64)).sum(axis=1)
    largest = int(rows.max()) * source.bound
    _need(largest < EXACT, f"{where}: sum of products", str(largest), f"below {EXACT}")
    shift = WEIGHT_BITS - (NUMBER_BITS if source.whole else 0)
    return (largest >> shift) + 1 + int(np.abs(np.asarray(bias, np.int64)).max())


def _conv(stage: HostStage, part: HostConv, read: list[HostValue], where: str) -> HostValue:
    (x,) = read
    _need(
        0 <= part.map < len(stage.maps), f"{where}: map", str(part.map), f"{len(stage.maps)} maps"
    )
    m = stage.maps[part.map]
    channels, places, steps = x.shape
    sound = m.weight.ndim == 4 and m.weight.size > 0 and m.groups > 0
    sound = sound and all(k % 2 for k in m.weight.shape[2:]) and len(m.weight) % m.groups == 0
    sound = sound and m.weight.shape[1] * m.groups == channels and m.bias.shape == (len(m.weight),)
    found = f"weight {m.weight.shape}, bias {m.bias.shape}, {m.groups} groups"
    _need(sound, f"{where}: map", found, f"odd kernels, {channels} channels, a bias each")
    bound = _summed(where, m.weight, x, m.bias)
    return HostValue((len(m.weight), places, steps), False, bound)


def _transform(
    stage: HostStage, part: HostTransform, read: list[HostValue], where: str
) -> HostValue:
    (x,) = read
    channels, places, steps = x.shape
    sound = part.weight.ndim == 4 and part.weight.shape[2:] == (channels, steps)
    sound = sound and part.weight.size > 0
    _need(sound, f"{where}: weight", str(part.weight.shape), f"(D, S, {channels}, {steps})")
    rows = part.weight.reshape(-1, channels * steps)
    return HostValue(
        (part.weight.shape[0], places, part.weight.shape[1]), False, _summed(where, rows, x)
    )


def _fire(stage: HostStage, part: HostFire, read: list[HostValue], where: str) -> HostValue:
    (x,) = read
    _kind(where, x, whole=False)
    _need(0 <= part.decay <= DECAY_MAX, f"{where}: decay", str(part.decay), f"0..{DECAY_MAX}")
    _need(part.threshold >= 0, f"{where}: threshold", str(part.threshold), "0 or more")
    largest = x.bound * x.shape[2]
    _need(largest < STATE_MAX, f"{where}: state", str(largest), f"below {STATE_MAX}")
    return HostValue(x.shape, True, 1)


def _and(stage: HostStage, part: HostAnd, read: list[HostValue], where: str) -> HostValue:
    x, y = read
    _kind(where, x, whole=True)
    _kind(where, y, whole=True)
    _need(max(x.bound, y.bound) == 1, f"{where} reads", "sums", "spikes")
    channels, _, steps = x.shape
    fits = y.shape in (x.shape, (channels, 1, steps))
    _need(fits, f"{where}: shapes", f"{x.shape}, {y.shape}", "equal, or one place for all")
    return HostValue(x.shape, True, 1)


def _pool(stage: HostStage, part: HostPool, read: list[HostValue], where: str) -> HostValue:
    (x,) = read
    _kind(where, x, whole=True)
    return HostValue((x.shape[0], 1, x.shape[2]), True, x.bound * x.shape[1])


def _sum(stage: HostStage, part: HostSum, read: list[HostValue], where: str) -> HostValue:
    for x in read:
        _kind(where, x, whole=True)
        _need(x.shape == read[0].shape, f"{where}: shapes", str(x.shape), str(read[0].shape))
    return HostValue(read[0].shape, True, sum(x.bound for x in read))


_VALUES: dict[type[HostPart], Callable[..., HostValue]] = {
    HostConv: _conv,
    HostTransform: _transform,
    HostFire: _fire,
    HostAnd: _and,
    HostPool: _pool,
    HostSum: _sum,
}


def _check_output(stage: HostStage, last: HostValue, groups: int) -> None:
    _kind("output", last, whole=True)
    channels, places, steps = last.shape
    sound = stage.output.shape == (groups, channels) and places == 1
    found = f"{stage.output.shape} of {places} places"
    _need(sound, "output", found, f"{(groups, channels)} of 1 place")
    rows = np.abs(stage.output.astype(np.int64)).sum(axis=1)
    largest = int(rows.max()) * last.bound * steps
    _need(largest < EXACT, "output: sum of products", str(largest), f"below {EXACT}")
