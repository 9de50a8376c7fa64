"""The six cases: one 2 -> 4 channel convolution of 3 x 3 taps, four clips, 108 input spikes.

Each case is where some counter goes wrong. `brute_force` is the definition, spelled out: a
synaptic event is a (spike, synapse) pair whose weight is not zero and whose target exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spikewatt.network import Conv, CubaLif, Input, Network, Population, Projection

SEED = 108
CLIPS, SIZE, CHANNELS_IN, CHANNELS_OUT, SPIKES = 4, 8, 2, 4, 108
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Case:
    """weight: (channels out, 3, 3, channels in). stimulus: (clips, x, y, channel, 1 step)."""

    name: str
    weight: Ints
    stimulus: Ints
    bias: Ints
    stride: int = 1
    message_bits: int = 0


def cases() -> list[Case]:
    """All six, from one seed."""
    rng = np.random.default_rng(SEED)
    weight = rng.choice([-8, -6, -4, -2, 2, 4, 6, 8], (CHANNELS_OUT, 3, 3, CHANNELS_IN))
    flat = np.zeros(CLIPS * SIZE * SIZE * CHANNELS_IN, np.int32)
    places = rng.choice(flat.size, SPIKES, replace=False)
    flat[places] = 1
    shape = (CLIPS, SIZE, SIZE, CHANNELS_IN, 1)
    plain = Case(
        "pad 1, with bias",
        weight.astype(np.int32),
        flat.reshape(shape),
        rng.integers(1, 9, CHANNELS_OUT).astype(np.int32),
    )
    halved = np.where(rng.permutation(weight.size).reshape(weight.shape) % 2, weight, 0)
    one_two, signed = flat.copy(), flat.copy()
    one_two[places[0]] = 2
    signed[places[::2]] = -1
    return [
        plain,
        replace(plain, name="stride 2, pad 1", stride=2),
        replace(plain, name="half the weights zero", weight=halved.astype(np.int32)),
        replace(plain, name="graded spikes (x3)", stimulus=plain.stimulus * 3, message_bits=2),
        replace(
            plain, name="a single 2 in the batch", stimulus=one_two.reshape(shape), message_bits=2
        ),
        replace(plain, name="signed spikes", stimulus=signed.reshape(shape), message_bits=1),
    ]


def network(case: Case) -> Network:
    """The case as an integer network."""
    out = (SIZE - 1) // case.stride + 1
    shape = (out, out, CHANNELS_OUT)
    conv = Conv(case.weight, stride=(case.stride,) * 2, padding=(1, 1))
    bias = np.broadcast_to(case.bias, shape).copy()
    return Network(
        Input(0, (SIZE, SIZE, CHANNELS_IN), case.message_bits),
        (Population(1, shape, CubaLif(4096, 0, 100), bias),),
        (Projection(0, 1, conv),),
    )


def brute_force(case: Case) -> int:
    """Events counted one by one: every spike, every synapse of the neuron that sent it."""
    out = (SIZE - 1) // case.stride + 1
    events = 0
    for _, x, y, channel, _ in np.argwhere(case.stimulus).tolist():
        for tx, ty, o in np.ndindex(out, out, CHANNELS_OUT):
            i, j = x - tx * case.stride + 1, y - ty * case.stride + 1
            inside = 0 <= i < 3 and 0 <= j < 3
            events += bool(inside and case.weight[o, i, j, channel] != 0)
    return events
