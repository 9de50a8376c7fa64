"""Norms of single steps on wires: a gain of each step and channel on edges, a bias on populations.

A gain belongs to the end of a map: y[c, t] = g[c, t] (M x)[c, t]. Its largest step goes into the
map's weights, which have more bits, so that |g| <= 1. Further maps reach through gains only where
they pick channels, since g W is no g' W'.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from spikewatt.errors import SpikewattError
from spikewatt.export.lowering.graph import Edge
from spikewatt.export.lowering.maps import AttentionMap, ConvMap, Map, SpreadMap, compose, scaled


def gained(edge: Edge, gain: torch.Tensor) -> Edge:
    """The edge times gain (channels, steps); SpikewattError where its weights cannot take it up."""
    whole = gain if edge.gain is None else edge.gain * gain
    peak = whole.abs().amax(dim=1)
    if isinstance(edge.map, AttentionMap | SpreadMap):  # one weight for all channels
        peak = peak.max().expand_as(peak)
    peak = torch.where(peak > 0, peak, torch.ones_like(peak))
    return replace(times(edge, peak), gain=whole / peak[:, None])


def times(edge: Edge, gain: torch.Tensor) -> Edge:
    """The edge times a gain of all steps, a number or (channels,)."""
    bias = None if edge.bias is None else edge.bias * gain.reshape(-1, 1, 1)
    return replace(edge, map=scaled(edge.map, gain), bias=bias)


def with_bias(edges: tuple[Edge, ...], bias: torch.Tensor) -> tuple[Edge, ...]:
    """A bias (channels, X, Y) that a norm of steps behind will multiply, given to one of the edges.

    SpikewattError where every edge has the gains of a norm in front.
    """
    for k, edge in enumerate(edges):
        if edge.gain is None:
            return (*edges[:k], replace(edge, bias=bias), *edges[k + 1 :])
    raise SpikewattError(
        "Two norms of single steps with a bias of single places between have no integer form. Let "
        "a neuron stand between, or use norms that steps share."
    )


def behind(edge: Edge, m: Map) -> Edge:
    """The edge with a further map at its end."""
    if edge.gain is None:
        return replace(edge, map=compose(edge.map, m))
    picked = _picked(m)
    bias = None if edge.bias is None else torch.einsum("oc,cxy->oxy", picked, edge.bias)
    gain = edge.gain[picked.abs().argmax(dim=1)]
    return replace(edge, map=compose(edge.map, m), gain=gain, bias=bias)


def bias_behind(table: torch.Tensor | None, m: Map) -> torch.Tensor | None:
    """Biases of steps (channels, steps) behind a further map."""
    return table if table is None else _picked(m) @ table


def _picked(m: Map) -> torch.Tensor:
    """Weights (channels out, channels in) of a map that picks one channel, or none, for each."""
    if isinstance(m, ConvMap) and m.pointwise:
        full = m.full()[..., 0, 0]
        if int(torch.count_nonzero(full, dim=1).max()) <= 1:
            return full
    raise SpikewattError(
        "A linear map right behind a norm of single steps is not one layer of synapses: each step "
        "would need weights of its own. Let a neuron stand between, or use norms that steps share."
    )


def together(a: torch.Tensor | None, b: torch.Tensor | None) -> torch.Tensor | None:
    """The sum of biases of steps, where there are any."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def shared(bias: torch.Tensor) -> torch.Tensor | None:
    """A bias (channels, X, Y) by channel, (channels,), where its places share it."""
    by_channel = bias.flatten(1)
    return by_channel[:, 0] if bool((by_channel == by_channel[:, :1]).all()) else None
