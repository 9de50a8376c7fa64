"""What an execution leaves behind: arrays in mapped files, shared by all its processes.

Lava's own way to read a variable moves one element at a time. Here every population writes
into files that the engine has made, and the engine reads them when all is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikewatt.energy.events import FILL_KEYS, LayerCounts
from spikewatt.lava_runtime.lava.neurons import NEURONS, NeuronState
from spikewatt.lava_runtime.schedule import Schedule
from spikewatt.network import IntArray, Population

Mapped = npt.NDArray[Any]
STEPS_MAX = 256  # whose counts a process keeps to itself, at most
COUNTED = FILL_KEYS[:4]  # per sample and step; neuron updates are a plain sum


class Window:
    """Which sample and which of its counted steps a global step is, at one depth."""

    def __init__(self, schedule: Schedule, depth: int) -> None:
        self.samples, self.steps = schedule.samples, schedule.steps
        self.start, _ = schedule.window(0, depth)
        # one sample needs no period
        self.period = schedule.window(1, depth)[0] - self.start or schedule.total_steps + 1

    def of(self, step: int) -> tuple[int, int]:
        """(sample, step of the sample), or (-1, -1) outside every sample."""
        sample, index = divmod(step - self.start, self.period)
        return (sample, index) if 0 <= sample < self.samples and index < self.steps else (-1, -1)

    def places(self, steps: npt.ArrayLike) -> tuple[Mapped, Mapped]:
        """The same of many steps, as two arrays."""
        sample, index = np.divmod(np.asarray(steps) - self.start, self.period)
        outside = (sample < 0) | (sample >= self.samples) | (index >= self.steps)
        return np.where(outside, -1, sample), np.where(outside, -1, index)


@dataclass(frozen=True, eq=False)
class PopulationResults:
    """One population's mapped arrays.

    counts: (4, N, T) in the order of COUNTED. fill: (5,) in that of FILL_KEYS. updates: (1,).
    spikes: (N, T, size) or None. u, v: the same. last_v, spike_sum: (N, size) or None.
    progress: (1,), steps done, or None where another population tells.
    """

    counts: Mapped
    fill: Mapped
    updates: Mapped
    spikes: Mapped | None = None
    u: Mapped | None = None
    v: Mapped | None = None
    last_v: Mapped | None = None
    spike_sum: Mapped | None = None
    progress: Mapped | None = None

    def received(self, places: tuple[Mapped, Mapped], counts: Mapped) -> None:
        """Add spikes in, events and stored events of some steps, (3, steps).

        places: samples and steps of the samples, as `Window` tells.
        """
        for row, n in zip((0, 2, 3), counts, strict=True):
            self._add(row, places, n)

    def sent(self, places: tuple[Mapped, Mapped], spikes: Mapped, size: int) -> None:
        """Add the spikes of some steps, (steps,), and the updates of so many neurons."""
        self._add(1, places, spikes)
        counted = np.count_nonzero(places[0] >= 0)
        self.updates[0] += counted * size
        self.fill[4] += (len(spikes) - counted) * size

    def _add(self, row: int, places: tuple[Mapped, Mapped], n: Mapped) -> None:
        sample, index = places
        counted = sample >= 0
        self.counts[row, sample[counted], index[counted]] += n[counted]
        self.fill[row] += n[~counted].sum()

    def layer_counts(self, layer: int) -> LayerCounts:
        """The counters as every engine gives them back."""
        counted = dict(zip(COUNTED, np.array(self.counts), strict=True))
        fill = {key: int(n) for key, n in zip(FILL_KEYS, self.fill, strict=True)}
        return LayerCounts(layer, **counted, neuron_updates=int(self.updates[0]), fill=fill)


class ResultFiles:
    """The mapped files of one execution in a folder of its own."""

    def __init__(self, folder: Path, schedule: Schedule) -> None:
        self.folder = folder
        self.samples, self.steps = schedule.samples, schedule.steps

    def create(self, name: str, shape: tuple[int, ...], dtype: type[Any]) -> Mapped:
        """A new array of zeros in a file; processes forked later share its memory."""
        path = self.folder / f"{name}.npy"
        mapped = np.lib.format.open_memmap(path, "w+", dtype, shape)  # type: ignore[no-untyped-call]
        return np.asarray(mapped)

    def create_for(
        self, population: Population, record: bool, state: bool, readout: str | None
    ) -> PopulationResults:
        """A population's arrays: what is always counted, and what is asked for."""
        n, t, size = self.samples, self.steps, population.size
        spike = np.int32 if NEURONS[type(population.neuron)].graded else np.int8
        wanted: dict[str, tuple[tuple[int, ...], type[Any]]] = {
            "counts": ((4, n, t), np.int64),
            "fill": ((len(FILL_KEYS),), np.int64),
            "updates": ((1,), np.int64),
        }
        if record:
            wanted["spikes"] = ((n, t, size), spike)
        if record and state:
            wanted |= {"u": ((n, t, size), np.int32), "v": ((n, t, size), np.int32)}
        if readout is not None:
            wanted[READOUTS[readout]] = ((n, size), np.int64)
        names = {key: f"{key}_{population.layer}" for key in wanted}
        arrays = {key: self.create(names[key], *wanted[key]) for key in wanted}
        return PopulationResults(**arrays)

    def open_for(self, layer: int) -> PopulationResults:
        """A population's arrays, to be read."""
        paths = {
            key: self.folder / f"{key}_{layer}.npy" for key in PopulationResults.__annotations__
        }
        return PopulationResults(
            **{key: np.load(path, mmap_mode="r") for key, path in paths.items() if path.exists()}
        )


READOUTS = {"membrane": "last_v", "rate": "spike_sum"}  # a read-out's kind: where it collects


class Recorder:
    """Counts and records one population's neurons, step by step; window: at its depth.

    What a step adds to the counts is one number: they are kept until there are enough.
    """

    def __init__(self, results: PopulationResults, schedule: Schedule, window: Window) -> None:
        self.results, self.steps, self.window = results, schedule.steps, window
        self.last = schedule.total_steps - 1
        self.spikes: list[int] = []
        kept = (results.spikes, results.u, results.v, results.spike_sum, results.last_v)
        self.keeps = any(array is not None for array in kept)

    def sent(self, step: int, spikes: IntArray, state: NeuronState) -> None:
        """Take note of what the neurons did in this step."""
        self.count(step, spikes)
        if self.results.progress is not None:
            self.results.progress[0] = step + 1
        if self.keeps:
            self._keep(step, spikes, state)

    def count(self, step: int, spikes: IntArray) -> None:
        """Count a step's spikes."""
        self.spikes.append(np.count_nonzero(spikes))
        if len(self.spikes) == STEPS_MAX or step == self.last:
            places = self.window.places(np.arange(step + 1 - len(self.spikes), step + 1))
            self.results.sent(places, np.array(self.spikes), spikes.size)
            self.spikes.clear()

    def _keep(self, step: int, spikes: IntArray, state: NeuronState) -> None:
        r, (sample, index) = self.results, self.window.of(step)
        if sample < 0:
            return
        for array, value in ((r.spikes, spikes), (r.u, state.u), (r.v, state.v)):
            if array is not None:
                array[sample, index] = value
        if r.spike_sum is not None:
            r.spike_sum[sample] += spikes
        if r.last_v is not None and index == self.steps - 1:
            r.last_v[sample] = state.v
