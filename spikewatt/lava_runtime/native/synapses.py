"""Synapses laid out so that the targets of one source lie together, one class a kernel.

A kind of synapse is a class with `deliver` and `delay_max`, a function that makes it from the
network's, and an entry in `LAYOUTS`; kinds without one are listed first (`expand`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spikewatt.errors import SpikewattError
from spikewatt.expansion import expand
from spikewatt.lava_runtime.native import delivery
from spikewatt.lava_runtime.native.arrays import NO_DELAY, Flags, Weights, ints, narrow
from spikewatt.lava_runtime.native.groups import runs_of_all
from spikewatt.lava_runtime.native.listed import RunLayout, by_source
from spikewatt.lava_runtime.native.patterns import Table, table_of
from spikewatt.lava_runtime.native.run_lanes import RUN
from spikewatt.lava_runtime.native.spikes import Spikes
from spikewatt.network import Conv, Dense, IntArray, Network, Projection, Sparse


class Layout(Protocol):
    """One projection's synapses, ready for its kernel."""

    @property
    def delay_max(self) -> int:
        """Longest delay of a synapse beyond the projection's own, in steps."""
        ...

    def deliver(self, spikes: Spikes, arrival: int, ring: IntArray, touched: Flags) -> None:
        """Add a chunk's spikes to the target's ring, the first step's at `arrival`.

        touched: flags of the ring's rows, set where something arrives.
        """
        ...


@dataclass(frozen=True, eq=False)
class DenseLayout:
    """weight (sources * targets,); delay (targets,), the same for all sources, or empty."""

    weight: Weights
    delay: IntArray

    @property
    def delay_max(self) -> int:
        """Longest delay in steps."""
        return int(self.delay.max(initial=0))

    def deliver(self, spikes: Spikes, arrival: int, ring: IntArray, touched: Flags) -> None:
        """Add the rows of the sources that spiked."""
        args = (spikes.starts, spikes.neurons, spikes.values, arrival, self.weight, self.delay)
        delivery.deliver_dense(*args, ring, touched)


@dataclass(frozen=True, eq=False)
class ConvLayout:
    """Kernels with the group's output channels last, and where each tap lands."""

    weight: Weights  # flat (channels in, kernel x, kernel y, channels out of the group)
    taps: tuple[IntArray, IntArray]  # (source x, kernel x), (source y, kernel y): target or -1
    geometry: npt.NDArray[np.int64]
    bound: int  # largest sum of a target's weights, signs apart
    table: Table
    delay_max: int = 0

    def deliver(self, spikes: Spikes, arrival: int, ring: IntArray, touched: Flags) -> None:
        """Add every tap that lands on the target, output channels together."""
        table = (self.table.sums, self.table.shifts, self.table.steps, self.table.plan)
        args = (self.weight, *self.taps, self.geometry, self.bound, *table, ring, touched)
        delivery.deliver_conv(spikes.starts, spikes.neurons, spikes.values, arrival, *args)


def _sparse(network: Network, projection: Projection, s: Sparse) -> Layout:
    return by_source(s)


def _dense(network: Network, projection: Projection, s: Dense) -> Layout:
    delay = NO_DELAY if s.delay is None else s.delay
    if s.delay is not None and (s.delay == s.delay[:, :1]).all():
        delay = ints(s.delay[:, 0])
    if delay.size == 0 and len(s.weight) >= RUN:
        return RunLayout(runs_of_all(s.weight), len(s.weight))
    if delay.ndim == 1:
        return DenseLayout(narrow(s.weight.T), delay)
    targets, sources = (i.astype(np.int32) for i in np.nonzero(s.weight))
    listed = (targets, sources, s.weight[targets, sources])
    return by_source(Sparse(*listed, s.weight.shape, 0, delay[targets, sources]))  # type: ignore[arg-type]


def _taps(source: int, target: int, axis: int, conv: Conv) -> IntArray:
    """Target position that each tap of each source position reaches along one axis, or -1."""
    taps = np.arange(conv.weight.shape[1 + axis]) * conv.dilation[axis]
    reach = np.arange(source)[:, None] + conv.padding[axis] - taps
    lands = (reach >= 0) & (reach % conv.stride[axis] == 0) & (reach < target * conv.stride[axis])
    return np.where(lands, reach // conv.stride[axis], -1).astype(np.int32)


def _conv(network: Network, projection: Projection, s: Conv) -> Layout:
    source, target = network.shape_of(projection.source), network.shape_of(projection.target)
    out, kx, ky, per_source = s.weight.shape
    if len(source) != 3 or len(target) != 3 or per_source * s.groups != source[2]:
        raise SpikewattError(
            f"Convolution of layer {projection.target} has {per_source} x {s.groups} input "
            f"channels (kernel x groups), its source has shape {source} and its target {target}; "
            "both must be (x, y, channel) and agree. Check the layer's shape and groups."
        )
    per_target = out // s.groups
    grouped = s.weight.reshape(s.groups, per_target, kx, ky, per_source)
    bound = np.abs(s.weight.astype(np.int64)).sum(axis=(1, 2, 3)).max(initial=0)
    geometry = (source[1], s.groups, target[1], target[2], per_source, per_target)
    return ConvLayout(
        weight=narrow(grouped.transpose(0, 4, 2, 3, 1)),
        taps=(_taps(source[0], target[0], 0, s), _taps(source[1], target[1], 1, s)),
        geometry=np.array(geometry, np.int64),
        bound=int(bound),
        table=table_of(s, source, target),
    )


LAYOUTS: dict[type, Callable[[Network, Projection, Any], Layout]] = {
    Dense: _dense,
    Sparse: _sparse,
    Conv: _conv,
}


def lay_out(network: Network, projection: Projection) -> Layout:
    """The kernel-ready form of a projection's synapses."""
    ends = network.shape_of(projection.source), network.shape_of(projection.target)
    own = projection.synapses  # blocks of a list share it here too
    synapses = own if isinstance(own, Sparse) else expand(own, *ends)
    return LAYOUTS[type(synapses)](network, projection, synapses)
