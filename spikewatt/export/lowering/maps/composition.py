"""Two maps with no neuron between them as one, and maps times a gain."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.maps.attention import AttentionMap
from spikewatt.export.lowering.maps.conv import ConvMap, is_scalar
from spikewatt.export.lowering.maps.joints import JointMap
from spikewatt.export.lowering.maps.listed import ListedMap, PlaceMap, SpreadMap

Map = ConvMap | JointMap | PlaceMap | ListedMap | SpreadMap | AttentionMap


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
    places, full = then.places((source[0], source[1])), then.full()
    out, _, kx, ky = full.shape
    number = np.arange(prod(source) * channels).reshape(*source, channels)
    padded = np.pad(number, [(p, p) for p in then.padding] + [(0, 0)], constant_values=-1)
    targets = np.arange(prod(places)).reshape(places)[..., None, None] * out
    listed = []
    for i, j in np.ndindex(kx, ky):
        ends = [a + s * (n - 1) + 1 for a, s, n in zip((i, j), then.stride, places, strict=True)]
        seen = padded[i : ends[0] : then.stride[0], j : ends[1] : then.stride[1]][..., None, :]
        listed.append(_inside(targets + np.arange(out)[:, None], seen, full[:, :, i, j]))
    to, sources, weight = (torch.as_tensor(np.concatenate(a)) for a in zip(*listed, strict=True))
    gains = first.weight.permute(1, 2, 0).reshape(-1)
    macs = full.numel() * prod(places)
    return ListedMap(weight * gains[sources], to, sources, (*places, out), macs)


def _inside(
    targets: npt.NDArray[np.int64], seen: npt.NDArray[np.int64], tap: torch.Tensor
) -> tuple[npt.NDArray[Any], ...]:
    """Targets, sources and weights of one tap, without the sources outside the border (-1)."""
    shape = np.broadcast_shapes(seen.shape, targets.shape)
    parts = [np.broadcast_to(a, shape) for a in (targets, seen, tap.numpy())]
    return tuple(a[parts[1] >= 0] for a in parts)


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
    if isinstance(then, PlaceMap | ListedMap) and is_scalar(first):
        return replace(then, weight=then.weight * first.weight.reshape(-1)[0])
    if isinstance(then, SpreadMap) and is_scalar(first):
        return scaled(then, first.weight.reshape(-1)[:1])
    if isinstance(first, AttentionMap | SpreadMap) and is_scalar(then):
        return scaled(first, then.weight.reshape(-1)[:1])
    raise SpikewattError(
        f"{type(then).__name__} behind {type(first).__name__} is not one layer of synapses; a "
        "neuron has to stand between."
    )
