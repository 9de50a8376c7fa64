"""Networks for the tests of the NetX codec, and what makes two of them equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import prod
from typing import Any

import numpy as np
import random_networks as rn

from spikewatt.export.netx.effective import effective
from spikewatt.export.netx.order import listed, spread
from spikewatt.network import (
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    Sparse,
    StartRule,
)


def facts(value: Any, without: tuple[str, ...] = ()) -> Any:
    """Everything a network says, comparable; listed synapses in any order are equal."""
    if isinstance(value, Sparse):
        columns = [value.targets, value.sources, value.weight]
        columns += [] if value.delay is None else [value.delay]
        rows = sorted(zip(*(c.tolist() for c in columns), strict=True))
        return "sparse", rows, value.shape, value.dense_macs, value.delay is None
    if isinstance(value, np.ndarray):
        return value.shape, value.tolist()
    if is_dataclass(value):
        names = [f.name for f in fields(value) if f.name not in without]
        return type(value).__name__, {n: facts(getattr(value, n)) for n in names}
    if isinstance(value, Mapping):
        return {k: facts(v) for k, v in value.items()}
    return [facts(v) for v in value] if isinstance(value, tuple | list) else value


def safe_dense(rng, source: int, target: int) -> Dense:
    """Dense synapses that lava-dl computes as they are stored."""
    while True:
        dense = rn.dense(rng, source, target)
        kept = effective(dense.weight)
        if dense.weight.any() and np.array_equal(kept.weight, dense.weight):
            return dense


class _Chain:
    """Adds layers to a chain, numbered as a file numbers them."""

    def __init__(self, rng) -> None:
        self.rng, self.next, self.types = rng, 0, {}
        self.populations, self.projections = [], []
        self.source, self.shape, self.tensor = 0, (), True

    def add(self, kind: str) -> int:
        self.types[self.next] = kind
        self.next += 1
        return self.next - 1

    def begin(self) -> Input:
        shape = tuple(int(n) for n in self.rng.integers(1, (6, 6, 4)))
        self.shape = shape if self.rng.random() < 0.7 else (prod(shape),)
        drives = self.rng.random() < 0.4
        bits = 0 if drives else int(rn.pick(self.rng, 0, 0, 8))
        entry = Input(self.add("input"), self.shape, bits, drives)
        if drives:
            entry = Input(entry.layer, entry.shape, 0, True, scale=40, offset=-3)
            self.populations.append(rn.population(self.rng, 0, self.shape, driven=True))
        return entry

    def join(self, layer: int, synapses, shape) -> None:
        self.projections.append(Projection(self.source, layer, synapses))
        self.populations.append(rn.population(self.rng, layer, shape))
        self.source, self.shape = layer, shape

    def conv(self) -> None:
        found = rn.conv(self.rng, self.shape) if len(self.shape) == 3 else None
        if found is not None:
            self.join(self.add("conv"), *found)

    def dense(self) -> None:
        if self.tensor and spread(self.shape):
            self.add("flatten")
        target = rn.pick(self.rng, (5,), (3,), (2, 1, 3))
        dense = safe_dense(self.rng, prod(self.shape), prod(target))
        sparse = self.rng.random() < 0.4
        self.join(self.add("dense"), listed(dense, 99) if sparse else dense, target)
        self.tensor = False


def chain(seed: int) -> Network:
    """A random chain of conv, flatten, dense and sparse layers with everything a file can say."""
    rng = np.random.default_rng(seed)
    build = _Chain(rng)
    entry = build.begin()
    for _ in range(rng.integers(0, 3)):
        build.conv()
    for _ in range(rng.integers(1, 3)):
        build.dense()
    size = build.populations[-1].size
    readout = rn.pick(rng, None, Readout("membrane", size), Readout("rate", 1, size))
    if readout and readout.kind == "rate":
        readout = Readout("rate", 1, size, build.add("average"))
    named = readout is not None and rng.random() < 0.5
    return Network(
        input=entry,
        populations=tuple(build.populations),
        projections=tuple(build.projections),
        start=rn.pick(rng, None, *StartRule),
        readout=readout,
        classes=tuple(f"größe {i}" for i in range(readout.groups)) if named else (),
        encoder=rn.pick(rng, None, {"kind": "delta", "limits": [0.5, 2]}),
        training=rn.pick(rng, {}, {"epochs": 3, "data": "synthetic"}),
        layer_types=build.types,
    )


def joined(entry: Input, *layers) -> Network:
    """A chain of (number, shape, neuron, synapses, bias)."""
    before, populations, projections = entry.layer, [], []
    for number, shape, neuron, synapses, bias in layers:
        populations.append(Population(number, shape, neuron, bias))
        projections.append(Projection(before, number, synapses))
        before = number
    return Network(entry, tuple(populations), tuple(projections))


def small(weight, neuron, bias=None) -> Network:
    """Two inputs and as many neurons as the weight has rows."""
    weight = np.array(weight, np.int32)
    return Network(
        input=Input(0, (weight.shape[1],)),
        populations=(Population(1, (weight.shape[0],), neuron, bias),),
        projections=(Projection(0, 1, Dense(weight)),),
    )
