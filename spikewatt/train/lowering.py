"""What spikewatt's own blocks are as synapses: one small function each, with its equation.

`export.lowering` knows torch's layers; these are added to them when a network is traced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering import FloatGraph, trace
from spikewatt.export.lowering.maps import ConvMap, JointMap, ListedMap, PlaceMap
from spikewatt.export.lowering.tracing import Handler
from spikewatt.export.lowering.wires import Wire, attention, over_the_clip
from spikewatt.network import Shape
from spikewatt.train.blocks.ann.layered import ClipNorm
from spikewatt.train.blocks.attention import Attend, mask_sum
from spikewatt.train.blocks.bone_conv import BoneConv
from spikewatt.train.blocks.frequency import FrequencyMix, ReleasedBranch
from spikewatt.train.blocks.fusion import ConstantFusion, MutualInformationFusion
from spikewatt.train.blocks.graph_conv import GraphConv
from spikewatt.train.blocks.joint_bias import JointBias
from spikewatt.train.blocks.joint_range import LEVELS, JointRange
from spikewatt.train.blocks.mask_attention import MaskMixer
from spikewatt.train.blocks.readout import IntegratingReadout
from spikewatt.train.blocks.tdbn import TimeDependentNorm
from spikewatt.train.models.signal_sgn import WaveHead
from spikewatt.train.models.svformer import TimeHead
from spikewatt.train.wave_stage import wave_head


def graph_conv(module: GraphConv, wire: Wire) -> Wire:
    """y[v] = sum over u of (sum over k of A_k[v, u] W_k) x[u] + b; pairs (v, u) with A not 0."""
    adjacency = module.weights().detach()
    mixing = torch.stack([conv.weight.detach()[..., 0] for conv in module.convs])
    targets, sources = torch.nonzero(adjacency.abs().sum(dim=0), as_tuple=True)
    weight = torch.einsum("ke,koi->eoi", adjacency[:, targets, sources], mixing)
    kernels, joints, _ = adjacency.shape
    channels_out, channels_in = mixing.shape[1:]
    blocks = wire.places[0] * wire.places[1] // joints
    macs = kernels * blocks * joints * channels_in * (channels_out + joints)
    m = JointMap(weight, targets, sources, (joints, joints), blocks, macs)
    shape = (wire.shape[0], channels_out, *wire.shape[2:])
    bias = sum(conv.bias.detach() for conv in module.convs)
    return wire.mapped(m, shape, channels_out, wire.places).affine(torch.ones(1), bias)


def bone_conv(module: BoneConv, wire: Wire) -> Wire:
    """y[v] = sum over bones (v, u) of E W_k x[u]: one weight matrix a bone."""
    kernel, targets, sources = torch.nonzero(module.partitions, as_tuple=True)
    edges = module.edges.detach()[kernel, targets, sources]
    weight = edges[:, None, None] * module.weight.detach()[kernel]
    kernels, joints, _ = module.partitions.shape
    _, channels_out, channels_in = weight.shape
    macs = kernels * joints * channels_in * (channels_out + joints)
    m = JointMap(weight, targets, sources, (joints, joints), 1, macs)
    shape = (wire.shape[0], channels_out, *wire.shape[2:])
    return wire.mapped(m, shape, channels_out, wire.places)


def integrating_readout(module: IntegratingReadout, wire: Wire) -> Wire:
    """logits = sum over v of (W J[v] / V) x[v] + b, a mean over steps."""
    share = module.joints.detach() / len(module.joints)
    kernel = (module.weight.detach()[:, :, None] * share).reshape(-1, wire.channels, *wire.places)
    classes = len(kernel)
    out = wire.mapped(ConvMap(kernel), (wire.shape[0], classes), classes, (1, 1))
    return replace(out, averaged=True).affine(torch.ones(1), module.bias.detach())


def attend(module: Attend, q: Wire, k: Wire, v: Wire) -> Wire:
    """scale * Q K^T V."""
    return attention(q, k, v, module.heads, module.scale)


def mask_mixer(module: MaskMixer, q: Wire, k: Wire, v: Wire) -> Wire:
    """q AND LIF(M sum over tokens of k AND v), M between heads."""
    if isinstance(module.heads_map, nn.Identity):
        return q * module.neuron(mask_sum(k, v))
    both = k * v
    m = between_heads(module.heads_map.weight.detach()[..., 0], both)
    shape = (*both.shape[:2], 1, both.shape[-1])
    return q * module.neuron(both.mapped(m, shape, both.channels, (1, 1)))


def between_heads(mixing: torch.Tensor, wire: Wire) -> ListedMap:
    """y[h, d] = sum over heads g and places of M[h, g] x[g, d], synapse by synapse.

    As a kernel it would be all channels by all places, most of them 0.
    """
    heads, places = len(mixing), prod(wire.places)
    each = torch.arange(wire.channels).view(heads, -1)  # channels of each head
    to, seen, weight = torch.broadcast_tensors(
        each[:, None, None], each[None, :, None], mixing[:, :, None, None]
    )
    at = torch.arange(places)[:, None] * wire.channels + seen.reshape(-1)
    macs = places * wire.channels + heads * wire.channels  # the sum, then the mixing
    parts = (a.reshape(-1).repeat(places) for a in (weight, to))
    return ListedMap(*parts, at.reshape(-1), (1, 1, wire.channels), macs)


def _check_one_gain(persons: int) -> None:
    if persons != 1:
        raise SpikewattError(
            f"The network gives each of {persons} persons gains of its own, and on a chip all are "
            "clips of one network. Train it with persons = 1, or one with min_max = true, whose "
            "gains the host applies."
        )


def clip_norm(module: ClipNorm, wire: Wire) -> Wire:
    """y[v, c] = g[v, c] x[v, c] + b[v, c]: a gain for each joint, which the next layer takes up.

    Inputs are whole numbers: one whose variance is below `eps` never changes (the root's bone is
    0), and its gain, 1 / sqrt(eps), would take the 8 bits of all others' weights.
    """
    norm, (persons, channels, joints) = module.norm, module.shape
    _check_one_gain(persons)
    gain = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    gain = gain.masked_fill(norm.running_var <= norm.eps, 0.0)
    shift = norm.bias.detach() - norm.running_mean * gain
    each = [v.view(channels, 1, joints).expand(-1, *wire.places) for v in (gain, shift)]
    n, c, v, f = wire.shape
    scaled = wire.mapped(PlaceMap(each[0].clone()), (n, c, f, v), channels, wire.places)
    return replace(scaled, bias=scaled.bias + each[1])


def fused(module: nn.Module, wires: Sequence[Wire]) -> Wire:
    """sum over modalities of W_m P_m, W frozen from the training set."""
    weights = module.weights.detach().tolist()
    return sum((w * p for w, p in zip(weights[1:], wires[1:], strict=True)), wires[0] * weights[0])


def time_head(module: TimeHead, wire: Wire) -> Wire:
    """W (g conv(s) + b) + c over the whole clip at once, as one kernel a step."""
    conv, norm, linear = module.conv, module.norm, module.linear
    gain = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias.detach() + (conv.bias.detach() - norm.running_mean) * gain
    channels = len(gain)
    per_group = conv.weight.shape[1]
    grouped = conv.weight.detach() * gain.view(-1, 1, 1, 1, 1)
    mixing = linear.weight.detach()  # (classes, channels)
    parts = []
    for rows in torch.arange(channels).chunk(conv.groups):
        parts.append(torch.einsum("ko,oixyt->kixyt", mixing[:, rows], grouped[rows]))
    assert len(parts) * per_group == wire.channels
    bias = linear.bias.detach() + mixing @ shift
    return over_the_clip(module.neuron(wire), torch.cat(parts, dim=1), bias)


def time_dependent_norm(module: TimeDependentNorm, wire: Wire) -> Wire:
    """y[c, t] = g[c, t] x[c, t] + b[c, t]: a table of gains and one of biases."""
    if wire.size(-1) != module.steps:
        raise SpikewattError(
            f"A time-dependent norm of {module.steps} steps behind a wire of {wire.size(-1)}."
        )
    gain = module.weight.detach() * torch.rsqrt(module.running_var + module.eps)
    shift = module.bias.detach() - module.running_mean * gain
    by_channel = (v.view(module.steps, module.channels).T.contiguous() for v in (gain, shift))
    return wire.affine_by_step(*by_channel)


def frequency_mix(module: FrequencyMix, wire: Wire) -> tuple[Wire, ...]:
    """R and I: y[v] = sum over all joints u of M[v, u] x[u] + b, each M in one map."""
    joints, found = module.joints, []
    targets, sources = torch.cartesian_prod(torch.arange(joints), torch.arange(joints)).T
    for matrix, bias in module.merged():
        weight = matrix.flatten(0, 1)
        macs = weight[0].numel() * joints * (1 if module.imaginary is None else 2)
        m = JointMap(weight, targets, sources, (joints, joints), 1, macs)
        part = wire.mapped(m, wire.shape, wire.channels, wire.places)
        found.append(part.affine(torch.ones(1), bias))
    return tuple(found)


def joint_bias(module: JointBias, wire: Wire) -> Wire:
    """y = x + b of each joint and channel."""
    return replace(wire, bias=wire.bias + module.bias.detach().unsqueeze(-1))


def joint_range(module: JointRange, wire: Wire) -> Wire:
    """What the host prepares arrives as whole numbers: y = x / 127; without min-max, gains.

    Gains that differ by person are the host's alone: no synapse knows whose clip it sees.
    """
    if module.min_max:
        return wire * (1 / LEVELS)
    _check_one_gain(module.clip_norm.shape[0])
    gain, shift = (v.unsqueeze(-1) for v in module.affine())  # (C, V, 1)
    scaled = wire.mapped(PlaceMap(gain.clone()), wire.shape, wire.channels, wire.places)
    return replace(scaled, bias=scaled.bias + shift)


def no_populations(reason: str) -> Handler:
    """A block that only a float network has."""

    def refuse(module: nn.Module, *wires: Wire) -> Wire:
        raise SpikewattError(f"{type(module).__name__} has no integer form: {reason}")

    return refuse


LOWERINGS: dict[type[nn.Module], Handler] = {
    Attend: attend,
    BoneConv: bone_conv,
    ClipNorm: clip_norm,
    ConstantFusion: fused,
    FrequencyMix: frequency_mix,
    GraphConv: graph_conv,
    JointBias: joint_bias,
    JointRange: joint_range,
    MaskMixer: mask_mixer,
    MutualInformationFusion: fused,
    ReleasedBranch: no_populations(
        "two clips pass the same neurons. Train with released_compat = false to export."
    ),
    TimeDependentNorm: time_dependent_norm,
    TimeHead: time_head,
    WaveHead: wave_head,
    IntegratingReadout: integrating_readout,
}


def lower(net: nn.Module, clip_shape: tuple[int, ...], input_shape: Shape) -> FloatGraph:
    """`trace` with the blocks of spikewatt."""
    return trace(net, clip_shape, input_shape, LOWERINGS)
