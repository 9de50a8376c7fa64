"""Signal-SGN's wavelets as a stage of the host: they need steps that are still to come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.host import HostBuilder, HostTerm, folded, neuron_gain
from spikewatt.export.lowering.wires import Wire
from spikewatt.train.blocks.mask_attention import MaskMixer
from spikewatt.train.blocks.multiwavelet import CrossAttention, MultiwaveletFusion, ReleasedFusion
from spikewatt.train.blocks.spiking_layer import SpikingLayer
from spikewatt.train.models.signal_sgn import WaveHead


def wave_head(module: WaveHead, wire: Wire) -> tuple[Wire, None]:
    """Mean over steps of IF(BN(W mean over joints of MWTF(x))), x sums of spikes.

    The coefficients of a level, stretched to all steps, are one map of channels and steps each.
    """
    if isinstance(module.fusion, ReleasedFusion):
        raise SpikewattError(
            "ReleasedFusion has no integer form: it takes one axis for another. Train with "
            "released_compat = false to export."
        )
    build = HostBuilder(wire.graph.running[-1], spikes_read(wire), _shape(wire))
    fused = _fusion(build, module.fusion, wire.graph.persons)
    layer = module.layer
    weight, bias = folded(layer.conv, layer.norm, neuron_gain(layer.neuron))
    number = build.map(weight[..., None, None] / wire.places[0], bias)
    build.fire(build.conv(build.pool(fused), number), layer.neuron)
    channels = len(weight)
    found = Wire(
        wire.graph,
        torch.Size((wire.shape[0], channels)),
        channels,
        (1, 1),
        edges=(),
        bias=torch.zeros(channels, 1, 1),
        averaged=True,
        host=HostTerm(build.stage(), torch.eye(channels)),
    )
    return found, None


def spikes_read(wire: Wire) -> tuple[int, ...]:
    """The populations whose spikes a wire adds, each once; SpikewattError for anything else."""
    found = [replace(wire, edges=(e,)).spikes_of for e in wire.edges]
    if None in found or len(set(found)) != len(found):
        raise SpikewattError("The host's stage reads sums of spikes; found weights or a bias.")
    return tuple(n for n in found if n is not None)


def _shape(wire: Wire) -> tuple[int, int, int]:
    """Channels, places, steps."""
    if wire.places[1] != 1:
        raise SpikewattError(f"The wavelets read joints; found places {wire.places}.")
    return wire.channels, wire.places[0], wire.shape[-1]


def _fusion(build: HostBuilder, module: MultiwaveletFusion, persons: int) -> int:
    """IF(gain * sum over levels of both directions' attention)."""
    x = _coefficients(build, module, persons)
    basis = torch.eye(module.transform.filters.shape[0] // 2 * build.shape[2])
    k, steps = len(basis) // build.shape[2], build.shape[2]
    # what the transform makes of each channel and step alone, (k * T, k, 1, T)
    pyramid = module.pyramid(basis.view(-1, k, 1, steps))
    values = [tuple(build.transform(x, _matrix(part, steps)) for part in pair) for pair in pyramid]
    attend = _attention(build, module.attention)
    spikes = [attend(*pair) for d, s in values for pair in ((d, s), (s, d))]
    channels = build.shape[0]
    gain = build.map(module.gain.detach().expand(channels, 1, 1, 1), groups=channels)
    return build.fire(build.conv(build.total(spikes), gain), module.neuron)


def _matrix(responses: torch.Tensor, steps: int) -> torch.Tensor:
    """(k * T, k, 1, T) responses as weights (k, T, k, T)."""
    rows, k, _, _ = responses.shape
    return responses[:, :, 0].reshape(k, rows // k, k, steps).permute(2, 3, 0, 1)


def _coefficients(build: HostBuilder, module: MultiwaveletFusion, persons: int) -> int:
    """mix(BN(conv 3x3(conv 3x3(x)))), x the mean over persons; behind the first it is one map."""
    narrow = module.narrow
    first = build.map(narrow.weight / persons, narrow.bias, narrow.groups)
    weight, bias = folded(module.polynomials, module.norm)
    mixing = module.mix.weight.detach()[..., 0]
    weight = (mixing @ weight).view(-1, *module.polynomials.weight.shape[1:])
    second = build.map(weight, mixing @ bias + module.mix.bias.detach())
    return build.conv(build.conv(0, first), second)


def _attention(build: HostBuilder, module: CrossAttention) -> Any:
    """Writes LIF(BN(1x1(q AND mask))) of two values; all levels share its weights."""
    query, key, value, project = (
        _layer(build, m) for m in (module.query, module.key, module.value, module.project)
    )
    heads = _heads(build, module.mixer)

    def attend(x: int, y: int) -> int:
        own, other = build.fire(x, module.own_entry), build.fire(y, module.other_entry)
        q, k, v = query(own), key(own), value(other)
        mask = build.fire(build.conv(build.pool(build.both(k, v)), heads), module.mixer.neuron)
        return project(build.both(q, mask))

    return attend


def _layer(build: HostBuilder, module: SpikingLayer) -> Any:
    weight, bias = folded(module.conv, module.norm, neuron_gain(module.neuron))
    number = build.map(weight[..., None, None], bias)
    return lambda source: build.fire(build.conv(source, number), module.neuron)


def _heads(build: HostBuilder, module: MaskMixer) -> int:
    """The map between heads; without one, each channel as it is."""
    channels = build.shape[0]
    if isinstance(module.heads_map, nn.Identity):
        return build.map(torch.ones(channels, 1, 1, 1), groups=channels)
    between = module.heads_map.weight.detach()[..., 0]
    each = torch.eye(channels // len(between))
    return build.map(torch.kron(between, each)[..., None, None])
