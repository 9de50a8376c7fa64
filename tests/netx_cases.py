"""Networks for the tests of the NetX codec, and what makes two of them equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from math import prod
from typing import Any

import numpy as np
import random_networks as rn

from spikewatt.export.netx.effective import effective
from spikewatt.export.netx.order import listed, spread
from spikewatt.network import (
    Conv,
    ConvTranspose,
    Dense,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    ResonateFire,
    Sparse,
    StartRule,
)


def facts(value: Any, without: tuple[str, ...] = ()) -> Any:
    """Everything a network says, comparable.

    Listed synapses in any order are equal, and delays of 0 are none.
    """
    if isinstance(value, Sparse):
        delay = np.zeros_like(value.weight) if value.delay is None else value.delay
        columns = [value.targets, value.sources, value.weight, delay]
        rows = sorted(zip(*(c.tolist() for c in columns), strict=True))
        return "sparse", rows, value.shape, value.dense_macs, value.repeats
    if isinstance(value, np.ndarray):
        return value.shape, value.tolist()
    if is_dataclass(value):
        names = [f.name for f in fields(value) if f.name not in without]
        return type(value).__name__, {n: _field(value, n) for n in names}
    if isinstance(value, Mapping):
        return {k: facts(v) for k, v in value.items()}
    return [facts(v) for v in value] if isinstance(value, tuple | list) else value


def _field(value: Any, name: str) -> Any:
    entry = getattr(value, name)
    none = name in ("delay", "axon_delay") and isinstance(entry, np.ndarray) and not entry.any()
    return None if none else facts(entry)


def safe_dense(rng, source: int, target: int, delays: bool = True) -> Dense:
    """Dense synapses that lava-dl computes as they are stored."""
    while True:
        dense = rn.dense(rng, source, target)
        kept = effective(dense.weight)
        if dense.weight.any() and np.array_equal(kept.weight, dense.weight):
            return dense if delays else Dense(dense.weight)


class _Chain:
    """Adds layers to a chain, numbered as a file numbers them."""

    def __init__(self, rng) -> None:
        self.rng, self.next, self.types = rng, 0, {}
        self.populations, self.projections = [], []
        self.source, self.shape, self.tensor = 0, (), True
        self.depths = {0: 0}

    def add(self, kind: str) -> int:
        self.types[self.next] = kind
        self.next += 1
        return self.next - 1

    def begin(self) -> Input:
        shape = tuple(int(n) for n in self.rng.integers(1, (6, 6, 4)))
        self.shape = shape if self.rng.random() < 0.7 else (prod(shape),)
        self.add("input")
        entry, self.populations = rn.entry(self.rng, self.shape)
        driven = bool(self.populations)
        return replace(entry, scale=40, offset=-3) if driven else entry

    def populate(self, layer: int, shape, neuron=None) -> Population:
        neuron = neuron or rn.pick(self.rng, *rn.NEURONS)(self.rng)
        found = rn.population(self.rng, layer, shape, neuron=neuron)
        self.populations.append(found)
        self.depths[layer] = self.depths[self.source] + 1
        self.source, self.shape = layer, found.shape
        return found

    def project(self, layer: int, *synapses, **kwargs) -> None:
        for part, s in zip(("real", "imag"), synapses, strict=False):
            self.projections.append(Projection(self.source, layer, s, part=part, **kwargs))

    def kernels(self) -> None:
        found = rn.kernels(self.rng, self.shape) if self.tensor else None
        if found is None:
            return
        synapses, shape = found
        names = {Conv: "conv", ConvTranspose: "convT"}
        kind = names.get(type(synapses), type(synapses).__name__.lower())
        layer, parts = self.add(kind), [synapses]
        neuron = rn.pick(self.rng, *rn.NEURONS)(self.rng)
        if isinstance(neuron, ResonateFire) and self.rng.random() < 0.7:
            parts.append(replace(synapses, weight=rn.weights(self.rng, *synapses.weight.shape)))
        self.project(layer, *parts)
        self.populate(layer, shape, neuron)

    def flatten(self) -> None:
        if self.tensor and spread(self.shape):
            self.add("flatten")

    def dense(self) -> None:
        self.flatten()
        rng, size, target = self.rng, prod(self.shape), rn.pick(self.rng, (5,), (3,), (2, 1, 3))
        dense = safe_dense(rng, size, prod(target))
        synapses = self.sparse(dense) if rng.random() < 0.4 else dense
        waits = {"delay": int(rng.integers(3))} if rng.random() < 0.3 else {}
        if rng.random() < 0.3:
            waits["axon_delay"] = rn.delays(rng, size)
        layer = self.add("dense")
        self.project(layer, synapses, **waits)
        self.populate(layer, target)
        self.tensor = False

    def sparse(self, dense: Dense) -> Sparse:
        """Its synapses, and stored zeros."""
        zeros = np.argwhere((dense.weight == 0) & (self.rng.random(dense.weight.shape) < 0.3))
        return listed(dense, 99, zeros.astype(np.int32) if len(zeros) else None)

    def recurrent(self) -> None:
        self.flatten()
        size = prod(self.shape)
        while True:
            whole = safe_dense(self.rng, size + 4, 4, delays=False).weight
            parts = np.ascontiguousarray(whole[:, :size]), np.ascontiguousarray(whole[:, size:])
            if all(np.array_equal(effective(w, whole).weight, w) for w in parts):
                break
        layer = self.add("dense_rec")
        self.project(layer, Dense(parts[0]))
        self.projections.append(Projection(layer, layer, Dense(parts[1])))
        self.populate(layer, (4,))
        self.tensor = False

    def complex(self) -> None:
        self.flatten()
        size = prod(self.shape)
        parts = [safe_dense(self.rng, size, 4, delays=False) for _ in range(2)]
        layer = self.add(rn.pick(self.rng, "dense", "dense_comp"))
        self.project(layer, *parts)
        self.populate(layer, (4,), rn.resonator(self.rng))
        self.tensor = False

    def concat(self) -> None:
        """The last two populations, where a file has an order for them."""
        if len(self.populations) < 2:
            return
        ends = [p for p in self.populations[-2:]]
        if any(spread(p.shape) for p in ends) or len({p.shape[:-1] for p in ends}) > 1:
            return
        self.add("concat")
        if len(ends[0].shape) == 3 and spread((1, 1, ends[0].shape[2])) and self.rng.random() < 0.5:
            self.add("flatten")
        layer, order = self.add("dense"), self.rng.permutation(2)
        for end in (ends[i] for i in order):
            wait = self.depths[self.source] - self.depths[end.layer]
            weight = Dense(rn.weights(self.rng, 3, end.size))
            self.projections.append(Projection(end.layer, layer, weight, wait))
        self.populate(layer, (3,))
        self.tensor = False


def chain(seed: int) -> Network:
    """A random chain of all layer and neuron types with everything a file can say."""
    rng = np.random.default_rng(seed)
    build = _Chain(rng)
    entry = build.begin()
    for _ in range(rng.integers(0, 3)):
        build.kernels()
    for _ in range(rng.integers(1, 4)):
        rn.pick(rng, build.dense, build.dense, build.recurrent, build.complex, build.concat)()
    if not build.projections:
        build.dense()
    size = build.populations[-1].size
    readout = rn.pick(rng, None, Readout("membrane", size), Readout("rate", 1, size))
    flat = not (build.tensor and spread(build.shape))
    if readout and readout.kind == "rate" and flat:
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
