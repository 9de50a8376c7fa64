"""SVFormer's layers from its published layout: what each computes for one clip.

Layout and counts follow the authors' repository (yult0821/SVFormer); the sums are checked
against the count that their own log prints (38.346 G with two operations a batch norm).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

FRAME, HEAD_DIM, MLP_RATIO, GLOBAL_FROM = 224, 64, 2, 2
KERNELS, STRIDES, DEPTHWISE, LOCAL_PATH = (6, 4, 4, 4), (4, 2, 2, 2), 5, 3


@dataclass(frozen=True)
class Layout:
    """Blocks and channels of the four stages, steps of a clip, classes."""

    blocks: tuple[int, ...] = (1, 1, 3, 1)
    channels: tuple[int, ...] = (128, 256, 384, 512)
    steps: int = 16
    classes: int = 101


@dataclass(frozen=True)
class Layer:
    """One layer: multiply-accumulates and biased outputs of one clip, all steps.

    kind: conv, linear, attention, head_conv or head_linear. rate: the name of the firing rate
    of its input in the authors' log; None where the input carries values.
    """

    name: str
    kind: str
    macs: int
    outputs: int
    features: int
    rate: str | None


def layers(layout: Layout) -> list[Layer]:
    """All layers with weights, and the attention products, in order."""
    found: list[Layer] = []
    sizes = _sizes()
    inputs = (3, *layout.channels)
    for stage, (size, (c_in, c_out)) in enumerate(zip(sizes, pairwise(inputs), strict=True)):
        taps = KERNELS[stage] ** 2 * c_in
        positions = size * size * layout.steps
        rate = f"embed{stage + 1}" if stage else None
        found.append(_layer(f"embed{stage + 1}", "conv", taps, c_out, positions, rate))
        for block in range(layout.blocks[stage]):
            make = _local if stage < GLOBAL_FROM else _global
            found += make(f"stage{stage + 1}.{block}", c_out, positions)
    return found + _local_path(layout, sizes[-1]) + _head(layout, sizes[-1])


def _sizes() -> list[int]:
    """Side of the feature map of each stage."""
    sizes, size = [], FRAME
    for stride in STRIDES:
        size //= stride
        sizes.append(size)
    return sizes


def _layer(name: str, kind: str, taps: int, out: int, positions: int, rate: str | None) -> Layer:
    return Layer(name, kind, taps * out * positions, out * positions, out, rate)


def _local(name: str, c: int, positions: int) -> list[Layer]:
    """1x1, depthwise, 1x1 behind one PLIF, then an MLP of two 1x1, each behind its own."""
    hidden = MLP_RATIO * c
    return [
        _layer(f"{name}.conv1", "conv", c, c, positions, f"{name}.conv1"),
        _layer(f"{name}.depthwise", "conv", DEPTHWISE**2, c, positions, f"{name}.conv1"),
        _layer(f"{name}.conv2", "conv", c, c, positions, f"{name}.conv1"),
        _layer(f"{name}.fc1", "conv", c, hidden, positions, f"{name}.fc1"),
        _layer(f"{name}.fc2", "conv", hidden, c, positions, f"{name}.fc2"),
    ]


def _global(name: str, c: int, positions: int) -> list[Layer]:
    """Linear to q, k, v; k^T v and q (k^T v) per head; projection; an MLP of two Linear."""
    hidden = MLP_RATIO * c
    product = HEAD_DIM * c * positions
    return [
        _layer(f"{name}.qkv", "linear", c, 3 * c, positions, f"{name}.qkv"),
        Layer(f"{name}.kv", "attention", product, 0, 0, f"{name}.kv"),
        Layer(f"{name}.q_kv", "attention", product, 0, 0, f"{name}.q"),
        _layer(f"{name}.proj", "linear", c, c, positions, f"{name}.proj"),
        _layer(f"{name}.fc1", "linear", c, hidden, positions, f"{name}.fc1"),
        _layer(f"{name}.fc2", "linear", hidden, c, positions, f"{name}.fc2"),
    ]


def _local_path(layout: Layout, size: int) -> list[Layer]:
    """Depthwise 3x3 and 1x1 behind one PLIF, beside the last stage."""
    c, c_out = layout.channels[-2:]
    positions = size * size * layout.steps
    return [
        _layer("local.depthwise", "conv", LOCAL_PATH**2, c, positions, "local"),
        _layer("local.conv", "conv", c, c_out, positions, "local"),
    ]


def _head(layout: Layout, size: int) -> list[Layer]:
    """A convolution over all steps and positions in pairs of channels, then a Linear."""
    c = 2 * layout.channels[-1]
    window = 2 * layout.steps * size * size
    return [
        _layer("head.conv", "head_conv", window, c, 1, "head"),
        _layer("head.fc", "head_linear", c, layout.classes, 1, None),
    ]
