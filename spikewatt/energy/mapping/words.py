"""Words of synaptic memory that a projection takes on one core."""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import numpy.typing as npt

from spikewatt.energy.mapping.limits import WORD_BITS, SynapseFormat
from spikewatt.network import Conv, ConvTranspose, Dense, IntArray, Pool, Sparse, Unpool

Numbers = npt.NDArray[np.int64]
Shared = Conv | ConvTranspose | Pool | Unpool


def weight_bits(weight: IntArray, form: SynapseFormat) -> int:
    """Bits of one stored weight: fixed, or ceil(log2 max|w|) + 2, at most weight_bits_max.

    The rule is read off Intel's placement of PilotNet; see docs/energy-model.md.
    """
    if form.weight_bits is not None:
        return form.weight_bits
    largest = int(np.abs(weight).max(initial=0))
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


def listed_per_source(synapses: Dense | Sparse, held: npt.NDArray[np.bool_]) -> Numbers:
    """Synapses that a core stores for each source neuron, (sources,) or (sources of a block,).

    A dense matrix lists its zeros, as Intel's compiler does. Blocks of a list share their weights
    as kernels do: what neurons of several blocks need is stored once. held: (targets,).
    """
    if isinstance(synapses, Dense):
        return np.full(synapses.weight.shape[1], int(held.sum()), dtype=np.int64)
    of_block = held.reshape(synapses.repeats, -1).any(axis=0)
    sources = synapses.sources[of_block[synapses.targets]]
    return np.bincount(sources, minlength=synapses.block[1]).astype(np.int64)


def listed_axons(synapses: Dense | Sparse, held: npt.NDArray[np.bool_]) -> int:
    """Source neurons, of all blocks, with a synapse onto the core's neurons. held: (targets,)."""
    if isinstance(synapses, Dense):
        return synapses.weight.shape[1] if held.any() else 0
    blocks = held.reshape(synapses.repeats, -1)
    present = blocks[blocks.any(axis=1)]
    return sum(int(np.unique(synapses.sources[b[synapses.targets]]).size) for b in present)


def _words(bits: Numbers) -> Numbers:
    return np.asarray(-(-bits // WORD_BITS))
