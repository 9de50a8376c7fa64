"""The host's stage by its definition, entry by entry in Python's own integers; and random ones.

Nothing here is shared with the package but the records.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from spikewatt.host import (
    HostAnd,
    HostConv,
    HostFire,
    HostMap,
    HostPool,
    HostStage,
    HostSum,
    HostTransform,
)


def _number(products: int, whole: bool) -> int:
    """To 12 bits; Python rounds halves to even."""
    return round(Fraction(products, 2**4 if whole else 2**16))


class Oracle:
    """Values of a clip as dictionaries of entries, and the operations that made them."""

    def __init__(self, stage: HostStage, clip: Any) -> None:
        self.stage, self.macs, self.acs, self.updates = stage, 0, 0, 0
        self.values = [clip.astype(object)]
        self.kinds = ["sums" if len(stage.inputs) > 1 else "spikes"]
        for part in stage.parts:
            kind, value = getattr(self, type(part).__name__)(part)
            self.values.append(value)
            self.kinds.append(kind)

    def _count(self, source: int) -> None:
        if self.kinds[source] == "spikes":
            self.acs += 1
        else:
            self.macs += 1

    def HostConv(self, part: HostConv) -> tuple[str, Any]:
        m, x = self.stage.maps[part.map], self.values[part.source]
        outs, per_group, kv, kt = m.weight.shape
        _, places, steps = x.shape
        y = np.zeros((outs, places, steps), object)
        for o, v, t in product(range(outs), range(places), range(steps)):
            total, group = 0, o // (outs // m.groups)
            for c, i, j in product(range(per_group), range(kv), range(kt)):
                a, b, source = v + i - kv // 2, t + j - kt // 2, group * per_group + c
                w = int(m.weight[o, c, i, j])
                if 0 <= a < places and 0 <= b < steps and w and x[source, a, b]:
                    total += w * x[source, a, b]
                    self._count(part.source)
            y[o, v, t] = _number(total, self.kinds[part.source] != "numbers") + int(m.bias[o])
        return "numbers", y

    def HostTransform(self, part: HostTransform) -> tuple[str, Any]:
        x = self.values[part.source]
        d, s, channels, steps = part.weight.shape
        y = np.zeros((d, x.shape[1], s), object)
        for o, t, v in product(range(d), range(s), range(x.shape[1])):
            total = 0
            for c, u in product(range(channels), range(steps)):
                w = int(part.weight[o, t, c, u])
                if w and x[c, v, u]:
                    total += w * x[c, v, u]
                    self._count(part.source)
            y[o, v, t] = _number(total, self.kinds[part.source] != "numbers")
        return "numbers", y

    def HostFire(self, part: HostFire) -> tuple[str, Any]:
        x = self.values[part.source]
        y = np.zeros(x.shape, object)
        for c, v in product(*map(range, x.shape[:2])):
            state = 0
            for t in range(x.shape[2]):
                kept = abs(state) * (4096 - part.decay) // 4096
                state = (kept if state >= 0 else -kept) + x[c, v, t]
                self.updates += 1
                if state > part.threshold:
                    y[c, v, t], state = 1, 0
        return "spikes", y

    def HostAnd(self, part: HostAnd) -> tuple[str, Any]:
        x, other = self.values[part.source], self.values[part.other]
        self.acs += np.count_nonzero(x) + np.count_nonzero(other)
        return "spikes", x * other

    def HostPool(self, part: HostPool) -> tuple[str, Any]:
        x = self.values[part.source]
        for _ in range(np.count_nonzero(x)):
            self._count(part.source)
        kind = self.kinds[part.source] if x.shape[1] == 1 else "sums"
        return kind, x.sum(axis=1, keepdims=True)

    def HostSum(self, part: HostSum) -> tuple[str, Any]:
        for source in part.sources:
            for _ in range(np.count_nonzero(self.values[source])):
                self._count(source)
        kind = self.kinds[part.sources[0]] if len(part.sources) == 1 else "sums"
        return kind, sum(self.values[s] for s in part.sources)

    @property
    def sums(self) -> list[int]:
        """What is added to each group of the read-out."""
        counts = self.values[-1].sum(axis=(1, 2))
        self.macs += sum(
            bool(w) and bool(n)
            for row in self.stage.output
            for w, n in zip(row, counts, strict=True)
        )
        return [
            sum(int(w) * n for w, n in zip(row, counts, strict=True)) for row in self.stage.output
        ]


def random_stage(rng: np.random.Generator, inputs: tuple[int, ...], groups: int) -> HostStage:
    """Every kind of part, shapes and weights at random."""
    channels, places, steps = (int(n) for n in rng.integers((1, 1, 2), (4, 4, 6)) * (2, 1, 1))

    def integers(low: int, high: int, *shape: int) -> Any:
        kept = rng.random(shape) < 0.8
        return (rng.integers(low, high, shape) * kept).astype(np.int32)

    def kernel(outs: int, ins: int, split: int) -> HostMap:
        odd = (int(n) for n in rng.choice([1, 3], 2))
        weight = integers(-(2**16), 2**16, outs, ins // split, *odd)
        return HostMap(weight, integers(-3000, 3000, outs), split)

    maps = (kernel(4, channels, 2), kernel(channels, 4, 1), kernel(channels, channels, channels))
    fire = [int(n) for n in rng.integers(0, 4096, 3)]
    transform = integers(-(2**15), 2**16, 4, steps, 4, steps)
    parts = (
        HostConv(0, 0),
        HostTransform(1, transform),
        HostConv(2, 1),
        HostFire(3, fire[0], fire[1]),
        HostConv(4, 2),
        HostFire(5, 4096 if rng.random() < 0.3 else 0, 0),
        HostAnd(4, 6),
        HostPool(7),
        HostConv(8, 2),
        HostFire(9, fire[2], 500),
        HostAnd(6, 10),
        HostSum((4, 11, 6)),
        HostPool(12),
        HostConv(13, 2),
        HostFire(14, 100, 20),
    )
    output = integers(-(2**20), 2**20, groups, channels)
    return HostStage("waves", inputs, (channels, places, steps), maps, parts, output)
