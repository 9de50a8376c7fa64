"""Wires: what flows through a network while it is traced, in the place of tensors.

A wire's value is a sum of linear maps of populations' spikes, plus a bias. It offers the tensor
methods that spikewatt's blocks use and refuses others. `shape` is the shape of the tensor it
stands for; places and channels are those of the sources' populations, whatever the view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering import steps
from spikewatt.export.lowering.graph import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.host import HostTerm
from spikewatt.export.lowering.maps import (
    AttentionMap,
    ConvMap,
    Map,
    Places,
    SpreadMap,
    identity,
)

GATE_THRESHOLD = 1.5  # two spikes pass, one does not


@dataclass(frozen=True, eq=False)
class Wire:
    """sum of edges + bias; edges' maps end at these channels and places.

    bias: (C, X, Y). step_bias: (C, T), what a norm of single steps adds in each.
    """

    graph: FloatGraph
    shape: torch.Size
    channels: int
    places: Places
    edges: tuple[Edge, ...]
    bias: torch.Tensor
    averaged: bool = False  # the mean over steps has been taken
    at_end: bool = False  # the value after the last step stands for the whole clip
    step_bias: torch.Tensor | None = None
    host: HostTerm | None = None  # what a processor adds to the mean over steps
    joined: bool = False  # the mean over a clip's persons has been taken

    # what the value is

    @property
    def spikes_of(self) -> int | None:
        """The population whose spikes this is, exactly; None for anything else."""
        if len(self.edges) != 1 or bool(self.bias.any()) or len(self.edges[0].sources) != 1:
            return None
        if self.of_steps:
            return None
        source, m = self.edges[0].sources[0], self.edges[0].map
        plain = isinstance(m, ConvMap) and m.pointwise and m.groups == m.weight.shape[0]
        return source if plain and bool((m.weight == 1).all()) else None

    @property
    def of_steps(self) -> bool:
        """Whether steps have gains or biases of their own."""
        return self.step_bias is not None or any(e.gain is not None for e in self.edges)

    def mapped(self, m: Map, shape: Sequence[int], channels: int, places: Places) -> Wire:
        """The wire behind a linear map."""
        edges = tuple(steps.behind(e, m) for e in self.edges)
        assert not isinstance(m, AttentionMap)
        bias = m.apply(m.weight, self.bias[None, ..., None])[0, ..., 0]
        return replace(
            self,
            shape=torch.Size(shape),
            channels=channels,
            places=places,
            edges=edges,
            bias=bias.reshape(channels, *places),
            step_bias=steps.bias_behind(self.step_bias, m),
            host=None if self.host is None else self.host.mapped(m),
        )

    def affine(self, gain: torch.Tensor, shift: torch.Tensor) -> Wire:
        """Times gain plus shift, numbers or (C,)."""
        edges = tuple(steps.times(e, gain) for e in self.edges)
        bias = self.bias * gain.reshape(-1, 1, 1) + shift.reshape(-1, 1, 1)
        table = None if self.step_bias is None else self.step_bias * gain.reshape(-1, 1)
        host = None if self.host is None else self.host.scaled(gain)
        return replace(self, edges=edges, bias=bias, step_bias=table, host=host)

    def affine_by_step(self, gain: torch.Tensor, shift: torch.Tensor) -> Wire:
        """Times gain plus shift, both (C, T): each step by itself."""
        by_channel, edges, table = steps.shared(self.bias), self.edges, self.step_bias
        if by_channel is None:  # zeros behind the border
            edges = steps.with_bias(edges, self.bias)
        else:
            table = steps.together(table, by_channel[:, None])
        return replace(
            self,
            edges=tuple(steps.gained(e, gain) for e in edges),
            bias=torch.zeros_like(self.bias),
            step_bias=shift if table is None else table * gain + shift,
        )

    def viewed(self, shape: Sequence[int]) -> Wire:
        """Another view of the same neurons."""
        if prod(shape) != prod(self.shape):
            raise SpikewattError(f"A wire of shape {tuple(self.shape)} viewed as {tuple(shape)}.")
        return replace(self, shape=torch.Size(shape))

    def close(self, name: str, neuron: dict[str, Any]) -> Wire:
        """A population that receives this wire; the wire of its spikes."""
        if self.joined:
            raise SpikewattError(
                f"Neurons {name} read the mean over a clip's persons; on a chip each person is a "
                "clip of its own, and only the logits join them. Train with persons = 1 to export."
            )
        if self.host is not None:
            raise SpikewattError(
                f"Neurons {name} would receive what the host finds after the last step; only the "
                "logits can."
            )
        number, bias, table = len(self.graph.populations) + 1, self.bias, self.step_bias
        if table is not None and (by_channel := steps.shared(bias)) is not None:
            bias, table = torch.zeros_like(bias), table + by_channel[:, None]
        population = FloatPopulation(
            number, name, self.channels, self.places, edges=self.edges, bias=bias, **neuron
        )
        self.graph.populations.append(replace(population, step_bias=table))
        return self.fresh(number, self.shape, self.channels, self.places)

    def fresh(self, number: int, shape: Sequence[int], channels: int, places: Places) -> Wire:
        """The wire of a population's spikes."""
        edge = Edge((number,), identity(channels))
        bias = torch.zeros(channels, *places)
        return Wire(self.graph, torch.Size(shape), channels, places, (edge,), bias)

    # tensor methods

    def dim(self) -> int:
        return len(self.shape)

    def size(self, axis: int) -> int:
        return self.shape[axis]

    def __add__(self, other: Wire | float) -> Wire:
        if not isinstance(other, Wire):
            return self if other == 0 else self.affine(torch.ones(1), torch.tensor([float(other)]))
        if (self.channels, self.places) != (other.channels, other.places):
            raise SpikewattError(
                f"Branches of {self.channels} channels x {self.places} places and of "
                f"{other.channels} x {other.places} cannot be added."
            )
        if self.host is not None and other.host is not None:
            raise SpikewattError("Two stages of the host add to one value; one can be lowered.")
        return replace(
            self,
            edges=self.edges + other.edges,
            bias=self.bias + other.bias,
            step_bias=steps.together(self.step_bias, other.step_bias),
            host=self.host or other.host,
        )

    __radd__ = __add__

    def __mul__(self, other: Any) -> Wire:
        if isinstance(other, Wire):
            return gate(self, other)
        tensor = isinstance(other, torch.Tensor)
        value = other.detach() if tensor else torch.tensor([float(other)])
        if value.numel() > 1:
            raise SpikewattError(
                "A wire times a tensor: give the factor as a module of the network."
            )
        return self.affine(value.reshape(1), torch.zeros(1))

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Wire:
        return self * (1 / other)

    def flatten(self, start: int = 0, end: int = -1) -> Wire:
        """Join spatial axes."""
        n = len(self.shape)
        start, end = start % n, end % n
        if start < 1 or (end == n - 1 and not self.averaged and start < end):
            raise SpikewattError(f"A wire {tuple(self.shape)} flattens its places only.")
        if start == 1 and end > 1 and prod(self.places) > 1:
            raise SpikewattError("Channels and places flattened together: not a wire's view.")
        joined = prod(self.shape[start : end + 1])
        return self.viewed((*self.shape[:start], joined, *self.shape[end + 1 :]))

    def unflatten(self, axis: int, sizes: Sequence[int]) -> Any:
        """Split an axis of places; the first one, into clips and their persons."""
        axis %= len(self.shape)
        if axis == 0:
            if sizes[-1] != self.graph.persons:
                raise SpikewattError(
                    f"The network averages {sizes[-1]} persons; its clips have "
                    f"{self.graph.persons}. Trace it on clips of as many."
                )
            return Persons(self)
        return self.viewed((*self.shape[:axis], *sizes, *self.shape[axis + 1 :]))

    def unsqueeze(self, axis: int) -> Wire:
        """A further axis of one place."""
        axis %= len(self.shape) + 1
        return self.viewed((*self.shape[:axis], 1, *self.shape[axis:]))

    def squeeze(self, axis: int) -> Wire:
        """Without an axis of one."""
        axis %= len(self.shape)
        return self.viewed((*self.shape[:axis], *self.shape[axis + 1 :]))

    def permute(self, *order: int) -> Wire:
        """Another order of the view's axes; layers check that places come in theirs."""
        return self.viewed([self.shape[a] for a in order])

    def transpose(self, a: int, b: int) -> Wire:
        """Two axes of the view exchanged."""
        order = list(range(len(self.shape)))
        order[a], order[b] = order[b], order[a]
        return self.permute(*order)

    def expand(self, *shape: int) -> Wire:
        """The same values at further steps: only the last axis may grow."""
        if tuple(shape[:-1]) != tuple(self.shape[:-1]) or self.shape[-1] != 1:
            raise SpikewattError(f"A wire {tuple(self.shape)} cannot be expanded to {shape}.")
        return replace(self, shape=torch.Size(shape))

    def view(self, *shape: Any) -> Wire:
        """Another view; sizes one by one or as one tuple."""
        return self.viewed(shape[0] if len(shape) == 1 else shape)

    def chunk(self, count: int, dim: int = 0) -> tuple[Wire, ...]:
        """Equal groups of channels."""
        if dim % len(self.shape) != 1 or self.channels % count:
            raise SpikewattError(
                f"A wire of {self.channels} channels cut into {count} along {dim}."
            )
        return tuple(self.channels_of(rows) for rows in torch.arange(self.channels).chunk(count))

    def channels_of(self, rows: torch.Tensor) -> Wire:
        """Some of the channels."""
        take = torch.zeros(len(rows), self.channels, 1, 1)
        take[torch.arange(len(rows)), rows] = 1
        shape = (self.shape[0], len(rows), *self.shape[2:])
        return self.mapped(ConvMap(take), shape, len(rows), self.places)

    def split(self, size: int, dim: int = 0) -> tuple[Wire, ...]:
        """Groups of so many channels."""
        return self.chunk(self.channels // size, dim)

    def contiguous(self) -> Wire:
        return self

    def mean(self, dim: int | Sequence[int], keepdim: bool = False) -> Wire:
        """Over places, over the steps (the last axis), or both."""
        axes = _axes(dim, len(self.shape))
        last = len(self.shape) - 1
        over_steps = last in axes and not self.averaged
        space = [a for a in axes if a != last or self.averaged]
        size = prod(self.shape[a] for a in space)
        pooled = self._pooled(space, 1 / size) if space else self
        averaged = replace(pooled, averaged=self.averaged or over_steps)
        return averaged.without(axes, self.shape, keepdim)

    def sum(self, dim: int | Sequence[int], keepdim: bool = False) -> Wire:
        """Over places."""
        axes = _axes(dim, len(self.shape))
        if len(self.shape) - 1 in axes:
            raise SpikewattError("A sum over steps: take the mean.")
        return self._pooled(axes, 1.0).without(axes, self.shape, keepdim)

    def _pooled(self, axes: Sequence[int], weight: float) -> Wire:
        """Places summed along these axes of the view."""
        view = tuple(self.shape[2 : len(self.shape) - (not self.averaged)])
        if view == self.places:
            kernel = tuple(n if a + 2 in axes else 1 for a, n in enumerate(self.places))
        elif len([n for n in view if n > 1]) <= 1 or len(axes) == len(view):
            kernel = self.places  # flattened: all of them
        else:
            raise SpikewattError(f"Places {self.places} viewed as {view} cannot be summed in part.")
        places = tuple(n // k for n, k in zip(self.places, kernel, strict=True))
        pool = ConvMap(torch.full((self.channels, 1, *kernel), weight), groups=self.channels)
        return self.mapped(pool, self.shape, self.channels, places)  # type: ignore[arg-type]

    def without(self, axes: Sequence[int], shape: torch.Size, keepdim: bool) -> Wire:
        """The view after a reduction of these axes of a shape."""
        sizes = [1 if a in axes else n for a, n in enumerate(shape)]
        if not keepdim:
            sizes = [n for a, n in enumerate(sizes) if a not in axes]
        return replace(self, shape=torch.Size(sizes))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SpikewattError(
            f"The network uses {name!r} on its way, which is not a layer of synapses or neurons "
            "that export knows. Put it into a block with `on_wires`."
        )

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is torch.cat:
            return concat(*args, **(kwargs or {}))
        if func in (torch.Tensor.__mul__, torch.Tensor.mul, torch.mul):
            a, b = args
            return b * a if isinstance(b, Wire) and not isinstance(a, Wire) else a * b
        if func is torch.Tensor.__add__ or func is torch.add:
            a, b = args
            return b + a if isinstance(b, Wire) and not isinstance(a, Wire) else a + b
        raise SpikewattError(f"The network uses torch.{func.__name__}, which export cannot lower.")


@dataclass(frozen=True, eq=False)
class Persons:
    """A wire (N M, ...) seen as (N, M, ...): what there is to do with it is to take the mean.

    Whatever is linear behind it, a bias too, may as well be done for each person.
    """

    wire: Wire

    def mean(self, dim: int) -> Wire:
        """Over the persons of a clip."""
        if dim != 1:
            raise SpikewattError(f"Clips of several persons averaged over axis {dim}.")
        shape = torch.Size((1, *self.wire.shape[1:]))
        return replace(self.wire, shape=shape, joined=True)


def _axes(dim: int | Sequence[int], count: int) -> tuple[int, ...]:
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    return tuple(a % count for a in axes)


def _required(wire: Wire, what: str) -> int:
    number = wire.spikes_of
    if number is None:
        raise SpikewattError(f"{what} needs binary spikes of one population on both sides.")
    return number


def spread(wire: Wire, places: Places, shape: Sequence[int]) -> Wire:
    """One place's spikes at every place."""
    if wire.places == places:
        return wire
    return wire.mapped(SpreadMap(torch.ones(1), places), shape, wire.channels, places)


def gate(a: Wire, b: Wire) -> Wire:
    """a AND b, spike by spike: two unit synapses onto a neuron that forgets at once."""
    big, small = (a, b) if prod(a.places) >= prod(b.places) else (b, a)
    for wire in (a, b):
        _required(wire, "An AND gate")
    both = big + spread(small, big.places, big.shape)
    neuron = {"i_decay": 4096, "v_decay": 4096, "threshold": GATE_THRESHOLD, "exact": True}
    return both.close(both.graph.path_of("gate"), neuron)


def concat(wires: Sequence[Wire], dim: int = 0) -> Wire:
    """Channels joined: each wire's channels embedded among all."""
    if dim % len(wires[0].shape) != 1:
        raise SpikewattError("Wires are joined along channels only.")
    total = sum(w.channels for w in wires)
    parts, first = [], 0
    for wire in wires:
        embed = torch.zeros(total, wire.channels, 1, 1)
        embed[first : first + wire.channels, :, 0, 0] = torch.eye(wire.channels)
        shape = (wire.shape[0], total, *wire.shape[2:])
        parts.append(wire.mapped(ConvMap(embed), shape, total, wire.places))
        first += wire.channels
    out = parts[0]
    for part in parts[1:]:
        out = out + part
    return out


def attention(q: Wire, k: Wire, v: Wire, heads: int, scale: float) -> Wire:
    """scale * Q K^T V of spikes; the places of the view's last axis attend to each other."""
    sources = tuple(_required(w, "Attention") for w in (q, k, v))
    blocks = prod(q.places) // q.shape[-2]
    edge = Edge(sources, AttentionMap(torch.tensor([float(scale)]), heads, blocks))
    return replace(q, edges=(edge,), bias=torch.zeros_like(q.bias))


def over_the_clip(wire: Wire, kernel: torch.Tensor, bias: torch.Tensor) -> Wire:
    """y = sum over steps t and places of K[t] x[t] + b: step t waits T - 1 - t steps.

    kernel: (C out, C in, X, Y, T) with the wire's places; bias: (C out,).
    """
    source = _required(wire, "A kernel over the whole clip")
    last, channels = kernel.shape[-1] - 1, len(kernel)
    edges = tuple(
        Edge((source,), ConvMap(kernel[..., t].clone()), last - t) for t in range(last + 1)
    )
    shape = torch.Size((wire.shape[0], channels))
    values = bias.reshape(channels, 1, 1)
    return Wire(wire.graph, shape, channels, (1, 1), edges, values, at_end=True)
