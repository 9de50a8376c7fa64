"""What every request has to keep, whatever the engine."""

from __future__ import annotations

import numpy as np

from spikewatt.errors import SpikewattError, unknown_name
from spikewatt.lava_runtime.deciding import check_decision
from spikewatt.lava_runtime.engine import Request
from spikewatt.network import Dense, Projection, Sparse

READOUTS = ("membrane", "rate")


def check(request: Request) -> None:
    """Raise SpikewattError for a request that does not fit its own network."""
    _check_stimulus(request)
    _check_readout(request)
    _check_record(request)
    _check_branches(request)
    _check_attention(request)
    _check_tables(request)
    check_decision(request)


def _check_stimulus(request: Request) -> None:
    source, schedule = request.network.input, request.schedule
    want = (schedule.samples, *source.shape, schedule.steps)
    driven = source.drives_bias or source.drives_dendrite
    held = (*want[:-1], 1) if driven else want
    if request.stimulus.shape not in (want, held):
        other = "" if held == want else f" or {held}"
        raise SpikewattError(
            f"The stimulus has shape {request.stimulus.shape}; this run takes {want}{other}: "
            "samples, the input's shape, steps. Reshape it, or change samples and steps."
        )


def _check_readout(request: Request) -> None:
    readout, size = request.network.readout, request.network.output.size
    if readout is None:
        return
    if readout.kind not in READOUTS:
        raise unknown_name("read-out", readout.kind, list(READOUTS))
    if readout.groups < 1 or size % readout.groups:
        raise SpikewattError(
            f"The read-out sums {size} neurons in {readout.groups} equal groups; the number of "
            "groups must divide the number of neurons. Change the read-out's groups."
        )


def _check_record(request: Request) -> None:
    unknown = sorted(set(request.record) - set(request.network.by_layer))
    if unknown:
        known = ", ".join(str(layer) for layer in request.network.by_layer)
        raise SpikewattError(
            f"Layer {unknown[0]} cannot be recorded: it has no neurons. Layers that have: {known}."
        )


def _check_branches(request: Request) -> None:
    """With resets by depth, a branch that arrives early would reach its target's last sample."""
    schedule, network = request.schedule, request.network
    for p in network.projections if schedule.period and schedule.staggered else ():
        needed = network.depths[p.target] - network.depths[p.source] - 1
        if _shortest_delay(p) < needed:
            raise SpikewattError(
                f"The projection from layer {p.source} to layer {p.target} arrives before its "
                f"target begins the sample: its shortest delay must be at least {needed}, found "
                f"{_shortest_delay(p)}. Equalise the branches, or run without resets."
            )


def _check_attention(request: Request) -> None:
    """Spikes that are multiplied are sent in the same step of the same sample."""
    depths = request.network.depths
    for p in request.network.projections:
        found = [depths[layer] for layer in p.sources]
        if len(set(found)) > 1:
            raise SpikewattError(
                f"The attention of layer {p.target} takes spikes from depths "
                f"{', '.join(map(str, found))}; queries, keys and values must come from layers "
                "of one depth. Move them, or delay what reaches them."
            )


def _check_tables(request: Request) -> None:
    """Tables of gains and biases have an entry for each step between two resets by depth."""
    schedule, entries = request.schedule, request.network.table_steps
    if entries is None:
        return
    if schedule.period is None or not schedule.staggered:
        how = "without resets" if schedule.period is None else "with all populations together"
        raise SpikewattError(
            f"The network has gains or biases for each of {entries} steps, counted from a "
            f"population's reset by depth, and this run is {how}. Run it as samples that start by "
            "depth, or as a stream with a reset interval."
        )
    if schedule.period > entries:
        raise SpikewattError(
            f"The network has gains or biases for {entries} steps, and this run has samples of "
            f"{schedule.period}; there are no entries for further ones. Run at most {entries} "
            "steps a sample."
        )


def _shortest_delay(p: Projection) -> int:
    """A lower bound of the steps that a spike waits beyond the one every projection takes."""
    own = p.synapses.delay if isinstance(p.synapses, Dense | Sparse) else None
    delays = (d for d in (own, p.axon_delay) if d is not None and d.size)
    return p.delay + sum(int(np.min(d)) for d in delays)
