"""Matrices, delays and bias of one layer, as lava-dl reads them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from spikewatt.export.netx.effective import effective
from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.marks import Mark
from spikewatt.network import (
    DELAY_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    Dense,
    IntArray,
    Neuron,
    ResonateFire,
    Shape,
    Sigma,
)

PARTS = ("real", "imag")


@dataclass(frozen=True, eq=False)
class Matrices:
    """The weights of a dense layer: parts of the neuron they drive, and those to itself."""

    parts: tuple[tuple[str, Dense], ...]
    recurrent: Dense | None = None


def weight_keys(fields: Fields) -> dict[str, str]:
    """The keys of a layer's weights by the part that they drive."""
    if fields.inside("weight") is None:
        return {"real": "weight"}
    return {part: f"weight/{part}" for part in PARTS}


def read_matrices(fields: Fields, targets: int, recurrent: bool, scaled: bool) -> Matrices | None:
    """The matrices of a dense layer, (targets, sources), columns as stored.

    scaled: lava-dl loads the layer, so that weights are what it makes of the stored ones.
    """
    keys = weight_keys(fields)
    if recurrent:
        keys["loop"] = "weight_rec"
    found = {part: _matrix(fields, key, targets) for part, key in keys.items()}
    stored = {part: weight for part, weight in found.items() if weight is not None}
    if len(stored) < len(found):
        return None
    delay = _delay(fields, {stored[p].shape for p in PARTS if p in stored})
    if delay is not None and len(keys) > 1:
        hint = "lava-dl ignores delays here, or loses the weights' exponent with them"
        fields.reject("delay", f"up to {delay.max()}", "none", f"{hint}; export with spikewatt")
        return None
    together = np.hstack(list(stored.values())) if recurrent else None
    if scaled:
        stored = {p: _effective(fields, keys[p], w, together) for p, w in stored.items()}
    loop = Dense(stored.pop("loop")) if recurrent else None
    return Matrices(tuple((part, Dense(w, delay)) for part, w in stored.items()), loop)


def _matrix(fields: Fields, key: str, targets: int) -> IntArray | None:
    stored = fields.integers(key)
    if stored is None:
        return None
    if stored.ndim == 1 and stored.size % targets == 0:
        stored = stored.reshape(targets, -1)
    square = key != "weight_rec" or stored.shape[1:] == (targets,)
    if stored.ndim != 2 or stored.shape[0] != targets or not square:
        limit = f"{targets} rows, one for each neuron"
        fields.reject(key, f"of shape {stored.shape}", limit, "give (neurons, inputs)")
        return None
    return stored


def _effective(fields: Fields, key: str, stored: IntArray, together: IntArray | None) -> IntArray:
    whole = stored if together is None else together
    if whole.min() < WEIGHT_MIN or whole.max() > WEIGHT_MAX:
        return stored  # the range is the violation
    result = effective(stored, together)
    if result.weight is None:
        hint = "make the weights even, or the strongest one no power of two"
        found = f"{stored.min()} beside odd weights and zeros: {result.obstacle}"
        fields.reject(key, found, "a matrix that Lava computes with", hint)
        return stored
    if result.obstacle:
        fields.notes.block(fields.layer, result.obstacle)
    changed = result.weight != stored
    if changed.any():
        pairs = zip(stored[changed][:3], result.weight[changed][:3], strict=True)
        examples = ", ".join(f"{a} to {b}" for a, b in pairs)
        text = f"lava-dl and Lava change {changed.sum()} of {stored.size} weights ({examples})"
        fields.notes.warn(fields.layer, f"{text}; avoid a strongest weight of -2^k")
    return result.weight


def _delay(fields: Fields, shapes: set[tuple[int, ...]]) -> IntArray | None:
    """Delays as (targets, sources): of one value, by target, by source, or by synapse."""
    delay = fields.integers("delay") if fields.has("delay") else None
    if delay is None or not delay.any():
        return None
    if delay.max() > DELAY_MAX:
        count = int((delay > DELAY_MAX).sum())
        text = f"{count} of {delay.size} delays are over {DELAY_MAX} (up to {delay.max()})"
        fields.notes.warn(fields.layer, f"{text} and clamped to it, as lava-dl does")
        delay = np.clip(delay, 0, DELAY_MAX)
    shape = next(iter(shapes))
    if delay.ndim == 1 and delay.size == shape[0]:
        delay = delay[:, None]
    fits = delay.shape in ((), (1,), (shape[1],), (shape[0], 1), shape)
    if len(shapes) > 1 or not fits:
        limit = f"one value, {shape[0]}, {shape[1]} or {shape}"
        fields.reject("delay", f"of shape {delay.shape}", limit, AGAIN)
        return None
    return np.ascontiguousarray(np.broadcast_to(delay, shape))


def without_marked(fields: Fields, dense: Dense, mark: Mark) -> Dense:
    """The matrix without the delays that the extension gives to projection and sources."""
    if dense.delay is None or (mark.delay is None and mark.axon_delay is None):
        return dense
    axon = 0 if mark.axon_delay is None else mark.axon_delay
    if mark.axon_delay is not None and mark.axon_delay.size != dense.weight.shape[1]:
        found, limit = f"{mark.axon_delay.size} values", f"{dense.weight.shape[1]}, one a source"
        fields.reject("axon_delay", found, limit, AGAIN)
        return dense
    own = dense.delay - axon - (mark.delay or 0)
    return Dense(dense.weight, own if own.any() else None)


def read_bias(fields: Fields, shape: Shape, by_channel: bool) -> IntArray | None:
    """Bias mantissas, one a neuron; stored so, or one a channel (conv), or one for all (dense)."""
    bias = fields.integers("bias") if fields.has("bias") else None
    if bias is None:
        return None
    flat = (prod(shape),)
    allowed = (shape[-1:], shape) if by_channel else ((), (1,), flat, shape)
    if bias.shape not in allowed:
        limit = " or ".join(map(str, allowed[-2:]))
        fields.reject("bias", f"of shape {bias.shape}", limit, AGAIN)
        return None
    if bias.shape == flat and not by_channel:
        bias = bias.reshape(shape)
    return np.ascontiguousarray(np.broadcast_to(bias, shape))


def bias_of(fields: Fields, neuron: Neuron | None, bias: IntArray | None) -> IntArray | None:
    """The bias, refused where the neuron has none to add it to."""
    if not isinstance(neuron, ResonateFire | Sigma) or bias is None:
        return bias
    if bias.any():
        kind = type(neuron).__name__
        hint = "lava-dl and Lava drop it or fail; train without bias"
        fields.reject("bias", f"up to {np.abs(bias).max()}", f"none with {kind}", hint)
    return None
