"""From a user's array to a stimulus.

An array's axes are read by the first of these layouts that fits, with the input's Lava shape:

1. written out: (*shape, T) is one stream, (N, *shape, T) are N clips;
2. where the stimulus drives a bias or a dendrite: (*shape) is one stream of held values;
3. as 1 and 2 with all axes of size 1 left out of the shape, as in lava-dl's own files;
4. as 1 and 2 with some of them left out.

Where the stimulus drives a population, a last axis of size 1 holds its values for the whole run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError
from spikewatt.network import (
    BIAS_MAX,
    BIAS_MIN,
    AdaptiveLif,
    CubaLif,
    Delta,
    Input,
    IntArray,
    Network,
    Neuron,
    ResonateFire,
    Shape,
    Sigma,
    SigmaDelta,
)

PIECE = 2**20  # values that are looked at together
DENDRITE_MAX = 2**23 - 1  # 24 bits with sign, once shifted to the neuron's state


def is_driven(source: Input) -> bool:
    """Whether the stimulus drives a population's bias or dendrite, and is not sent as spikes."""
    return source.drives_bias or source.drives_dendrite


def _written(shape: Shape) -> Iterator[Shape]:
    """The shape as it may be written: whole, without axes of size 1, without some of them."""
    ones = [i for i, size in enumerate(shape) if size == 1]
    for count in (0, *range(len(ones), 0, -1)):
        for left_out in combinations(ones, count):
            yield tuple(size for i, size in enumerate(shape) if i not in left_out)


def _layout(axes: Shape, source: Input) -> tuple[int, int, bool] | None:
    """Samples, columns in time and whether they are clips; None where no layout fits."""
    for shape in _written(source.shape):
        if axes[:-1] == shape and len(axes) == len(shape) + 1:
            return 1, axes[-1], False
        if axes[1:-1] == shape and len(axes) == len(shape) + 2:
            return axes[0], axes[-1], True
        if is_driven(source) and axes == shape:
            return 1, 1, False
    return None


def _axes_error(axes: Shape, source: Input) -> SpikewattError:
    whole = ", ".join(str(size) for size in source.shape)
    once = f" or ({whole})" if is_driven(source) else ""
    return SpikewattError(
        f"The input array has shape {axes}; this network takes ({whole}, T), (N, {whole}, T)"
        f"{once}, none of them empty, and axes of size 1 may be left out. Transpose or reshape it."
    )


Wrong = tuple[Any, tuple[int, ...], int]  # the first wrong value, where it is, how many there are


def _wrong(array: npt.NDArray[Any], is_wrong: Callable[[Any], Any]) -> Wrong | None:
    """Look for wrong values piece by piece, so that a mapped file stays on the disk."""
    flat, first, count = array.reshape(-1), -1, 0
    for begin in range(0, flat.size, PIECE):
        places = np.flatnonzero(is_wrong(flat[begin : begin + PIECE]))
        if places.size and first < 0:
            first = begin + int(places[0])
        count += places.size
    if not count:
        return None
    place = np.unravel_index(first, array.shape)
    return flat[first], tuple(int(i) for i in place), count


def _check_whole(array: npt.NDArray[Any]) -> None:
    if array.dtype.kind not in "biuf":
        raise SpikewattError(
            f"The input holds values of type {array.dtype}; it must hold whole numbers. "
            "Convert it to an integer array."
        )
    if array.dtype.kind != "f":
        return
    wrong = _wrong(array, lambda x: ~np.isfinite(x) | (np.trunc(x) != x))
    if wrong:
        raise SpikewattError(
            f"The input holds {wrong[0]} at {wrong[1]}; it must hold whole numbers, as spikes and "
            "bias mantissas are. Round or encode it first."
        )


_SHIFTS: dict[type[Neuron], Callable[[Any], int]] = {
    CubaLif: lambda n: 6,
    AdaptiveLif: lambda n: 6,
    Delta: lambda n: int(n.spike_exp + n.state_exp),
    Sigma: lambda n: 0,
    SigmaDelta: lambda n: 0,
    ResonateFire: lambda n: int(n.state_exp),
}


def _limits(network: Network) -> tuple[int, int, str]:
    """Smallest and largest value, and what they come from."""
    source = network.input
    if source.drives_dendrite and source.layer in network.by_layer:
        neuron = network.by_layer[source.layer].neuron
        top = DENDRITE_MAX >> _SHIFTS[type(neuron)](neuron)
        of = f"the dendrite of a {type(neuron).__name__} neuron, which the input drives,"
        return -top, top, of
    if source.drives_bias:
        return BIAS_MIN, BIAS_MAX, "the 13 bits of a bias, which the input of this network drives"
    if source.message_bits == 0:
        return 0, 1, "a spike of 0 message bits"
    top = 2**source.message_bits - 1
    return -top, top, f"a signed spike of {source.message_bits} message bits"


def _check_range(values: npt.NDArray[Any], network: Network) -> None:
    low, high, of = _limits(network)
    wrong = _wrong(values, lambda x: (x < low) | (x > high))
    if wrong:
        value, at, count = wrong
        more = f" and {count - 1} more values out of range" if count > 1 else ""
        raise SpikewattError(
            f"The input holds {value} at {at}{more}; {of} takes {low} to {high}. "
            "Scale the input, or give the message bits it needs."
        )


def _check_steps(columns: int, steps: int | None, held: bool) -> None:
    if steps is not None and steps < 1:
        raise SpikewattError(f"The run has {steps} steps; it needs at least 1. Give more steps.")
    if held and steps is None:
        raise SpikewattError(
            "The input holds one value for the whole run, so the number of steps is unknown; "
            "give it (--steps)."
        )
    if not held and steps is not None and steps > columns:
        raise SpikewattError(
            f"The run asks for {steps} steps and the input has {columns}. Ask for at most "
            f"{columns}, or give a longer input."
        )


def from_array(
    network: Network, array: npt.NDArray[Any], steps: int | None = None
) -> tuple[IntArray, bool]:
    """Read an array as a network's stimulus.

    array: axes as this module says; whole numbers, in floats too. steps: T of the run; cuts a
    longer input, needed where values are held.

    Returns the stimulus, (N, *shape, T), or (N, *shape, 1) where values are held, and whether it
    is N clips (else one stream). It is int32; a mapped file (numpy.memmap) stays one, and keeps
    its type, to be read piece by piece. Messages of b >= 1 bits are signed: |x| < 2**b; of 0
    bits, 0 or 1.

    Raises SpikewattError for axes, values or steps that do not fit.
    """
    source = network.input
    layout = _layout(array.shape, source)
    if layout is None or 0 in array.shape:
        raise _axes_error(array.shape, source)
    samples, columns, is_clips = layout
    held = is_driven(source) and columns == 1
    _check_steps(columns, steps, held)
    _check_whole(array)
    _check_range(array, network)
    values = array.reshape(samples, *source.shape, columns)
    values = values if held else values[..., : steps or columns]
    if isinstance(values, np.memmap):
        return values, is_clips
    return np.ascontiguousarray(values, dtype=np.int32), is_clips
