"""The host's stage executed: one code for every engine, on spikes that the engine recorded.

Sums of products are those of float64 matrices that hold whole numbers; below 2**53, which
`validation/host.py` proves, they are exact in any order of adding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.energy.host import HostWork, WorkCounter
from spikewatt.host import (
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
from spikewatt.network import DECAY_MAX
from spikewatt.validation.host import host_values

Values = npt.NDArray[np.int64]
DECAY_BITS = DECAY_MAX.bit_length() - 1


@dataclass(frozen=True, eq=False)
class HostOutcome:
    """What a stage found in N clips: what it adds to their read-outs, (N, groups), and its work."""

    sums: Values
    work: HostWork


def run_stage(stage: HostStage, counts: npt.NDArray[Any], persons: int = 1) -> HostOutcome:
    """Execute a stage. counts: (N, C, V, T), sums of the spikes that it reads, by clip."""
    counter = WorkCounter(stage, persons)
    wholes = [v.whole for v in counter.facts]
    sums = np.zeros((len(counts), len(stage.output)), np.int64)
    work = HostWork()
    for row, clip in zip(sums, counts, strict=True):
        values = stage_values(stage, clip.astype(np.int64), wholes)
        row[:] = stage.output.astype(np.int64) @ values[-1].sum(axis=(1, 2))
        work += counter.of(values)
    return HostOutcome(sums, work)


def stage_values(stage: HostStage, clip: Values, wholes: list[bool] | None = None) -> list[Values]:
    """Every value of a clip, (C, V, T) each, the sums of spikes first."""
    wholes = wholes or [v.whole for v in host_values(stage)]
    values = [clip]
    for part in stage.parts:
        read = [values[s] for s in sources_of(part)]
        values.append(_RUN[type(part)](stage, part, *read, wholes[sources_of(part)[0]]))
    return values


def _rounded(sums: npt.NDArray[np.float64], whole: bool) -> Values:
    """Sums of products, of whole values or of numbers, at the bits of a number."""
    shift = WEIGHT_BITS - (NUMBER_BITS if whole else 0)
    return np.asarray(np.rint(sums * 2.0**-shift), np.int64)


def _conv(stage: HostStage, part: HostConv, x: Values, whole: bool) -> Values:
    m = stage.maps[part.map]
    kv, kt = m.weight.shape[2:]
    _, places, steps = x.shape
    weight = m.weight.astype(np.float64).reshape(m.groups, -1, *m.weight.shape[1:])
    around = ((0, 0), (kv // 2, kv // 2), (kt // 2, kt // 2))
    padded = np.pad(x.astype(np.float64), around)
    sums = np.zeros((m.groups, weight.shape[1], places * steps))
    for i in range(kv):
        for j in range(kt):
            seen = padded[:, i : i + places, j : j + steps].reshape(m.groups, -1, places * steps)
            sums += weight[..., i, j] @ seen
    number = _rounded(sums, whole).reshape(-1, places, steps)
    return number + m.bias.astype(np.int64)[:, None, None]


def _transform(stage: HostStage, part: HostTransform, x: Values, whole: bool) -> Values:
    channels, steps, *_ = part.weight.shape
    rows = part.weight.astype(np.float64).reshape(channels * steps, -1)
    seen = x.transpose(0, 2, 1).reshape(rows.shape[1], -1).astype(np.float64)
    number = _rounded(rows @ seen, whole).reshape(channels, steps, -1)
    return number.transpose(0, 2, 1)


def _fire(stage: HostStage, part: HostFire, x: Values, whole: bool) -> Values:
    spikes, v = np.zeros_like(x), np.zeros_like(x[..., 0])
    for t in range(x.shape[-1]):
        kept = np.abs(v) * (DECAY_MAX - part.decay) >> DECAY_BITS
        v = np.sign(v) * kept + x[..., t]
        spikes[..., t] = v > part.threshold
        v = v * (1 - spikes[..., t])
    return spikes


def _and(stage: HostStage, part: HostAnd, x: Values, y: Values, whole: bool) -> Values:
    return x & y


def _pool(stage: HostStage, part: HostPool, x: Values, whole: bool) -> Values:
    return np.asarray(x.sum(axis=1, keepdims=True))


def _sum(stage: HostStage, part: HostSum, *values: Any) -> Values:
    *read, _ = values
    return np.asarray(sum(read))


_RUN: dict[type[HostPart], Callable[..., Values]] = {
    HostConv: _conv,
    HostTransform: _transform,
    HostFire: _fire,
    HostAnd: _and,
    HostPool: _pool,
    HostSum: _sum,
}
