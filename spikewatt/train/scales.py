"""One scale a population: the largest that keeps weights, bias, threshold and currents in range."""

from __future__ import annotations

import torch

from spikewatt.export.lowering.graph import Edge, FloatGraph, FloatPopulation
from spikewatt.export.lowering.maps import AttentionMap
from spikewatt.network import BIAS_MAX, THRESHOLD_MAX, WEIGHT_MAX
from spikewatt.train.quantize import CURRENT_MAX, GROWTH_ROOM, READOUT_MARGIN, WEIGHT_SCALE

TINY = 1e-9
GATE_SCALE = 2 / WEIGHT_SCALE  # the unit weight of a gate is the integer 2


def reach(graph: FloatGraph, edge: Edge, limit: int, weight: torch.Tensor | None = None) -> float:
    """Largest |sum| that an edge can bring to a neuron; inputs are up to `limit`, spikes 1.

    weight: what the edge's has become in training, by default its own.
    """
    m = edge.map
    size = (m.weight if weight is None else weight).abs()
    x, y, channels = graph.shape_of(edge.sources[0])
    if isinstance(m, AttentionMap):
        return float(size.max()) * (x * y // m.blocks) * channels / m.heads
    ones = torch.ones(1, channels, x, y, 1, device=size.device)
    largest = float(m.apply(size, ones).max())
    return largest * (limit if edge.sources[0] == 0 else 1)


def _limits(p: FloatPopulation) -> tuple[float, float]:
    weight = max(float(e.map.weight.abs().max()) for e in p.edges)
    bias = float(p.bias.abs().max())
    more = [p.step_bias, *(e.bias for e in p.edges)]  # times gains of at most 1
    bias += sum(float(table.abs().max()) for table in more if table is not None)
    return (
        WEIGHT_MAX / WEIGHT_SCALE / max(weight, TINY),
        BIAS_MAX / WEIGHT_SCALE / max(bias, TINY),
    )


def population_scale(graph: FloatGraph, p: FloatPopulation, limit: int) -> float:
    """Factor on weights, bias and threshold of a population.

    Currents stay below 2**17 before the shift by 6, so that the 24-bit state never wraps, with
    room for fine-tuning.
    """
    current = sum(reach(graph, e, limit) for e in p.edges)
    return min(
        *_limits(p),
        THRESHOLD_MAX / WEIGHT_SCALE / p.threshold,
        CURRENT_MAX * GROWTH_ROOM / WEIGHT_SCALE / max(current, TINY),
    )


def weight_scales(graph: FloatGraph, limit: int) -> list[float]:
    """Factors of all populations, of which the read-out's fills its weights' and bias's bits."""
    assert graph.readout is not None
    scales = [
        GATE_SCALE if p.exact else population_scale(graph, p, limit) for p in graph.populations
    ]
    return [*scales, min(_limits(graph.readout))]


def largest_voltage(
    p: FloatPopulation,
    weights: list[torch.Tensor],
    bias: torch.Tensor,
    spikes: list[torch.Tensor],
) -> float:
    """Largest |v| of a float read-out; weights: of its edges, spikes: of all, the input's first."""
    summed = p.v_decay == 0
    voltage = bias[None, ..., None] * (spikes[0].shape[-1] if summed else 1)
    for weight, edge in zip(weights, p.edges, strict=True):
        seen = (arriving(spikes[s], edge.delay, summed).float() for s in edge.sources)
        voltage = voltage + edge.map.apply(weight, *seen)
    return float(voltage.abs().max())


def readout_scale(p: FloatPopulation, largest: float) -> float:
    """Factor on a read-out's weights: 8 bits, and |v| up to `largest` far from its clip."""
    voltage = max(largest * WEIGHT_SCALE, TINY)
    return min(*_limits(p), CURRENT_MAX / READOUT_MARGIN / voltage)


def arriving(spikes: torch.Tensor, delay: int, summed: bool) -> torch.Tensor:
    """What reaches a read-out: the sum over the steps, or the last step but `delay`, in float64."""
    if summed:
        return spikes.sum(dim=-1, keepdim=True).double()
    at = spikes.shape[-1] - 1 - delay
    return spikes[..., at : at + 1].double()
