"""Operations of the host's stage: as papers count them, and those of one execution.

A product is counted like a synaptic event: its weight is not 0, its value is not 0, and its
target exists. Where the value is a spike it is an accumulation (AC), else a multiply-accumulate
(MAC). An AND takes an accumulation for each spike that reaches it, a sum one for each entry that
is not 0. Nothing of a stage is left uncounted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import dense_macs
from spikewatt.host import (
    HostAnd,
    HostConv,
    HostFire,
    HostMap,
    HostPart,
    HostPool,
    HostStage,
    HostSum,
    HostTransform,
    sources_of,
)
from spikewatt.network import Network
from spikewatt.validation.host import HostValue, host_values

Values = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HostWork:
    """Operations of a processor; totals, or those of one clip."""

    macs: int = 0
    acs: int = 0
    neuron_updates: int = 0

    def __add__(self, other: HostWork) -> HostWork:
        return HostWork(
            self.macs + other.macs,
            self.acs + other.acs,
            self.neuron_updates + other.neuron_updates,
        )


def host_dense_macs(stage: HostStage) -> int:
    """Multiply-accumulates of a clip as papers count them: all weights at every place and step."""
    values = host_values(stage)
    total = int(stage.output.size)
    for part, made in zip(stage.parts, values[1:], strict=True):
        places, steps = made.shape[1:]
        if isinstance(part, HostConv):
            total += int(stage.maps[part.map].weight.size) * places * steps
        elif isinstance(part, HostTransform):
            total += int(part.weight.size) * places
    return total


def host_neurons(stage: HostStage) -> int:
    """Neurons that a stage computes, each once a step."""
    made = zip(stage.parts, host_values(stage)[1:], strict=True)
    return sum(v.size // v.shape[2] for p, v in made if isinstance(p, HostFire))


@dataclass(frozen=True)
class HostShare:
    """A stage beside the cores. dense_macs: of a clip; share: of all dense MACs of a clip."""

    module: str
    neurons: int
    dense_macs: int
    share: float


def host_share(network: Network) -> HostShare | None:
    """What the host computes of a network; None where it computes nothing but a decision."""
    stage = network.host
    if stage is None:
        return None
    macs = host_dense_macs(stage)
    a_step = sum(dense_macs(network, p) for p in network.projections)
    on_cores = a_step * stage.shape[2] * network.persons
    return HostShare(stage.name, host_neurons(stage), macs, macs / (macs + on_cores))


class WorkCounter:
    """Counts the work of clips from the values that they made, (C, V, T) each."""

    def __init__(self, stage: HostStage, persons: int) -> None:
        self.stage, self.facts = stage, host_values(stage, persons)
        pairs = zip(stage.parts, self.facts[1:], strict=True)
        self._fan_outs = [_FAN_OUTS[type(p)](stage, p, v) for p, v in pairs]
        self._output = np.count_nonzero(stage.output, axis=0)

    def of(self, values: list[Values]) -> HostWork:
        """The work of one clip; values: the input's first."""
        total = HostWork()
        for part, fan_out, made in zip(
            self.stage.parts, self._fan_outs, self.facts[1:], strict=True
        ):
            if isinstance(part, HostFire):
                total += HostWork(neuron_updates=made.size)
                continue
            for source in sources_of(part):
                total += self._products(values[source], source, fan_out)
        counts = values[-1].sum(axis=(1, 2))
        return total + HostWork(macs=int(((counts != 0) * self._output).sum()))

    def _products(self, value: Values, source: int, fan_out: Any) -> HostWork:
        n = int(((value != 0) * fan_out).sum())
        fact = self.facts[source]
        return HostWork(acs=n) if fact.whole and fact.bound == 1 else HostWork(macs=n)


def _conv_fan_out(stage: HostStage, part: HostConv, made: HostValue) -> Values:
    """Targets of an entry with a weight that is not 0, (C, V, T)."""
    m: HostMap = stage.maps[part.map]
    _, per_group, kv, kt = m.weight.shape
    groups = m.weight.reshape(m.groups, -1, per_group, kv, kt)
    taps = np.count_nonzero(groups, axis=1).reshape(-1, kv, kt)  # by channel read
    found = np.zeros((len(taps), *made.shape[1:]), np.int64)
    for i in range(kv):
        for j in range(kt):
            rows, columns = (
                _reached(n, k, a) for n, k, a in ((made.shape[1], kv, i), (made.shape[2], kt, j))
            )
            found[:, rows, columns] += taps[:, i, j, None, None]
    return found


def _reached(size: int, kernel: int, tap: int) -> slice:
    """Entries that this tap brings to a target that exists."""
    shift = tap - kernel // 2  # the target lies so far before the entry
    return slice(max(shift, 0), max(size + min(shift, 0), 0))


def _transform_fan_out(stage: HostStage, part: HostTransform, made: HostValue) -> Values:
    taps = np.count_nonzero(part.weight, axis=(0, 1))
    return np.asarray(taps, np.int64)[:, None, :]


def _one(stage: HostStage, part: HostPart, made: HostValue) -> int:
    return 1


_FAN_OUTS: dict[type[HostPart], Callable[..., Any]] = {
    HostConv: _conv_fan_out,
    HostTransform: _transform_fan_out,
    HostFire: _one,
    HostAnd: _one,
    HostPool: _one,
    HostSum: _one,
}
