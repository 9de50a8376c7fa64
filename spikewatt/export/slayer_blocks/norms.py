"""SLAYER's neuron norms: a bias, and a power of two that weights or threshold take over.

MeanOnlyBatchNorm subtracts a quantised mean; WgtScaleBatchNorm also divides by 2^k. NetX has a
key for k, but neither lava-dl nor Lava applies it, so it has to disappear into other integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikewatt.export.slayer import slayer
from spikewatt.export.slayer_blocks.site import Site, floats
from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    DECAY_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    AdaptiveLif,
    CubaLif,
    IntArray,
    Neuron,
    ResonateFire,
    SigmaDelta,
)
from spikewatt.validation import NEVER_FIRES

norms = slayer.neuron.norm
NO_MEMORY = (0, DECAY_MAX)  # decays that round nothing: all is kept, or all is lost


@dataclass(frozen=True, eq=False)
class Cell:
    """A population's integers in the making.

    bias: one value, one a channel or one a neuron (x, y, channel). exponent: the norm divides the
    current by 2^exponent.
    """

    neuron: Neuron
    weights: tuple[IntArray, ...]
    bias: IntArray
    exponent: int = 0


def normed(site: Site, neuron: Neuron, weights: tuple[IntArray, ...]) -> Cell:
    """The integers with the block's norm in them; refused where none are equal to SLAYER's."""
    zero: IntArray = np.zeros(1, dtype=np.int32)
    if isinstance(neuron, ResonateFire):
        _no_complex_norm(site)
        return Cell(neuron, weights, zero)
    norm = site.block.neuron.norm
    if norm is None:
        return Cell(neuron, weights, zero)
    if type(norm) not in (norms.MeanOnlyBatchNorm, norms.WgtScaleBatchNorm):
        raise site.refuse(
            f"its norm is {type(norm).__name__}. Train with MeanOnlyBatchNorm, or fold the norm "
            "into the weights."
        )
    return Cell(neuron, weights, _bias(site, norm), _exponent(norm))


def _no_complex_norm(site: Site) -> None:
    n = site.block.neuron
    for norm in (n.real_norm, n.imag_norm):
        plain = type(norm) is norms.MeanOnlyBatchNorm
        if norm is not None and not (plain and not _bias(site, norm).any()):
            raise site.refuse(
                f"its norm {type(norm).__name__} adds to the input of a resonate-and-fire neuron, "
                "which has no bias in Lava. Train without norm."
            )


def _bias(site: Site, norm: Any) -> IntArray:
    """The negative mean as the norm's hook quantises it."""
    mean = floats(norm.pre_hook_fx(norm.running_mean)) * site.block.neuron.w_scale
    return -site.whole(mean, "bias")


def _exponent(norm: Any) -> int:
    if type(norm) is norms.MeanOnlyBatchNorm:
        return 0
    (std,) = floats(norm.std(norm.running_var))
    return int(np.log2(std))


def with_bias(site: Site, cell: Cell, extra: IntArray) -> Cell:
    """Add a constant that SLAYER adds to the input, before the current.

    Lava's bias enters behind the current. Both are the same only where a current is not kept.
    """
    if extra.any() and getattr(cell.neuron, "i_decay", DECAY_MAX) != DECAY_MAX:
        raise site.refuse(
            f"its bias {int(extra.flat[np.abs(extra).argmax()])} enters before the current, which "
            "keeps part of it (current_decay < 1); Lava adds a bias behind the current. Train "
            "with current_decay=1 or without bias."
        )
    return replace(cell, bias=cell.bias + extra)


def settled(site: Site, cell: Cell) -> Cell:
    """The cell without exponent, all its integers within their limits."""
    if isinstance(cell.neuron, AdaptiveLif) and cell.bias.any():
        cell = with_bias(site, replace(cell, bias=np.zeros_like(cell.bias)), cell.bias)
    if cell.exponent:
        cell = _without_exponent(site, cell)
    for weight in cell.weights:
        site.within(weight, (WEIGHT_MIN, WEIGHT_MAX), "weight")
    site.within(cell.bias, (BIAS_MIN, BIAS_MAX), "bias")
    if isinstance(cell.neuron, CubaLif):
        threshold = np.asarray(cell.neuron.v_threshold, dtype=np.int32)
        site.within(threshold, (0, NEVER_FIRES), "threshold")
    return replace(cell, exponent=0)


def _without_exponent(site: Site, cell: Cell) -> Cell:
    arrays = (*cell.weights, cell.bias)
    scaled = _in_weights(cell, arrays) or _in_threshold(cell)
    if scaled is None:
        raise site.refuse(
            f"its WgtScaleBatchNorm divides the current by 2^{cell.exponent}, which no integer "
            "weights or threshold say exactly (lava-dl ignores it). Train with "
            "MeanOnlyBatchNorm, or with current_decay=1 and weights that hold the scale."
        )
    return scaled


def _in_weights(cell: Cell, arrays: tuple[IntArray, ...]) -> Cell | None:
    """Weights and bias take the scale where the way from them to the norm rounds nothing."""
    n, k = cell.neuron, cell.exponent
    linear = isinstance(n, SigmaDelta | AdaptiveLif) or (
        isinstance(n, CubaLif) and n.i_decay in NO_MEMORY
    )
    if not linear or any(np.any(a & ((1 << max(k, 0)) - 1)) for a in arrays):
        return None
    *weights, bias = (a >> k if k > 0 else a << -k for a in arrays)
    if any(w.size and not WEIGHT_MIN <= w.min() <= w.max() <= WEIGHT_MAX for w in weights):
        return None
    return Cell(n, tuple(weights), bias)


def _in_threshold(cell: Cell) -> Cell | None:
    """The threshold takes the scale where neither current nor voltage rounds.

    v is a multiple of 2^6 then, so a threshold between two values may be rounded down.
    """
    n, k = cell.neuron, cell.exponent
    if not isinstance(n, CubaLif) or {n.i_decay, n.v_decay} - set(NO_MEMORY) or k > 6:
        return None
    if n.v_threshold == NEVER_FIRES:  # v itself is the result
        return None
    threshold = n.v_threshold << k if k > 0 else n.v_threshold >> -k
    return replace(cell, neuron=replace(n, v_threshold=threshold))
