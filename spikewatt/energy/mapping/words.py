"""Words of synaptic memory that a projection takes on one core."""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.limits import WORD_BITS, SynapseFormat
from spikewatt.network import Conv, ConvTranspose, IntArray, Pool, Unpool

Numbers = npt.NDArray[np.int64]
Shared = Conv | ConvTranspose | Pool | Unpool


def weight_bits(weight: IntArray, form: SynapseFormat) -> int:
    """Bits of one stored weight: fixed, or ceil(log2 max|w|) + 2, at most weight_bits_max.

    The rule is read off Intel's placement of PilotNet; see docs/energy-model.md.
    """
    if form.weight_bits is not None:
        return form.weight_bits
    largest = max(-int(weight.min(initial=0)), int(weight.max(initial=0)))
    bits = ceil(log2(largest)) + 2 if largest else 1
    return bits if form.weight_bits_max is None else min(bits, form.weight_bits_max)


def list_words(synapses: Numbers, bits: int, form: SynapseFormat) -> int:
    """Words of listed synapses, a list for each axon: ceil((n (bits + index) + header) / 64).

    synapses: (axons,) synapses of each list; an empty list takes no word.
    """
    each = bits + form.index_bits
    if form.block is None:
        words = _words(synapses * each + form.header_bits)
    else:
        whole = _words(np.array(form.block * each + form.header_bits)) * (synapses // form.block)
        rest = synapses % form.block
        words = whole + np.where(rest > 0, _words(rest * each + form.header_bits), 0)
    return int(words[synapses > 0].sum())


def kernel_words(synapses: Shared, channels: tuple[int, int], form: SynapseFormat) -> int:
    """Words of shared kernels, stored once: a row for each tap and input channel.

    A row holds the weights of the core's output channels [start, stop).
    """
    bits = weight_bits(synapses.weight, form) + form.kernel_index_bits
    if isinstance(synapses, Pool | Unpool):
        return int(synapses.weight.size) * _row(1, bits, form)
    channels_out, kx, ky, per_group = synapses.weight.shape
    size = channels_out // synapses.groups
    starts = np.arange(synapses.groups) * size
    held = np.minimum(starts + size, channels[1]) - np.maximum(starts, channels[0])
    return sum(kx * ky * per_group * _row(int(n), bits, form) for n in held if n > 0)


def _row(weights: int, bits: int, form: SynapseFormat) -> int:
    return int(_words(np.array(weights * bits + form.kernel_header_bits)))


def _words(bits: Numbers) -> Numbers:
    return np.asarray(-(-bits // WORD_BITS))
