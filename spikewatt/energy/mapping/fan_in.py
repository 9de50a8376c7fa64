"""Synapses of each target neuron: how a layer's events divide among its cores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.expansion import expand
from spikewatt.network import Attention, Conv, Dense, Network, Projection, Shape, Sparse

Numbers = npt.NDArray[np.int64]


def fan_in(network: Network, p: Projection) -> Numbers:
    """Synapses with a weight that is not zero onto each target neuron, (targets,).

    Attention has none; each of its targets does the same work, which stands as 1.
    """
    source, target = network.shape_of(p.source), network.shape_of(p.target)
    if isinstance(p.synapses, Attention):
        return np.ones(int(np.prod(target)), dtype=np.int64)
    s = expand(p.synapses, source, target)
    if isinstance(s, Dense):
        return np.asarray((s.weight != 0).sum(axis=1, dtype=np.int64))
    if isinstance(s, Sparse):
        return np.bincount(s.targets[s.weight != 0], minlength=s.shape[0]).astype(np.int64)
    return _conv_fan_in(s, source, target)


def _conv_fan_in(conv: Conv, source: Shape, target: Shape) -> Numbers:
    taps = (conv.weight != 0).sum(axis=3, dtype=np.int64)  # (channels out, kernel x, kernel y)
    inside = [
        _inside(source[a], target[a], taps.shape[a + 1], conv.stride[a], conv.padding[a], d)
        for a, d in enumerate(conv.dilation)
    ]
    synapses = np.einsum("xi,yj,oij->xyo", inside[0], inside[1], taps)
    return np.asarray(synapses.reshape(-1))


def _inside(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Numbers:
    """1 where a tap of an output position lies on the source, (positions, kernel)."""
    at = np.arange(out)[:, None] * stride + np.arange(kernel) * dilation - padding
    return ((at >= 0) & (at < size)).astype(np.int64)
