"""What the extension says of single layers that lava-dl reads as its own."""

from __future__ import annotations

from dataclasses import dataclass, fields

import h5py
import numpy as np

from spikewatt.export.netx.fields import AGAIN, Fields
from spikewatt.export.netx.neurons import DECAY_BITS, SDNN_NAMES, SPIKE_EXP, STATE_EXP
from spikewatt.export.netx.storage import put, put_sizes, put_text
from spikewatt.network import IntArray, Shape

_EXPONENT_MAX = 24


@dataclass(frozen=True, eq=False)
class Mark:
    """What the protocol has no key for; None where there is nothing to say.

    dense_macs: the matrix lists the synapses of a Sparse; zeros: those of weight 0, rows of
    (target, source). shape: of neurons that the file has flat. delay, axon_delay: the parts of
    `delay` that belong to the projection and to its sources. after: a pool or unpool stays within
    its channels, and a pool pads so far behind. drives: bias or dendrite, what the stimulus
    reaches. type: the network's own name of the layer. The others are facts of the neuron.
    """

    dense_macs: int | None = None
    zeros: IntArray | None = None
    shape: Shape | None = None
    delay: int | None = None
    axon_delay: IntArray | None = None
    after: Shape | None = None
    message_bits: int | None = None
    spike_exp: int | None = None
    state_exp: int | None = None
    decay_bits: int | None = None
    sdnn: str | None = None
    drives: str | None = None
    type: str | None = None


_EXPONENTS = {"spike_exp": SPIKE_EXP, "state_exp": STATE_EXP, "decay_bits": DECAY_BITS}
_WHOLE = ("dense_macs", "delay", "message_bits", *_EXPONENTS)


def write_mark(group: h5py.Group, layer: int, mark: Mark) -> None:
    """What the extension says of a layer; nothing where there is nothing to say."""
    said = {f.name: getattr(mark, f.name) for f in fields(mark)}
    said = {name: value for name, value in said.items() if value is not None}
    if not said:
        return
    inside = group.require_group(f"layer/{layer}")
    if mark.dense_macs is not None:
        put(inside, "sparse", 1)
    for name, value in said.items():
        if isinstance(value, tuple):
            put_sizes(inside, name, value)
        elif isinstance(value, str):
            put_text(inside, name, value)
        else:
            put(inside, name, value)


def read_marks(listing: Fields | None) -> dict[int, Mark]:
    """All marks of a file, by layer."""
    found = {}
    for name in listing.names() if listing is not None else ():
        group = listing.inside(name) if listing is not None else None
        if group is not None and is_number(name):
            found[int(name)] = _read_mark(group.of_layer(int(name)))
    return found


def is_number(name: str) -> bool:
    """Whether a group's name is the number of a layer."""
    return name.isascii() and name.isdecimal() and len(name) < 10


def _read_mark(group: Fields) -> Mark:
    whole = {k: group.integer(k) if group.has(k) else None for k in _WHOLE}
    for key, usual in _EXPONENTS.items():
        value = whole[key]
        if value is not None and not 0 <= value <= _EXPONENT_MAX:
            group.reject(key, str(value), f"0..{_EXPONENT_MAX}", AGAIN)
            whole[key] = usual
    return Mark(
        dense_macs=whole["dense_macs"] if group.integer("sparse", default=0) else None,
        zeros=_zeros(group),
        shape=group.shape() if group.has("shape") else None,
        delay=whole["delay"],
        axon_delay=group.listing("axon_delay") if group.has("axon_delay") else None,
        after=_after(group),
        message_bits=whole["message_bits"],
        spike_exp=whole["spike_exp"],
        state_exp=whole["state_exp"],
        decay_bits=whole["decay_bits"],
        sdnn=_sdnn(group),
        drives=group.text("drives") if group.has("drives") else None,
        type=group.text("type") if group.has("type") else None,
    )


def _zeros(group: Fields) -> IntArray | None:
    zeros = group.integers("zeros") if group.has("zeros") else None
    if zeros is None or (zeros.ndim == 2 and zeros.shape[1] == 2):
        return zeros
    group.reject("zeros", f"of shape {zeros.shape}", "rows of (target, source)", AGAIN)
    return None


def _after(group: Fields) -> Shape | None:
    after = group.integers("after") if group.has("after") else None
    if after is None or (after.shape == (2,) and np.all(after >= 0)):
        return None if after is None else (int(after[0]), int(after[1]))
    group.reject("after", f"of shape {after.shape}", "two numbers of at least 0", AGAIN)
    return None


def _sdnn(group: Fields) -> str | None:
    kind = group.text("sdnn") if group.has("sdnn") else None
    if kind is None or kind in SDNN_NAMES.values():
        return kind
    group.reject("sdnn", kind, ", ".join(SDNN_NAMES.values()), AGAIN)
    return None
