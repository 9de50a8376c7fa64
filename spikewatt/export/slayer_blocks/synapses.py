"""SLAYER's synapses as integer weights and kernels; torch has (C, H, W), Lava (x, y, channel)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikewatt.export.builder import channels_first
from spikewatt.export.slayer import slayer
from spikewatt.export.slayer_blocks.site import Site, floats
from spikewatt.network import Conv, ConvTranspose, Dense, IntArray, Pool, Shape, Synapses, Unpool
from spikewatt.synapses import Pair

layer = slayer.synapse.layer


def integers(site: Site, synapse: Any) -> IntArray:
    """The weights that SLAYER multiplies with, in units of 1 / w_scale, in torch's axes."""
    hook = synapse.pre_hook_fx
    weight = synapse.weight if hook is None else hook(synapse.weight)
    return site.whole(floats(weight) * site.block.neuron.w_scale, "weight")


def pairs(synapse: Any) -> dict[str, Pair]:
    """stride, padding and dilation as (x, y)."""
    names = ("stride", "padding", "dilation")
    found = {name: getattr(synapse, name) for name in names}
    return {name: (int(p[1]), int(p[0])) for name, p in found.items()}


def dense(site: Site, synapse: Any, weight: IntArray, source: Shape) -> Dense:
    """(out, C, H, W, 1) to (targets, sources)."""
    flat = weight.reshape(len(weight), -1)
    return Dense(np.ascontiguousarray(flat[:, channels_first(source)]))


def conv(site: Site, synapse: Any, weight: IntArray, source: Shape) -> Conv:
    """(out, in, H, W, 1) to (out, x, y, in)."""
    kernel = np.ascontiguousarray(weight[..., 0].transpose(0, 3, 2, 1))
    return Conv(kernel, groups=int(synapse.groups), **pairs(synapse))


def conv_transpose(site: Site, synapse: Any, weight: IntArray, source: Shape) -> ConvTranspose:
    """(in, out / groups, H, W, 1) to (out, x, y, in / groups)."""
    groups, kernel = int(synapse.groups), weight[..., 0]
    grouped = kernel.reshape(groups, -1, *kernel.shape[1:])  # group, in, out, H, W
    ours = grouped.transpose(0, 2, 4, 3, 1)
    ours = np.ascontiguousarray(ours.reshape(-1, *ours.shape[2:]))
    return ConvTranspose(ours, groups=groups, **pairs(synapse))


def _span(synapse: Any) -> int:
    """Rows that a pooling kernel covers."""
    return int(synapse.dilation[0] * (synapse.weight.shape[2] - 1) + 1)


def pool(site: Site, synapse: Any, weight: IntArray, source: Shape) -> Pool:
    """One kernel for all channels. SLAYER appends H % kernel rows of zeros, W % kernel columns.

    It then lays the channels' rows end to end, so a window may reach into the next channel.
    """
    _, height, channels = source
    kx, ky = int(weight.shape[3]), int(weight.shape[2])
    after = (source[0] % kx, height % ky)
    rows, stride = height + after[1], int(synapse.stride[0])
    inside = (rows // stride - 1) * stride + _span(synapse) <= rows
    if channels > 1 and (synapse.padding[0] or rows % stride or not inside):
        raise site.refuse(
            f"SLAYER pools {height} rows with a kernel of {ky} (stride {stride}, padding "
            f"{synapse.padding[0]}) across the borders of channels. Use stride = kernel size, no "
            "padding and a height that the kernel divides."
        )
    return Pool(np.ascontiguousarray(weight[0, 0, :, :, 0].T), after=after, **pairs(synapse))


def unpool(site: Site, synapse: Any, weight: IntArray, source: Shape) -> Unpool:
    """One kernel for all channels, whose rows SLAYER lays end to end as in `pool`."""
    stride = int(synapse.stride[0])
    if source[2] > 1 and (synapse.padding[0] or _span(synapse) != stride):
        raise site.refuse(
            f"SLAYER unpools with a kernel of {_span(synapse)} rows, stride {stride} and padding "
            f"{synapse.padding[0]} across the borders of channels. Use stride = kernel size and "
            "no padding."
        )
    return Unpool(np.ascontiguousarray(weight[0, 0, :, :, 0].T), **pairs(synapse))


SYNAPSES: dict[type, Callable[[Site, Any, IntArray, Shape], Synapses]] = {
    layer.Dense: dense,
    layer.Conv: conv,
    layer.ConvTranspose: conv_transpose,
    layer.Pool: pool,
    layer.Unpool: unpool,
}


def synapses_of(site: Site, synapse: Any, weight: IntArray, source: Shape) -> Synapses:
    """The synapses of a block with these integer weights, in torch's axes."""
    kind = type(synapse)
    if kind not in SYNAPSES:
        raise site.refuse(f"its synapse {kind.__module__}.{kind.__name__} is not one of lava-dl's.")
    return SYNAPSES[kind](site, synapse, weight, source)
