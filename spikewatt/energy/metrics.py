"""NeuroBench's metric names, worked out from the integer network and its counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikewatt.energy.events import Counts
from spikewatt.network import (
    AdaptiveLif,
    CubaLif,
    Delta,
    Dense,
    Network,
    Neuron,
    Projection,
    ResonateFire,
    Sigma,
    SigmaDelta,
    Sparse,
)

_STATE_BYTES = 3  # 24 bit each
_STATES: dict[type[Neuron], int] = {
    CubaLif: 2,  # u, v
    AdaptiveLif: 4,  # u, v, threshold, refractoriness
    Delta: 2,  # activation, residue
    Sigma: 1,  # sum
    SigmaDelta: 3,  # sum, activation, residue
    ResonateFire: 2,  # real, imaginary
}
_BIAS_BYTES = 2  # a 13-bit mantissa


@dataclass(frozen=True)
class Metrics:
    """Static and dynamic metrics of one execution.

    footprint: bytes of weights (1 each, kernels once), delays (1 each), biases (2 each) and
    neuron states (3 each, a CUBA-LIF neuron has 2). connection_sparsity: share of the weights
    that are zero, kernels once. activation_sparsity: share of neuron updates that end without a
    spike.
    effective_macs, effective_acs: synaptic events a sample whose spikes do and do not carry
    values; a zero weight or a silent neuron costs nothing in either.
    """

    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    effective_macs: float
    effective_acs: float


def graded_layers(network: Network) -> frozenset[int]:
    """Layers that receive spikes with values: a source of theirs has message bits."""
    bits = {p.layer: p.message_bits for p in network.populations}
    if network.input.layer not in bits:
        bits[network.input.layer] = network.input.message_bits
    return frozenset(
        p.target for p in network.projections if any(bits[source] > 0 for source in p.sources)
    )


def metrics(network: Network, counts: Counts) -> Metrics:
    """Metrics of an execution under NeuroBench's names."""
    known = [weights(p) for p in network.projections]
    stored, nonzero = sum(w[0] for w in known), sum(w[1] for w in known)
    updates = sum(c.neuron_updates for c in counts.layers)
    spikes = sum(int(c.spikes_out.sum()) for c in counts.layers)
    graded = graded_layers(network)
    events = {c.layer: int(c.synaptic_events.sum()) for c in counts.layers}
    macs = sum(n for layer, n in events.items() if layer in graded)
    return Metrics(
        footprint=_footprint(network),
        connection_sparsity=_share_absent(nonzero, stored),
        activation_sparsity=_share_absent(spikes, updates),
        effective_macs=macs / counts.samples,
        effective_acs=(sum(events.values()) - macs) / counts.samples,
    )


def _share_absent(present: int, possible: int) -> float:
    return 1 - present / possible if possible else 0.0


def weights(projection: Projection) -> tuple[int, int]:
    """Weights of a projection and how many are not zero; kernels and blocks count once."""
    s = projection.synapses
    nonzero = int(np.count_nonzero(s.weight))
    # A sparse projection need not list its zeros, so its dense form tells how many there are.
    stored = int(s.weight.size)
    return (max(s.dense_macs // s.repeats, stored) if isinstance(s, Sparse) else stored), nonzero


def _footprint(network: Network) -> int:
    total = sum(_STATE_BYTES * _STATES[type(p.neuron)] * p.size for p in network.populations)
    total += sum(_BIAS_BYTES * p.bias.size for p in network.populations if p.bias is not None)
    for projection in network.projections:
        s = projection.synapses
        total += int(s.weight.size)
        delays = (projection.axon_delay, s.delay if isinstance(s, Dense | Sparse) else None)
        total += sum(int(d.size) for d in delays if d is not None)
    return total
