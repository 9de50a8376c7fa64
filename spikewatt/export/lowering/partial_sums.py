"""A read-out whose neurons hear more sources than a core holds, as partial sums a host adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikewatt.errors import SpikewattError
from spikewatt.network import Dense, IntArray, Sparse, Synapses


def parts_of(kinds: Sequence[Synapses], at_most: int) -> int:
    """Neurons a class, so that none hears more than so many sources; 1: it stays whole.

    Raises SpikewattError for less than one source.
    """
    if at_most < 1:
        raise SpikewattError(
            f"A read-out neuron of {at_most} sources hears nothing; give 1 or more."
        )
    return -(-sum(_sources(s) for s in kinds) // at_most)


def in_parts(kinds: Sequence[Synapses], parts: int) -> list[Synapses]:
    """The read-out's synapses with class c's part p at neuron c * parts + p.

    Sources are dealt to the parts in their order, equally many to each; the read-out's groups add
    the parts of a class, since its neurons only sum.
    """
    total, first = sum(_sources(s) for s in kinds), 0
    found: list[Synapses] = []
    for s in kinds:
        assert isinstance(s, Dense)
        sources = s.weight.shape[1]
        part = np.arange(first, first + sources) * parts // total
        found.append(_listed(s, part, parts))
        first += sources
    return found


def bias_in_parts(bias: IntArray, parts: int) -> IntArray:
    """(..., classes) -> (..., classes * parts): a class's bias at its first part."""
    spread = np.zeros((*bias.shape, parts), bias.dtype)
    spread[..., 0] = bias
    return spread.reshape(*bias.shape[:-1], -1)


def _sources(s: Synapses) -> int:
    if not isinstance(s, Dense):
        raise SpikewattError(
            f"The read-out has {type(s).__name__} synapses; only a matrix is divided into partial "
            "sums. Leave --readout-sources out."
        )
    return int(s.weight.shape[1])


def _listed(s: Dense, part: IntArray, parts: int) -> Sparse:
    classes, sources = (i.astype(np.int32) for i in np.nonzero(s.weight))
    targets = (classes * parts + part[sources]).astype(np.int32)
    shape = (len(s.weight) * parts, s.weight.shape[1])
    macs = s.weight.size if s.macs is None else s.macs
    return Sparse(targets, sources, s.weight[classes, sources], shape, int(macs))
