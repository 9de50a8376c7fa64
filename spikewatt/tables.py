"""Gains and biases of single steps in integers: what validation, Lava's side and replays share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.network import GAIN_UNITY, IntArray, Network, Population, Projection

GAIN_BITS = GAIN_UNITY.bit_length() - 1


def gained(sums: npt.NDArray[Any], gain: IntArray) -> IntArray:
    """sign(a g) (|a g| >> 12) as int32, of sums in flat order and gains (channels,).

    int64 holds 2^31 * 2^12; a convolution's wrap and that of int32 sums come before.
    """
    by_channel = sums.reshape(-1, gain.size)
    product = by_channel.astype(np.int64) * gain
    shifted = np.sign(product) * (np.abs(product) >> GAIN_BITS)
    return np.asarray(shifted.astype(np.int32).reshape(sums.shape))


def bias_at(population: Population, incoming: Iterable[Projection], t: int) -> IntArray:
    """Bias mantissas of a population in step t of its sample, (size,)."""
    bias = np.zeros(population.size) if population.bias is None else population.bias
    total = bias.reshape(-1).astype(np.int32)
    if population.step_bias is not None:
        row = population.step_bias[t]
        total = (total.reshape(-1, row.size) + row).reshape(-1)
    for p in incoming:
        if p.gained_bias is not None and p.step_gain is not None:
            total = total + gained(p.gained_bias.reshape(-1), p.step_gain[t])
    return np.asarray(total, np.int32)


def changes_bias(population: Population, incoming: Iterable[Projection]) -> bool:
    """Whether steps have biases of their own."""
    return population.step_bias is not None or any(p.gained_bias is not None for p in incoming)


def stepping(network: Network) -> set[int]:
    """Layers whose sums or biases each step of a sample changes by a table."""
    gains = {p.target for p in network.projections if p.step_gain is not None}
    return gains | {p.layer for p in network.populations if p.step_bias is not None}
