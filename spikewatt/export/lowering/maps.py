"""Linear maps between populations: how they act, compose, and become synapses.

A population has places (X, Y) and channels; a tensor of its spikes is (N, C, X, Y, T). Each map
is a geometry with a weight, all of whose entries become synapses of one kind:

- `ConvMap`: y[o, p] = sum over taps and i of W[o, i, tap] x[i, stride p + tap - padding]
- `JointMap`: y[o, v] = sum over pairs (v, u) and i of W[pair, o, i] x[i, u], the same in each block
- `SpreadMap`: y[c, p] = w x[c], from one place to all of them
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch.nn import functional

from spikewatt.errors import SpikewattError
from spikewatt.network import Attention, Conv, Dense, IntArray, Shape, Sparse, Synapses

Places = tuple[int, int]
ONE = (1, 1)


@dataclass(frozen=True, eq=False)
class ConvMap:
    """A convolution over places; weight (C out, C in / groups, kernel x, kernel y)."""

    weight: torch.Tensor
    stride: Places = ONE
    padding: Places = (0, 0)
    groups: int = 1

    @property
    def pointwise(self) -> bool:
        """Whether it mixes channels only."""
        return self.weight.shape[2:] == ONE and self.stride == ONE and self.padding == (0, 0)

    def places(self, source: Places) -> Places:
        """Places of the target."""
        return tuple(
            (n + 2 * p - k) // s + 1
            for n, p, k, s in zip(
                source, self.padding, self.weight.shape[2:], self.stride, strict=True
            )
        )  # type: ignore[return-value]

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, X, Y, T) -> (N, C out, X', Y', T) with this geometry and any weight."""
        return functional.conv3d(
            x, weight[..., None], None, (*self.stride, 1), (*self.padding, 0), 1, self.groups
        )

    def full(self) -> torch.Tensor:
        """The weight without groups, (C out, C in, kernel x, kernel y)."""
        if self.groups == 1:
            return self.weight
        out, per_group = self.weight.shape[:2]
        full = self.weight.new_zeros(out, per_group * self.groups, *self.weight.shape[2:])
        for g, rows in enumerate(torch.arange(out).chunk(self.groups)):
            full[rows, g * per_group : (g + 1) * per_group] = self.weight[rows]
        return full

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Synapses:
        """Synapses with integer weights of this map's weight shape; all-to-all is dense."""
        conv = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
        if self.groups == 1 and target[:2] == ONE and weight.shape[2:] == source[:2]:
            return Dense(conv.reshape(len(conv), -1))
        return Conv(conv, self.stride, self.padding, groups=self.groups)


@dataclass(frozen=True, eq=False)
class JointMap:
    """Channels mixed along listed pairs of places, the same in each of `blocks` blocks.

    weight: (pairs, C out, C in); pairs: target and source place of each, within a block of
    `joints` (targets, sources) places. Blocks follow each other in flat (x, y) order.
    """

    weight: torch.Tensor
    targets: torch.Tensor
    sources: torch.Tensor
    joints: Places  # places of a block at the target and at the source
    blocks: int = 1
    macs: int = 0  # as papers count them, for one step

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, X, Y, T) -> (N, C out, X, Y, T)."""
        n, c, *space, t = x.shape
        by_place = x.reshape(n, c, self.blocks, self.joints[1], t).permute(3, 1, 0, 2, 4)
        by_place = by_place.reshape(self.joints[1], c, -1)
        # index_select and index_add, whose sums and gradients come in a fixed order
        sent = torch.bmm(weight, by_place.index_select(0, self.sources))
        z = sent.new_zeros(self.joints[0], *sent.shape[1:]).index_add(0, self.targets, sent)
        z = z.view(self.joints[0], -1, n, self.blocks, t).permute(2, 1, 3, 0, 4)
        if self.joints[0] == self.joints[1]:
            return z.reshape(n, -1, *space, t)
        return z.reshape(n, -1, self.blocks, self.joints[0], t)

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses; an integer weight of 0 is not listed."""
        _, c_out, c_in = weight.shape
        targets, sources = (np.asarray(i)[:, None, None] for i in (self.targets, self.sources))
        at = targets * c_out + np.arange(c_out)[:, None], sources * c_in + np.arange(c_in)
        stored = weight != 0
        flat = [np.broadcast_to(a, weight.shape)[stored].astype(np.int32) for a in at]
        shape = (prod(target), prod(source))
        return Sparse(*flat, weight[stored], shape, self.macs, repeats=self.blocks)


@dataclass(frozen=True, eq=False)
class PlaceMap:
    """y[c, p] = g[c, p] x[c, p]: a gain of its own for each neuron; weight (C, X, Y)."""

    weight: torch.Tensor

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C, X, Y, T) -> same."""
        return weight[None, ..., None] * x

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses, one a neuron."""
        index = np.arange(prod(target), dtype=np.int32)
        flat = weight.transpose(1, 2, 0).reshape(-1)
        return Sparse(index, index, flat, (index.size, index.size), index.size)


