"""From a network and its execution to the record of the run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

from spikewatt.energy.events import (
    Counters,
    LayerCounts,
    dense_macs,
    synapses,
    synapses_nonzero,
)
from spikewatt.energy.host import host_share
from spikewatt.energy.metrics import graded_layers, metrics, weights
from spikewatt.network import IntArray, Network
from spikewatt.report.placing import placements_of
from spikewatt.report.record import (
    HostRecord,
    LayerRecord,
    MeasuredRecord,
    MetricsRecord,
    RunRecord,
    Totals,
    UnmeasuredRecord,
)
from spikewatt.report.spikes import raster, rates

if TYPE_CHECKING:  # an execution is only read here; engines need not be importable
    from spikewatt.lava_runtime.engine import Execution

POINTS_MAX = 512  # of a curve over steps, in the record
PACKAGES = ("lava-nc", "lava-dl", "numpy", "scipy", "numba", "torch", "h5py")


@dataclass(frozen=True)
class Provenance:
    """Where a run's network and input come from, and how it was started."""

    network: str
    input: str
    command: str = ""
    network_sha256: str | None = None
    input_sha256: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run can say besides its counts."""

    accuracy: float | None = None
    predictions: tuple[int, ...] | None = None
    verified_against: tuple[str, ...] = ()
    measured: MeasuredRecord | UnmeasuredRecord | None = None


def record_of(
    network: Network,
    execution: Execution,
    provenance: Provenance,
    outcome: Outcome | None = None,
    place: bool = True,
) -> RunRecord:
    """The record of an execution; with `place`, also the load on each profile's cores (slower)."""
    counts, outcome = execution.counts, outcome or Outcome()
    layers = [
        _with_spikes(_layer(network, c, counts.samples, counts.steps), execution.spikes)
        for c in counts.layers
    ]
    executed = counts.samples * counts.steps
    complete = set(counts.by_layer) >= set(network.by_layer)  # else the load is not known
    return RunRecord(
        spikewatt_version=spikewatt_version(),
        **asdict(provenance),
        backend=execution.engine,
        versions=versions(),
        samples=counts.samples,
        steps=counts.steps,
        persons=network.persons,
        latency_steps=network.latency_steps,
        build_s=execution.build_s,
        wall_s=execution.wall_s,
        steps_per_s=executed / execution.wall_s if execution.wall_s > 0 else None,
        layers=layers,
        totals=_totals(network, layers),
        metrics=MetricsRecord(**asdict(metrics(network, counts))),
        accuracy=outcome.accuracy,
        predictions=None if outcome.predictions is None else list(outcome.predictions),
        verified_against=list(outcome.verified_against),
        measured=outcome.measured,
        placements=placements_of(network, counts) if place and complete else None,
        host=_host(network, execution),
    )


def _host(network: Network, execution: Execution) -> HostRecord | None:
    """The stage's operations, every one of them counted."""
    share, found = host_share(network), execution.host
    if share is None or found is None:
        return None
    return HostRecord(
        module=share.module,
        clips=len(found.sums),
        **asdict(found.work),
        dense_macs=share.dense_macs,
        dense_macs_share=share.share,
        coverage=1.0,
    )


def _with_spikes(layer: LayerRecord, recorded: Mapping[int, IntArray]) -> LayerRecord:
    """The layer with rates and raster, where its spikes were recorded."""
    spikes = recorded.get(layer.index)
    if spikes is None or not spikes.size:
        return layer
    return layer.model_copy(update={"rates": rates(spikes), "raster": raster(spikes)})


def versions() -> dict[str, str]:
    """Versions of Python, the machine's system and the packages that results depend on."""
    found = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "system": platform.system(), **found}


def spikewatt_version() -> str:
    """The installed version."""
    return _version("spikewatt")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _layer(network: Network, counts: LayerCounts, samples: int, steps: int) -> LayerRecord:
    incoming = network.incoming(counts.layer)
    sources = sum(int(np.prod(network.shape_of(i))) for p in incoming for i in p.sources)
    spikes_in, macs = int(counts.spikes_in.sum()), sum(dense_macs(network, p) for p in incoming)
    slots = sources * steps * samples
    per_bin, by_step = _binned(counts.synaptic_events)
    return LayerRecord(
        index=counts.layer,
        type=_type(network, counts.layer),
        neurons=network.by_layer[counts.layer].size,
        synapses=sum(synapses(network, p) for p in incoming),
        synapses_nonzero=sum(synapses_nonzero(network, p) for p in incoming),
        spikes_in=spikes_in,
        spikes_out=int(counts.spikes_out.sum()),
        synaptic_events=int(counts.synaptic_events.sum()),
        synaptic_events_stored=int(counts.synaptic_events_stored.sum()),
        neuron_updates=int(counts.neuron_updates),
        dense_macs=macs,
        firing_rate_in=spikes_in / slots if slots else 0.0,
        # rate x steps x samples x MACs, with one division only, so that whole numbers stay whole
        paper_sops=spikes_in * macs / sources if sources else 0.0,
        fill={key: int(value) for key, value in counts.fill.items()},
        analog_input=counts.layer in graded_layers(network),
        module=network.names.get(counts.layer, ""),
        steps_per_bin=per_bin,
        synaptic_events_by_step=by_step,
        sources=sources,
        weights=sum(weights(p)[0] for p in incoming),
    )


def _type(network: Network, layer: int) -> str:
    """The file's name for the layer, or that of its synapses in a network made in memory."""
    kinds = sorted({type(p.synapses).__name__.lower() for p in network.incoming(layer)})
    return network.layer_types.get(layer, "+".join(kinds) or "input")


def _binned(events: Counters) -> tuple[int, list[int]]:
    """Events over steps, summed over samples, in at most POINTS_MAX bins: (steps a bin, bins)."""
    by_step = events.sum(axis=0)
    per_bin = -(-by_step.size // POINTS_MAX)
    starts = np.arange(0, by_step.size, per_bin)
    return per_bin, [int(n) for n in np.add.reduceat(by_step, starts)]


def _totals(network: Network, layers: list[LayerRecord]) -> Totals:
    counted = sum(layer.synapses for layer in layers)
    known = sum(synapses(network, p) for p in network.projections)
    return Totals(
        synaptic_events=sum(x.synaptic_events for x in layers),
        synaptic_events_stored=sum(x.synaptic_events_stored for x in layers),
        neuron_updates=sum(x.neuron_updates for x in layers),
        spikes_out=sum(x.spikes_out for x in layers),
        dense_macs=sum(x.dense_macs for x in layers),
        paper_sops=sum(x.paper_sops for x in layers),
        coverage=counted / known if known else 1.0,
    )
