"""From the files of a finished run to an Execution."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import Counts
from spikewatt.lava_runtime.deciding import decided, no_spikes_read
from spikewatt.lava_runtime.engine import Execution, Request
from spikewatt.lava_runtime.lava.results import READOUTS, Mapped, PopulationResults, ResultFiles
from spikewatt.lava_runtime.lava.workplace import Workplace
from spikewatt.network import IntArray, Network


def _in_order(array: Mapped, shape: tuple[int, ...]) -> IntArray:
    """(N, T, size) as (N, *shape, T)."""
    n, t, _ = array.shape
    turned = np.ascontiguousarray(array.transpose(0, 2, 1), dtype=np.int32)
    return turned.reshape(n, *shape, t)


def _readout(network: Network, results: PopulationResults) -> npt.NDArray[np.int64] | None:
    """Integer sums of the read-out's groups, (N, groups)."""
    if network.readout is None:
        return None
    values = getattr(results, READOUTS[network.readout.kind])
    sums = values.reshape(len(values), network.readout.groups, -1).sum(axis=2)
    return np.asarray(sums, dtype=np.int64)


def read_execution(place: Workplace, request: Request) -> Execution:
    """What the child has left in the workplace, as every engine gives it back."""
    network, schedule = request.network, request.schedule
    summary: dict[str, float] = json.loads(place.summary.read_text())
    files = ResultFiles(place.folder, schedule)
    results = {p.layer: files.open_for(p.layer) for p in network.populations}
    kept: dict[str, dict[int, IntArray]] = {"spikes": {}, "u": {}, "v": {}}
    for layer in request.record:
        for name, by_layer in kept.items():
            array = getattr(results[layer], name)
            if array is not None:
                by_layer[layer] = _in_order(array, network.shape_of(layer))
    layers = tuple(results[p.layer].layer_counts(p.layer) for p in network.populations)
    read = no_spikes_read(request)
    for layer in request.read_by_host:
        assert read is not None
        spikes = results[layer].spikes
        assert spikes is not None
        read += spikes.transpose(0, 2, 1)
    execution = Execution(
        engine="lava",
        spikes=kept["spikes"],
        u=kept["u"],
        v=kept["v"],
        readout=_readout(network, results[network.output.layer]),
        counts=Counts(schedule.samples, schedule.steps, layers),
        build_s=summary.pop("build_s"),
        wall_s=summary.pop("wall_s"),
        details=summary,
    )
    return decided(request, execution, read)