@dataclass(frozen=True, eq=False)
class ListedMap:
    """y[t] = sum of w x[s] over listed pairs of neurons (t, s), both in flat (x, y, c) order."""

    weight: torch.Tensor  # (pairs,)
    targets: torch.Tensor
    sources: torch.Tensor
    target: Shape
    macs: int

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C in, X, Y, T) -> (N, C out, X', Y', T)."""
        n, t = x.shape[0], x.shape[-1]
        flat = x.permute(2, 3, 1, 0, 4).reshape(-1, n * t)
        sent = flat.index_select(0, self.sources) * weight[:, None]
        z = sent.new_zeros(prod(self.target), n * t).index_add(0, self.targets, sent)
        return z.view(*self.target, n, t).permute(3, 2, 0, 1, 4)

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses; an integer weight of 0 is not listed."""
        stored = weight != 0
        pairs = [i.numpy()[stored].astype(np.int32) for i in (self.targets, self.sources)]
        return Sparse(*pairs, weight[stored], (prod(target), prod(source)), self.macs)


@dataclass(frozen=True, eq=False)
class SpreadMap:
    """From one place to every place, channel by channel; weight (1,)."""

    weight: torch.Tensor
    target_places: Places

    def apply(self, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(N, C, 1, 1, T) -> (N, C, X, Y, T)."""
        return weight * x.expand(-1, -1, *self.target_places, -1)

    def lower(self, weight: IntArray, source: Shape, target: Shape) -> Sparse:
        """Listed synapses, one a neuron of the target."""
        size, channels = prod(target), target[-1]
        index = np.arange(size, dtype=np.int32)
        values = np.full(size, weight[0], np.int32)
        return Sparse(index, index % channels, values, (size, channels), size)


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """w Q K^T V between the places of one step; weight (1,). It has three sources, q, k and v.

    Places in flat order fall into `blocks` equal groups, whose places attend among themselves.
    """

    weight: torch.Tensor
    heads: int
    blocks: int = 1

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(N, heads D, X, Y, T) -> (N, heads, blocks, T, tokens, D)."""
        n, c, places, t = x.flatten(2, 3).shape
        split = x.reshape(n, self.heads, c // self.heads, self.blocks, places // self.blocks, t)
        return split.permute(0, 1, 3, 5, 4, 2)

    def apply(
        self, weight: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        """(N, C, X, Y, T) three times -> (N, C, X, Y, T)."""
        queries, keys, values = (self._split(x) for x in (q, k, v))
        mixed = queries @ (keys.transpose(-1, -2) @ values)
        return weight * mixed.permute(0, 1, 5, 2, 4, 3).reshape(q.shape)

    def lower(self, weight: IntArray, sources: tuple[int, ...], shape: Shape) -> Attention:
        """Attention synapses, in the order of products that has fewer dense operations."""
        tokens, size = prod(shape[:2]) // self.blocks, shape[2] // self.heads
        _, keys, values = sources
        return Attention(weight, self.heads, keys, values, self.blocks, tokens_first=tokens < size)


Map = ConvMap | JointMap | PlaceMap | ListedMap | SpreadMap | AttentionMap


def identity(channels: int) -> ConvMap:
    """Every channel to itself."""
    return ConvMap(torch.ones(channels, 1, 1, 1), groups=channels)


def scaled(m: Map, gain: torch.Tensor) -> Map:
    """The map times a gain, a number or (C out,)."""
    if isinstance(m, ConvMap):
        return replace(m, weight=m.weight * gain.reshape(-1, 1, 1, 1))
    if isinstance(m, JointMap):
        return replace(m, weight=m.weight * gain.reshape(-1, 1))
    if isinstance(m, PlaceMap):
        return replace(m, weight=m.weight * gain.reshape(-1, 1, 1))
    if isinstance(m, ListedMap):
        of_target = gain.expand(m.target[-1])[m.targets % m.target[-1]]
        return replace(m, weight=m.weight * of_target)
    if gain.numel() > 1 and not bool((gain == gain.reshape(-1)[0]).all()):
        raise SpikewattError("A map without channels of its own cannot be scaled by channel.")
    return replace(m, weight=m.weight * gain.reshape(-1)[:1])


def _conv_after_conv(first: ConvMap, then: ConvMap) -> ConvMap:
    if first.groups == then.groups == first.weight.shape[0] == then.weight.shape[0] and (
        first.weight.shape[1] == 1 and (first.pointwise or then.pointwise)
    ):
        inner, outer = (first, then) if then.pointwise else (then, first)
        return replace(inner, weight=inner.weight * outer.weight)
    if first.pointwise:
        kernel = torch.einsum("omxy,mi->oixy", then.full(), first.full()[..., 0, 0])
        return replace(then, weight=kernel, groups=1)
    if then.pointwise:
        kernel = torch.einsum("om,mixy->oixy", then.full()[..., 0, 0], first.full())
        return replace(first, weight=kernel, groups=1)
    raise SpikewattError("Two convolutions with kernels and no neuron between do not merge.")


def _conv_of_places(first: PlaceMap, then: ConvMap) -> ListedMap:
    """The taps of a convolution one by one, each times the gain of the neuron it reads."""
    channels, *source = first.weight.shape
    places = then.places((source[0], source[1]))
    full = then.full()
    out, _, kx, ky = full.shape
    number = np.arange(prod(source) * channels).reshape(*source, channels)
    padded = np.pad(number, [(p, p) for p in then.padding] + [(0, 0)], constant_values=-1)
    targets = np.arange(prod(places)).reshape(places)[..., None, None] * out
    listed = []
    for i, j in np.ndindex(kx, ky):
        ends = [a + s * (n - 1) + 1 for a, s, n in zip((i, j), then.stride, places, strict=True)]
        seen = padded[i : ends[0] : then.stride[0], j : ends[1] : then.stride[1]][..., None, :]
        to = targets + np.arange(out)[:, None]
        shape = np.broadcast_shapes(seen.shape, to.shape)
        weight = np.broadcast_to(full[:, :, i, j].numpy(), shape)
        parts = [np.broadcast_to(a, shape)[np.broadcast_to(seen, shape) >= 0] for a in (to, seen)]
        listed.append((*parts, weight[np.broadcast_to(seen, shape) >= 0]))
    to, seen, weight = (torch.as_tensor(np.concatenate(a)) for a in zip(*listed, strict=True))
    gains = first.weight.permute(1, 2, 0).reshape(-1)
    macs = full.numel() * prod(places)
    return ListedMap(weight * gains[seen], to, seen, (*places, out), macs)


def _matrix(m: ListedMap, sources: int) -> sparse.csr_matrix:
    pairs = (m.targets.numpy(), m.sources.numpy())
    return sparse.csr_matrix((m.weight.numpy(), pairs), shape=(prod(m.target), sources))


def _conv_of_listed(first: ListedMap, then: ConvMap) -> ListedMap:
    """The product of two sparse matrices."""
    channels = first.target[2]
    ones = PlaceMap(torch.ones(channels, *first.target[:2]))
    second = _conv_of_places(ones, then)
    sources = int(first.sources.max()) + 1
    both = (_matrix(second, prod(first.target)) @ _matrix(first, sources)).tocoo()
    weight, to, seen = (torch.as_tensor(a) for a in (both.data, both.row, both.col))
    return ListedMap(weight, to.long(), seen.long(), second.target, first.macs + second.macs)


def _joints_of_places(first: PlaceMap, then: JointMap) -> JointMap:
    """Pairs of joints, each times the gain of the joint it reads."""
    gains = first.weight.flatten(1)  # (C in, places)
    if then.blocks != 1:
        raise SpikewattError("Gains of single places in front of a graph over several frames.")
    return replace(then, weight=then.weight * gains[:, then.sources].T[:, None, :])


def compose(first: Map, then: Map) -> Map:
    """The one map that does `first`, then `then`; SpikewattError where there is none."""
    if isinstance(first, ConvMap) and isinstance(then, ConvMap):
        return _conv_after_conv(first, then)
    if isinstance(first, ConvMap) and isinstance(then, JointMap) and first.pointwise:
        return replace(then, weight=then.weight @ first.full()[..., 0, 0])
    if isinstance(first, JointMap) and isinstance(then, ConvMap) and then.pointwise:
        return replace(first, weight=then.full()[..., 0, 0] @ first.weight)
    if isinstance(first, PlaceMap) and isinstance(then, ConvMap):
        return _conv_of_places(first, then)
    if isinstance(first, ListedMap) and isinstance(then, ConvMap):
        return _conv_of_listed(first, then)
    if isinstance(first, PlaceMap) and isinstance(then, JointMap):
        return _joints_of_places(first, then)
    if isinstance(then, PlaceMap) and is_scalar(first):
        return replace(then, weight=then.weight * first.weight.reshape(-1)[0])
    if isinstance(then, SpreadMap) and is_scalar(first):
        return scaled(then, first.weight.reshape(-1)[:1])
    if isinstance(first, AttentionMap | SpreadMap) and is_scalar(then):
        return scaled(first, then.weight.reshape(-1)[:1])
    raise SpikewattError(
        f"{type(then).__name__} behind {type(first).__name__} is not one layer of synapses; a "
        "neuron has to stand between."
    )


def is_scalar(m: Map) -> bool:
    """Whether the map multiplies everything by one number."""
    if not isinstance(m, ConvMap) or not m.pointwise or m.groups != m.weight.shape[0]:
        return False
    return bool((m.weight == m.weight.reshape(-1)[0]).all())


def pairs_of(mixing: torch.Tensor) -> npt.NDArray[np.int64]:
    """Pairs (2, E) of places that a mixing (V out, V in, ...) joins."""
    joined = mixing.reshape(*mixing.shape[:2], -1).abs().sum(dim=-1) > 0
    return np.asarray(torch.nonzero(joined).T.numpy())
