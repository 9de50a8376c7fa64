"""Graph convolution on a fixed skeleton as listed synapses: sum over bones of A (x) W."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikewatt.network import IntArray, Sparse

Index = npt.NDArray[np.int64]


def graph_synapses(weights: IntArray, bones: tuple[Index, Index], joints: int) -> Sparse:
    """Synapses (target joint, c out) <- (source joint, c in) with weight weights[bone, out, in].

    weights: (bones, C out, C in) integers; bones: target and source joint of each, self-loops
    included. Neurons are flat in (joint, channel) order. Papers count K C_out C_in V for the
    mixing of channels and K V V C_in for the adjacency; K V is what the listed bones stand for.
    """
    _, channels_out, channels_in = weights.shape
    targets = bones[0][:, None, None] * channels_out + np.arange(channels_out)[:, None]
    sources = bones[1][:, None, None] * channels_in + np.arange(channels_in)
    targets, sources = (np.broadcast_to(a, weights.shape) for a in (targets, sources))
    stored = weights != 0
    partitions = 3  # self, inward, outward
    macs = partitions * joints * channels_in * (channels_out + joints)
    return Sparse(
        targets=targets[stored].astype(np.int32),
        sources=sources[stored].astype(np.int32),
        weight=weights[stored],
        shape=(joints * channels_out, joints * channels_in),
        dense_macs=macs,
    )
