"""What kind of layer a module is, for counts by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from spikewatt.train.blocks.ann.multi_scale import MultiScaleGraph, WindowGraph
from spikewatt.train.blocks.attention import Attend
from spikewatt.train.blocks.bone_conv import BoneConv
from spikewatt.train.blocks.graph_conv import GraphConv
from spikewatt.train.blocks.mask_attention import MaskMixer
from spikewatt.train.blocks.readout import IntegratingReadout
from spikewatt.train.models.agcn import AdaptiveGraphConv
from spikewatt.train.models.ctr_gcn import ChannelGraphConv
from spikewatt.train.models.shift_gcn import ShiftGraphConv
from spikewatt.train.models.small_st_gcn import FixedGraphConv, LearnedGraphConv
from spikewatt.train.models.st_gcn import LabelledGraphConv
from spikewatt.train.neuron import CubaNeuron

CONV, LINEAR, OTHER = "conv", "linear", "other"

KINDS: dict[type[nn.Module], str] = {
    nn.Linear: LINEAR,
    IntegratingReadout: LINEAR,
    nn.Conv1d: CONV,
    nn.Conv2d: CONV,
    nn.Conv3d: CONV,
    _BatchNorm: "norm",
    CubaNeuron: "neuron",
    Attend: "attention",
    MaskMixer: "attention",
    **dict.fromkeys(
        (
            *(GraphConv, BoneConv, MultiScaleGraph, WindowGraph, AdaptiveGraphConv),
            *(ChannelGraphConv, ShiftGraphConv, FixedGraphConv, LearnedGraphConv),
            LabelledGraphConv,
        ),
        "graph",
    ),
}


def kind_of(module: nn.Module) -> str | None:
    """The kind of a module; None for one that only holds others.

    A convolution of kernel 1 is linear; a graph convolution is one with all that it is made of.
    """
    kind = next((KINDS[c] for c in type(module).__mro__ if c in KINDS), None)
    if kind == CONV and set(module.kernel_size) == {1}:
        return LINEAR
    return kind


def layers(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules that have a kind."""
    kind = kind_of(net)
    if kind is not None:
        yield kind, net
        return
    for child in net.children():
        yield from layers(child)


def parameters_by_kind(net: nn.Module) -> dict[str, int]:
    """Trainable parameters by kind, each once; those of no layer are `other`."""
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    owned = [(kind, layer.parameters()) for kind, layer in layers(net)]
    for kind, found in (*owned, (OTHER, net.parameters())):
        for p in found:
            if p.requires_grad and id(p) not in seen:
                seen.add(id(p))
                counts[kind] += p.numel()
    return dict(counts)
